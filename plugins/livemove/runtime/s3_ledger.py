"""The ledger on S3: documents that are written over, events that are only added, files beside them.

Layout under `<service>/ledger/`: `documents/<name>.json`, `events/<time>-<uuid>.json`, `files/<name>`.
Two workers never lose each other's events, because every event is an object of its own; of a document the
last writer wins. Nothing in here decides anything (docs/architecture.md, What is kept where).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from livemove.model.errors import UnreachableError
from livemove.model.ledger import DamagedError, Stored, TypedLedger, Unreadable
from livemove.runtime.parallel import in_parallel

MISSING = {"NoSuchKey", "NoSuchBucket", "404"}
READERS = 8


class S3Ledger(TypedLedger):
    """The Ledger port. The bucket is made by the first write when it is not there yet."""

    def __init__(
        self,
        s3: Any,
        bucket: str,
        service: str,
        *,
        run_id: str = "",
        task_id: str = "",
        dag_id: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.s3, self.bucket, self.now = s3, bucket, now
        self.run_id, self.task_id, self.dag_id = run_id, task_id, dag_id
        self.prefix = f"{service}/ledger/"

    def read(self, name: str) -> Stored | None:
        key = f"documents/{name}.json"
        content = self._get(key)
        return None if content is None else self._decoded(key, content)

    def write(self, name: str, document: Stored) -> None:
        self._put(f"documents/{name}.json", _encode(document), "application/json")

    def append(self, event: Stored) -> None:
        now = self.now()
        where = {"run_id": self.run_id, "task_id": self.task_id, "dag_id": self.dag_id}
        document = {**event, **where, "time": now.isoformat()}
        key = f"events/{now:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex}.json"
        self._put(key, _encode(document), "application/json")

    def stored_events(self) -> dict[str, object]:
        return self.contents(self.versions("events/"))

    def stored_documents(self, names: Iterable[str]) -> dict[str, object]:
        found = self.contents(f"documents/{n}.json" for n in names)
        return {k.removeprefix("documents/").removesuffix(".json"): v for k, v in found.items()}

    def documents(self, prefix: str = "") -> list[str]:
        """Names of all documents that begin with `prefix`, sorted."""
        start = len("documents/")
        return sorted(k[start:].removesuffix(".json") for k in self.versions(f"documents/{prefix}"))

    def put_file(self, name: str, content: bytes, content_type: str = "application/octet-stream") -> str:
        self._put(f"files/{name}", content, content_type)
        return f"s3://{self.bucket}/{self.prefix}files/{name}"

    def get_file(self, name: str) -> bytes | None:
        return self._get(f"files/{name}")

    def _get(self, key: str) -> bytes | None:
        with self._explained("read"):
            try:
                answer = self.s3.get_object(Bucket=self.bucket, Key=self.prefix + key)
                return bytes(answer["Body"].read())
            except ClientError as e:
                if e.response["Error"]["Code"] in MISSING:
                    return None
                raise

    def _put(self, key: str, content: bytes, content_type: str) -> None:
        def put() -> None:
            self.s3.put_object(
                Bucket=self.bucket, Key=self.prefix + key, Body=content, ContentType=content_type
            )

        with self._explained("written"):
            try:
                put()
            except ClientError as e:
                if e.response["Error"]["Code"] != "NoSuchBucket":
                    raise
                ensure_bucket(self.s3, self.bucket)
                put()

    def versions(self, folder: str) -> dict[str, str]:
        """Key -> ETag of everything under `folder`: a reader that comes again reads only what has changed."""
        with self._explained("read"):
            try:
                pages = self.s3.get_paginator("list_objects_v2").paginate(
                    Bucket=self.bucket, Prefix=self.prefix + folder
                )
                return {
                    o["Key"].removeprefix(self.prefix): o["ETag"]
                    for page in pages
                    for o in page.get("Contents", [])
                }
            except ClientError as e:
                if e.response["Error"]["Code"] in MISSING:
                    return {}
                raise

    def contents(self, keys: Iterable[str]) -> dict[str, object]:
        """The objects of these keys, in parallel; missing ones are left out, damaged ones Unreadable."""
        listed = list(keys)
        found = zip(listed, in_parallel(listed, self._get, READERS), strict=True)
        return {k: self._decoded_or_named(k, c) for k, c in found if c is not None}

    def _decoded_or_named(self, key: str, content: bytes) -> object:
        try:
            return self._decoded(key, content)
        except DamagedError as e:
            return Unreadable(key.removeprefix("documents/").removesuffix(".json"), e.found)

    def _decoded(self, key: str, content: bytes) -> Stored:
        try:
            return dict(json.loads(content))
        except (ValueError, TypeError) as e:
            raise DamagedError(
                f"s3://{self.bucket}/{self.prefix}{key} is no JSON object ({type(e).__name__})",
                wanted="what livemove wrote there",
                next_step=(
                    "the bucket is versioned: restore the version before it, or delete the object when nobody"
                    " needs it"
                ),
            ) from e

    @contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as e:
            raise UnreachableError(
                f"The ledger s3://{self.bucket}/{self.prefix} cannot be {verb}: {e}",
                next_step="check the bucket, the rights of the AWS connection, and retry the task",
            ) from e


def ensure_bucket(s3: Any, bucket: str) -> bool:
    """Make the bucket, versioned and closed to the public, if it is not there; True when it was made."""
    try:
        s3.head_bucket(Bucket=bucket)
        return False
    except ClientError as e:
        if e.response["Error"]["Code"] not in MISSING:
            raise
    region = s3.meta.region_name
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        s3.create_bucket(Bucket=bucket, **where)
    except ClientError as e:
        # two first tasks may come at once; a stranger's bucket of that name is another code
        if e.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        ),
    )
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return True


def _encode(document: Stored) -> bytes:
    return json.dumps(document, ensure_ascii=False, default=_plain).encode()


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
