"""Whether a rollback loses nothing, and until when; the same for moving forward again after a rollback.

From epoch 2 on the follower lives from the owner's binlog alone, from the position in the owner's row. It
misses writes when a table is in error, when the task did not begin where the way begins, when what it still
has to read is purged, or when a watermark row never came while later ones did. `losses` says so; a rollback
is refused then.

Not seen: rows that somebody changed on the follower itself; that is what the comparison is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from livemove.model import time_series
from livemove.model.errors import UnreachableError
from livemove.model.formatting import utc, utc_minute
from livemove.model.ledger import ReturnPath, WayBack
from livemove.model.ports import Binlogs, Link, Mark, ReplicationStatus, TableProgress, TaskState
from livemove.replication.dms_rules import REPAIR_FOLLOWER, trouble
from livemove.replication.dms_rules import describe_status as words_of
from livemove.runtime.deadlines import Deadline
from livemove.runtime.watermarks import watermark_trip
from livemove.switchover.steps import Dependencies

UNTOUCHED = (TaskState.ABSENT, TaskState.CREATING, TaskState.READY)
STREAM = "way back"
"""Name of the watermark rows that show whether the follower is current."""


@dataclass(frozen=True)
class Facts:
    """What is known of one link that began at a binlog position."""

    link: Link
    start: str
    """Where the way begins: the position in the owner's row."""
    status: ReplicationStatus
    tables: Sequence[TableProgress] = ()
    binlogs: Binlogs | None = None
    """The owner's; None when it does not answer."""
    lost_marks: Sequence[Mark] = ()
    began: bool = True
    """The ledger says that the task ran."""

    @property
    def needs(self) -> str:
        """The position from which the task must still be able to read."""
        return checkpoint(self.status.checkpoint) or self.start


def losses(f: Facts) -> list[str]:
    """Every reason why the follower misses writes of the owner, or cannot be brought to have them."""
    owner, follower, name, out = f.link.reads, f.link.writes, f.link.name, []
    state, begun = f.status.state, f.status.started_from
    if wrong := trouble(f.tables):
        out.append(f"the {follower} misses rows: {wrong}")
    if state not in UNTOUCHED and begun and begun != f.start:
        out.append(
            f"task {name} began at {begun}, reverse replication begins at {f.start}: everything in between is"
            f" missing on the {follower}"
        )
    if state is TaskState.ABSENT and f.began:
        out.append(
            f"task {name} is gone, and with it how far it came: the {follower} misses what was written since"
        )
    elif state is not TaskState.RUNNING and f.binlogs and file_of(f.needs) not in f.binlogs.files:
        oldest = f.binlogs.files[0] if f.binlogs.files else "none"
        out.append(
            f"task {name} is {state} and must read on at {f.needs}, but the {owner} keeps binlogs from"
            f" {oldest} on only: every write in between is missing on the {follower}"
        )
    if f.lost_marks:
        first, last = (utc(_time(m.at)) for m in (f.lost_marks[0], f.lost_marks[-1]))
        out.append(
            f"{len(f.lost_marks)} watermark rows of {first} to {last} never came to the {follower},"
            " though later ones did: writes of that time are missing"
        )
    return out


def lost_marks(sent: Iterable[Mark], arrived: Iterable[Mark], epoch: int) -> list[Mark]:
    """Watermark rows of this epoch that the follower lacks although a later one arrived, oldest first.

    One that is only on its way is not lost: nothing later has arrived. The rows of the owner's beat are a
    ring of a day (`livemove.beat`), each written again a day later: a row has arrived when the follower has
    that time or a newer one, and a missing beat is seen for a day. Read `sent` before `arrived`.
    """
    there = {(m.stream, m.number): m.at for m in arrived}
    ordered = sorted(sent, key=lambda m: m.at)
    came = [m for m in ordered if there.get((m.stream, m.number), -1.0) >= m.at]
    since = next((m.at for m in ordered if m.stream.startswith(f"return {epoch} ")), None)
    newest = max((m.at for m in came), default=0.0)
    if since is None:
        return []
    known = set(came)
    return [m for m in ordered if since <= m.at < newest and m not in known]


def checkpoint(text: str) -> str:
    """The earliest `file:offset` in DMS's RecoveryCheckpoint; empty when there is none.

    https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Task.CDC.html#CHAP_Task.CDC.StartPoint.Checkpoint
    """
    found = re.findall(r"([\w.-]+\.(\d{6,})):(\d+)", text)
    return min(((int(n), int(at), f"{file}:{at}") for file, n, at in found), default=(0, 0, ""))[2]


def file_of(position: str) -> str:
    return position.rpartition(":")[0]


