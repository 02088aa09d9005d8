"""The final dump: whole, restorable, and absent rather than torn."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lab.mariadb import Server
from livemove.model.errors import SchemaError
from livemove.model.ledger import FinalDump
from livemove.runtime.mariadb import Login
from livemove.servers.adapters import final_dump as dump_archive
from livemove.servers.adapters.final_dump import archive, kept
from tests.raising import raises

WHEN = "2026-11-23T00:00:00+00:00"

pytestmark = pytest.mark.servers


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="kept")
        yield client


@pytest.fixture(scope="module")
def filled(source_server: Server) -> Server:
    source_server.load(
        "CREATE DATABASE IF NOT EXISTS archived; USE archived;\nCREATE OR REPLACE TABLE note (id INT PRIMARY"
        " KEY, body TEXT) CHARACTER SET utf8mb4;\nINSERT INTO note VALUES (1, 'grüße 😀'), (2, NULL);\nCREATE"
        " OR REPLACE TRIGGER note_bi BEFORE INSERT ON note FOR EACH ROW SET NEW.body ="
        " UPPER(NEW.body);\nCREATE OR REPLACE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n *"
        " 2;\nCREATE OR REPLACE EVENT sweep ON SCHEDULE EVERY 1 DAY DO DELETE FROM note WHERE id < 0;\n"
    )
    return source_server


def login(server: Server, user: str = "root") -> Login:
    return Login(server.address, server.port, user, server.root_password)


def stored(s3: Any) -> bytes:
    return bytes(s3.get_object(Bucket="kept", Key="shop/final.sql.gz")["Body"].read())


def test_dump_restores_rows_triggers_routines_and_events(
    s3: Any, filled: Server, target_server: Server
) -> None:
    made = archive(login(filled), ["archived"], s3, "kept", "shop/final.sql.gz")
    content = stored(s3)
    assert (made["bytes"], made["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    target_server.load(gzip.decompress(content).decode())
    assert target_server.query("SELECT id, body FROM archived.note ORDER BY id") == [
        (1, "grüße 😀"),
        (2, None),
    ]
    assert target_server.query("SELECT archived.twice(21)") == [(42,)]
    found = target_server.query(
        "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'archived'"
        " UNION ALL SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'archived'"
    )
    assert [name for (name,) in found] == ["note_bi", "sweep"]


def test_large_dump_goes_up_in_parts(s3: Any, filled: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump_archive, "PART", 5 << 20)
    filled.load(
        "CREATE OR REPLACE TABLE archived.noise (id INT PRIMARY KEY, body VARBINARY(1024));\n"
        "INSERT INTO archived.noise SELECT seq, RANDOM_BYTES(1024) FROM archived.seq_1_to_6000;\n"
    )
    try:
        made = archive(login(filled), ["archived"], s3, "kept", "shop/final.sql.gz")
    finally:
        filled.load("DROP TABLE archived.noise;")
    assert made["bytes"] > 5 << 20
    assert b"Dump completed" in gzip.decompress(stored(s3))[-200:]
    assert kept(s3, FinalDump(**made, made_at=WHEN))


def test_refused_login_leaves_no_object_and_no_open_upload(s3: Any, filled: Server) -> None:
    with raises(SchemaError, "Access denied"):
        archive(login(filled, "nobody"), ["archived"], s3, "kept", "shop/final.sql.gz")
    assert "Contents" not in s3.list_objects_v2(Bucket="kept")
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="kept")


def test_kept_notices_a_missing_or_shortened_object(s3: Any) -> None:
    s3.put_object(Bucket="kept", Key="shop/final.sql.gz", Body=b"12345")
    assert kept(s3, FinalDump(address="s3://kept/shop/final.sql.gz", bytes=5, made_at=WHEN))
    assert not kept(s3, FinalDump(address="s3://kept/shop/final.sql.gz", bytes=6, made_at=WHEN))
    assert not kept(s3, FinalDump(address="s3://kept/shop/other.sql.gz", bytes=5, made_at=WHEN))
    assert not kept(s3, FinalDump(skipped="gone", made_at=WHEN))
