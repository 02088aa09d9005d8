"""A whole dump of one database, streamed compressed into S3: nothing of it touches this worker's disk."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import subprocess
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from typing import IO, Any

from livemove.model.errors import SchemaError, SetupError
from livemove.model.ledger import FinalDump
from livemove.model.ports import Json
from livemove.runtime.mariadb import CLEAR_TEXT, Login
from livemove.runtime.polling import LogThrottle

log = logging.getLogger(__name__)

CHUNK = 1 << 20
PART = 16 << 20
"""Bytes per part of the upload; S3 takes 10,000 parts, so 156 GB compressed."""
END_MARK = b"-- Dump completed"
"""The last line that a dump writes; one without it is torn."""


def archive(
    login: Login,
    schemas: Sequence[str],
    s3: Any,
    bucket: str,
    key: str,
    *,
    follows: bool = False,
    tail: Sequence[str] = (),
    timeout: float = 43200,
) -> Json:
    """Dump `schemas` with routines, triggers and events to s3://bucket/key as gzip.

    follows: the database is a follower, all of whose triggers are livemove's own: none is dumped. tail:
    statements that put back what a follower's columns lack.

    Returns {"address", "bytes", "sha256"} of the compressed object. SchemaError when the dump breaks off, and
    then no object is left. Tables that are not InnoDB are not part of the one snapshot.
    """
    upload, voice = _Upload(s3, bucket, key), LogThrottle()
    began = time.monotonic()
    try:
        for piece in _compressed(_whole(_dump(login, schemas, timeout, triggers=not follows), tail)):
            upload.add(piece)
            seconds = time.monotonic() - began
            rate = upload.size / seconds if seconds else 0.0
            if line := voice.line(
                f"dump: {upload.size / 1e6:,.0f} MB compressed, {rate / 1e6:.1f} MB/s", seconds
            ):
                log.info("%s", line)
        return upload.finish()
    except BaseException:
        upload.abort()
        raise


def _whole(dump: Iterator[bytes], tail: Sequence[str]) -> Iterator[bytes]:
    yield from dump
    if tail:
        yield "".join(f"{statement};\n" for statement in ("", *tail)).encode()


def _dump(login: Login, schemas: Sequence[str], timeout: float, *, triggers: bool) -> Iterator[bytes]:
    program = shutil.which("mariadb-dump") or shutil.which("mysqldump")
    if not program:
        raise SetupError(
            "Neither mariadb-dump nor mysqldump is on this worker",
            next_step="install mariadb-client on every worker, then retry",
        )
    argv = [
        program,
        "--no-defaults",
        f"--host={login.host}",
        f"--port={login.port}",
        f"--user={login.user}",
        "--protocol=tcp",
        *(login.trust.client_options() if login.trust else CLEAR_TEXT),
        "--single-transaction",
        "--quick",
        "--routines",
        "--triggers" if triggers else "--skip-triggers",
        "--events",
        "--hex-blob",
        "--default-character-set=utf8mb4",
        "--max-allowed-packet=512M",
        "--databases",
        *schemas,
    ]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, "MYSQL_PWD": login.password}
        )
        assert process.stdout is not None
        watchdog = threading.Timer(timeout, process.kill)
        watchdog.start()
        try:
            end = b""
            while piece := process.stdout.read(CHUNK):
                end = (end + piece)[-4096:]
                yield piece
            if process.wait(timeout=60) or END_MARK not in end:
                raise SchemaError(
                    f"The dump of {', '.join(schemas)} at {login} broke off: {_said(errors)}",
                    wanted="a dump with its last line in place",
                    next_step="see that the account may read everything, then retry the task",
                )
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
            process.stdout.close()


def _said(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode(errors="replace").strip()[-800:] or "without a message"


def _compressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    # 31: a gzip header without time or name
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


class _Upload:
    """A multipart upload that appears as one object at the end, or not at all."""

    def __init__(self, s3: Any, bucket: str, key: str) -> None:
        self.s3, self.where = s3, {"Bucket": bucket, "Key": key}
        self.id = s3.create_multipart_upload(**self.where, ContentType="application/gzip")["UploadId"]
        self.parts: list[Json] = []
        self.buffer = bytearray()
        self.digest, self.size = hashlib.sha256(), 0

    def add(self, piece: bytes) -> None:
        self.digest.update(piece)
        self.size += len(piece)
        self.buffer += piece
        while len(self.buffer) >= PART:
            self._send(bytes(self.buffer[:PART]))
            del self.buffer[:PART]

    def _send(self, body: bytes) -> None:
        number = len(self.parts) + 1
        answer = self.s3.upload_part(**self.where, UploadId=self.id, PartNumber=number, Body=body)
        self.parts.append({"ETag": answer["ETag"], "PartNumber": number})

    def finish(self) -> Json:
        if self.buffer or not self.parts:
            self._send(bytes(self.buffer))
        self.s3.complete_multipart_upload(
            **self.where, UploadId=self.id, MultipartUpload={"Parts": self.parts}
        )
        address = f"s3://{self.where['Bucket']}/{self.where['Key']}"
        return {"address": address, "bytes": self.size, "sha256": self.digest.hexdigest()}

    def abort(self) -> None:
        self.s3.abort_multipart_upload(**self.where, UploadId=self.id)


def kept(s3: Any, dump: FinalDump) -> bool:
    """Whether the object of an earlier dump is still there, whole."""
    if not dump.address:
        return False
    bucket, _, key = dump.address.removeprefix("s3://").partition("/")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    return bool(found) and found[0]["Key"] == key and found[0]["Size"] == dump.bytes