def kept_until(keeps: float | None, current_at: datetime) -> datetime | None:
    """Until when the owner keeps what a follower current at `current_at` lacks. None: without a limit.

    The binlog that was being written then is closed later, so it stays at least so long.
    """
    return None if keeps is None else current_at + timedelta(seconds=keeps)


# Looking --------------------------------------------------------------------------------------------
def facts(parts: Dependencies, link: Link, start: str) -> Facts:
    """What the two databases and the replicator say now; a database that is silent leaves its part out."""
    owner, follower = parts.control[link.reads], parts.control[link.writes]
    binlogs, lost = None, []
    try:
        binlogs = owner.binlogs()
        lost = lost_marks(owner.watermarks(link.reads), follower.watermarks(link.reads), link.epoch)
    except UnreachableError:
        pass
    began = parts.ledger.load(ReturnPath, epoch=link.epoch) is not None
    return Facts(
        link, start, parts.replicator.status(link), parts.replicator.tables(link), binlogs, lost, began
    )


def look(parts: Dependencies, link: Link, start: str, patience: float) -> WayBack:
    """Looks now, and keeps what was seen for gates and report.

    `current_at` is when the follower last had everything; `patience`: seconds for which a watermark is waited
    for.
    """
    trip = _trip(parts, link, patience)
    found = facts(parts, link, start)
    now = parts.clock.now()
    before = parts.ledger.load(WayBack)
    if before and before.epoch != link.epoch:
        before = None
    current = _was_current(parts, link, before) if trip is None else now.isoformat()
    wrong, running = losses(found), found.status.state is TaskState.RUNNING
    keeps = found.binlogs.keeps if found.binlogs else (before.keeps_seconds if before else None)
    until = kept_until(keeps, datetime.fromisoformat(current)) if current else None
    seen = WayBack(
        epoch=link.epoch,
        reads=link.reads,
        writes=link.writes,
        task=link.name,
        state=str(found.status.state),
        words="" if running else words_of(found.status),
        lag_ms=None if trip is None else round(trip * 1000),
        current_at=current,
        keeps_seconds=keeps,
        until=until.isoformat() if until else None,
        needs=found.needs,
        losses=wrong,
        checked_at=now.isoformat(),
    )
    seen = seen.model_copy(update={"message": describe_rollback_safety(seen)})
    parts.ledger.save(seen)
    if trip is not None:
        time_series.add_delay(parts.ledger, now.timestamp(), trip)
    return seen


def _was_current(parts: Dependencies, link: Link, before: WayBack | None) -> str | None:
    """When the follower last had everything, as the ledger knows it."""
    if before:
        return before.current_at
    path = parts.ledger.load(ReturnPath, epoch=link.epoch)
    return path.running_since if path else None


def describe_rollback_safety(seen: WayBack) -> str:
    """One sentence for the soak, the gates and the report."""
    if seen.losses:
        return f"A rollback would lose writes: {'; '.join(seen.losses)}. To repair it, {REPAIR_FOLLOWER}"
    running = seen.state == TaskState.RUNNING
    holds = _holds(seen, running)
    if not running:
        return f"Reverse replication is {seen.state}: {seen.words}. {holds}"
    if seen.lag_ms is None:
        since = f"since {utc_minute(seen.current_at)}" if seen.current_at else "and was never current"
        return f"Reverse replication runs and is behind {since}. {holds}"
    return f"Reverse replication runs, {seen.lag_ms} ms behind. {holds}"


def _holds(seen: WayBack, running: bool) -> str:
    end = "while it runs, until you approve Retire" if running else "if it runs again by then"
    if seen.current_at is None:
        return "Whether a rollback loses nothing is not known yet"
    if seen.keeps_seconds is None or seen.until is None:
        return f"A rollback loses nothing: the {seen.reads} keeps its binlogs for ever; {end}"
    if not seen.keeps_seconds:
        return (
            f"A rollback loses nothing only while it runs: the {seen.reads} does not keep binlogs (binlog"
            " retention hours is NULL)"
        )
    stops = " if reverse replication stops now" if running else ""
    return f"A rollback loses nothing until {utc_minute(seen.until)}{stops}; {end}"


def _trip(parts: Dependencies, link: Link, patience: float) -> float | None:
    """Seconds that a watermark took to the follower; None when it did not come in time."""
    owner, follower = parts.control[link.reads], parts.control[link.writes]
    number = int(parts.clock.now().timestamp() * 1000)
    try:
        return watermark_trip(owner, follower, link.reads, STREAM, number, Deadline(parts.clock, patience))
    except UnreachableError:
        return None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
