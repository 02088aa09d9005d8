"""What a task's description says about following the binlog: where it ends, and how changes are applied."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from lab.cloud.dms.replicator.description import Description
from lab.cloud.dms.replicator.failure import Failed

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


def seconds_of(text: str) -> float:
    """A time as DMS takes it, 2018-03-08T12:12:12 in UTC, as Unix time; Failed when it is none."""
    if not TIME.fullmatch(text.strip()):
        raise Failed(f"{text!r} is not a time of the form 2018-03-08T12:12:12")
    return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class StopPosition:
    """CdcStopPosition.

    A server time also ends a task whose source is silent; a commit time ends it only at a transaction.
    """

    server: bool
    time: float

    @property
    def reason(self) -> str:
        return "STOPPED_AT_SERVER_TIME" if self.server else "STOPPED_AT_COMMIT_TIME"

    @classmethod
    def of(cls, text: str | None) -> StopPosition | None:
        if not text:
            return None
        kind, _, when = text.partition(":")
        if kind not in ("server_time", "commit_time"):
            raise Failed(f"CdcStopPosition {text!r} is neither server_time: nor commit_time:")
        return cls(kind == "server_time", seconds_of(when))


@dataclass(frozen=True)
class CdcOptions:
    truncate: bool = True
    """TRUNCATE on the source is carried out on the target."""
    batch_seconds: float | None = None
    """Batched apply: changes wait so long, then are applied table by table."""
    batch_bytes: int = 64 << 20
    ignore_conflicts: bool = True
    """FullLoadIgnoreConflicts: duplicates and missing rows of cached changes are no errors."""
    since: float = 0.0
    """Unix time; transactions that began before it are passed over."""
    until: StopPosition | None = None

    @classmethod
    def of(cls, d: Description, since: float) -> CdcOptions:
        batched = d.setting("TargetMetadata", "BatchApplyEnabled", False)
        wait = float(d.setting("ChangeProcessingTuning", "BatchApplyTimeoutMin", 1))
        room = int(d.setting("ChangeProcessingTuning", "BatchApplyMemoryLimit", 500)) << 20
        return cls(
            truncate=bool(d.setting("ChangeProcessingDdlHandlingPolicy", "HandleSourceTableTruncated", True)),
            batch_seconds=wait if batched else None,
            batch_bytes=min(room, 64 << 20),
            ignore_conflicts=bool(d.setting("ErrorBehavior", "FullLoadIgnoreConflicts", True)),
            since=since,
            until=StopPosition.of(d.until),
        )
