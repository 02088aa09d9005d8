"""The audit finds what is planted: a lost write, a doubled one, a doubled or missing effect of a trigger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.idc import listings
from lab.mariadb import Server
from lab.traffic.audit import Audit, audit, write_pause_ms
from lab.traffic.record import ACKNOWLEDGED, FAILURES, SECONDS, UNKNOWN

SCHEMA = "livemove_traffic"


class Record:
    """A record of users as it would have been written, and the writes that go with it."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        self.line(SECONDS, t=1.0, ok=10, failed=2, unknown=1)

    def line(self, file: str, **content: Any) -> None:
        with (self.folder / file).open("a") as out:
            out.write(json.dumps(content) + "\n")

    def write(self, key: str, table: str = "orders", file: str | None = ACKNOWLEDGED) -> None:
        amount = ("amount", "1") if table == "orders" else ("contact, message", "'c', 'm'")
        self.server.query(
            f"INSERT INTO {SCHEMA}.{table} (idempotency_key, listing_id, {amount[0]}) VALUES ('{key}', 5,"
            f" {amount[1]})"
        )
        if file:
            self.line(file, key=key, kind=table, t=2.0)

    def audit(self) -> Audit:
        return audit(self.folder, self.server.connect, SCHEMA)


@pytest.fixture
def record(target_server: Server, tmp_path: Path) -> Iterator[Record]:
    target_server.query(f"DROP DATABASE IF EXISTS {SCHEMA}")
    listings.load_traffic(target_server)
    yield Record(tmp_path, target_server)
    target_server.query(f"DROP DATABASE {SCHEMA}")


@pytest.mark.servers
def test_everything_there_once_is_clean(record: Record) -> None:
    record.write("a")
    record.write("b", "enquiries")
    record.write("c", file=UNKNOWN)
    record.line(UNKNOWN, key="d", kind="orders", t=2.0)
    record.write("e", file=FAILURES)
    record.line(FAILURES, key="", kind="read", t=2.0)
    assert record.audit() == Audit(
        acknowledged=2, unknown=2, unknown_present=1, refused_present=1, requests_ok=10, requests_failed=3
    )


def lose(r: Record) -> None:
    r.line(ACKNOWLEDGED, key="gone", kind="enquiries", t=2.0)


def double(r: Record) -> None:
    r.server.query(f"ALTER TABLE {SCHEMA}.enquiries DROP INDEX uq_enquiries_key")
    r.write("twice", "enquiries")
    r.write("twice", "enquiries", file=None)


def double_unknown(r: Record) -> None:
    r.server.query(f"ALTER TABLE {SCHEMA}.enquiries DROP INDEX uq_enquiries_key")
    r.write("twice", "enquiries", file=UNKNOWN)
    r.write("twice", "enquiries", file=None)


def double_audit_row(r: Record) -> None:
    r.write("fired-twice")
    r.server.query(
        f"INSERT INTO {SCHEMA}.order_audit (order_id, idempotency_key, action, amount) SELECT id,"
        f" idempotency_key, 'insert', 1 FROM {SCHEMA}.orders WHERE idempotency_key = 'fired-twice'"
    )


def lose_audit_row(r: Record) -> None:
    r.write("not-fired")
    r.server.query(f"DELETE FROM {SCHEMA}.order_audit WHERE idempotency_key = 'not-fired'")


def count_twice(r: Record) -> None:
    r.server.query(f"UPDATE {SCHEMA}.listings SET order_count = order_count + 1 WHERE id = 9")


def count_never(r: Record) -> None:
    r.write("uncounted", "enquiries")
    r.server.query(f"UPDATE {SCHEMA}.listings SET enquiry_count = 0")


@pytest.mark.servers
@pytest.mark.parametrize(
    ("plant", "lost", "duplicated", "named"),
    [
        (lose, 1, 0, "enquiries gone"),
        (double, 0, 1, "twice is there 2 times"),
        (double_unknown, 0, 1, "twice is there 2 times"),
        (double_audit_row, 0, 1, "fired-twice"),
        (lose_audit_row, 1, 0, "not-fired"),
        (count_twice, 0, 1, "listing 9: order_count is 1, with 0 orders"),
        (count_never, 1, 0, "enquiry_count is 0, with 1 enquiries"),
    ],
)
def test_a_planted_fault_is_found_and_named(
    record: Record, plant: Callable[[Record], None], lost: int, duplicated: int, named: str
) -> None:
    record.write("healthy")
    plant(record)
    found = record.audit()
    assert (found.lost, found.duplicated) == (lost, duplicated)
    assert not found.clean
    assert named in found.examples[0]


@pytest.mark.servers
def test_more_keys_than_fit_into_one_query(record: Record) -> None:
    for n in range(1100):
        record.line(ACKNOWLEDGED, key=f"k{n}", kind="orders", t=2.0)
    found = record.audit()
    assert found.lost == 1100
    assert len(found.examples) == 20


def test_the_pause_is_the_longest_gap_that_touches_the_interval(tmp_path: Path) -> None:
    def line(file: str, **content: float) -> None:
        with (tmp_path / file).open("a") as out:
            out.write(json.dumps(content) + "\n")

    assert write_pause_ms(tmp_path) is None
    for t in (1.0, 1.1, 3.1, 3.2, 3.7, 3.8):
        line(ACKNOWLEDGED, t=t)
    assert write_pause_ms(tmp_path) == 2000
    assert write_pause_ms(tmp_path, 2.0, 2.5) == 2000
    assert write_pause_ms(tmp_path, 3.15, 9) == 500
    assert write_pause_ms(tmp_path, 0, 1.05) == 100
    line(SECONDS, t=9.8)
    assert write_pause_ms(tmp_path) == 6000
    with (tmp_path / ACKNOWLEDGED).open("a") as out:
        out.write('{"t": 5')
    assert write_pause_ms(tmp_path) == 6000
