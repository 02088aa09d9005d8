"""Step 0: every reason against moving the writes now. Nothing is changed but a few watermark rows.

A guard returns reasons; none means yes. All are asked, so that a person sees the whole list at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from livemove.core.acts import Parts, read_row
from livemove.errors import LivemoveError
from livemove.ports import ControlState, Json, Link, Reply, TaskState
from livemove.spec import Side

LONGEST_TRANSACTION = 5.0
"""Seconds; a longer one keeps read_only waiting or dies by the fence."""
STALE_HEARTBEAT = 3.0
"""Seconds after which the dead-man's switch counts as dead; it ticks every second."""
ROUND_TRIPS = 5
READY = (TaskState.READY, TaskState.STOPPED, TaskState.RUNNING)

Guard = Callable[[Parts, Side, int], Iterable[str]]


def rows_stand(parts: Parts, to: Side, epoch: int) -> Iterator[str]:
    for side, state in ((to.other, ControlState.OPEN), (to, ControlState.FOLLOW)):
        row = read_row(parts.control[side], parts.clock)
        if row is None:
            yield f"the {side} database does not answer"
        elif (row.state, row.epoch) != (state, epoch):
            yield f"{row}, wanted {state}@{epoch}"


def replicator_runs(parts: Parts, to: Side, epoch: int) -> Iterator[str]:
    link = Link(parts.service, epoch, to.other)
    status = parts.replicator.status(link)
    if status.state is not TaskState.RUNNING:
        why = status.failure or status.stop_reason
        yield f"the replication task {link.name} is {status.state}" + (f" ({why})" if why else "")


def return_is_ready(parts: Parts, to: Side, epoch: int) -> Iterator[str]:
    link = Link(parts.service, epoch + 1, to)
    state = parts.replicator.status(link).state
    if state not in READY:
        yield f"the way back is not prepared: task {link.name} is {state}; run prepare_return"


def switch_ticks(parts: Parts, to: Side, epoch: int) -> Iterator[str]:
    for side in (to.other, to):
        health = parts.control[side].health(LONGEST_TRANSACTION)
        age = health.heartbeat_age
        if not health.event_scheduler:
            yield f"event_scheduler is off on the {side}: the dead-man's switch cannot tick"
        elif age is None or age > STALE_HEARTBEAT:
            yield f"the dead-man's switch on the {side} last ticked {'never' if age is None else f'{age:.0f} s ago'}"
        if not health.durable:
            yield f"the {side} may forget the commit in a power cut: wanted sync_binlog=1 and innodb_flush_log_at_trx_commit=1"
        if side is to.other:
            yield from (f"long transaction on the {side}: {t}" for t in health.long_transactions)
            if health.prepared_xa:
                yield f"{health.prepared_xa} prepared XA transactions on the {side}"


def servers_answer(parts: Parts, to: Side, epoch: int) -> Iterator[str]:
    yield from server_reasons(parts.servers.status(), to, epoch)


def server_reasons(replies: list[Reply], to: Side, epoch: int) -> Iterator[str]:
    """All must answer on the way to the cloud; on the way back, dead cloud servers do not hold anybody."""
    for r in replies:
        if not r.ok and (to is Side.TARGET or r.facts.get("site") == to):
            yield f"server {r.server} does not answer: {r.message}"
        known = int(r.facts.get("epoch") or 0)
        if known > epoch:
            yield f"server {r.server} has seen epoch {known}, the databases are at {epoch}"


def comparison_is_clean(parts: Parts, to: Side, epoch: int) -> Iterator[str]:
    """Of the forward direction only: the reverse comparison comes with a later issue."""
    if to is not Side.TARGET:
        return
    since = (parts.ledger.read(f"switchover/{epoch}") or {}).get("started_at", "")
    for table in parts.tables():
        found = parts.ledger.read(f"comparison/{table}")
        if found is None:
            yield f"{table} was never compared"
        elif not found.get("equal"):
            yield f"{table} differs: {found.get('differences', [])[:3]}"
        elif since and not _later(str(found.get("checked_at", "")), str(since)):
            yield f"{table} was compared before the last move; run validate again"


def _later(a: str, b: str) -> bool:
    try:
        return datetime.fromisoformat(a) > datetime.fromisoformat(b)
    except (ValueError, TypeError):
        return False


def pause_fits(parts: Parts, to: Side, epoch: int) -> Iterator[str]:
    try:
        expected = expected_pause(parts, to)
    except LivemoveError as e:
        yield e.found
        return
    parts.ledger.write("switchover/expected", expected)
    parts.ledger.write("expected_pause", expected)
    if expected["ms"] > parts.settings.pause_budget * 1000:
        yield f"the expected pause is {expected['ms']} ms, the budget {parts.settings.pause_budget * 1000:.0f} ms"


def expected_pause(parts: Parts, to: Side) -> Json:
    """{"ms", "watermark_ms", "servers_ms", "probe_ms", "not_armed", "measured_at"}: what lies between hold and release.

    Two worst round trips of a watermark, our own work, and that of the slowest server: hold, reload, probe and release,
    each taken to last as long as a probe does now. Armed servers do them when they see the row; for those that cannot
    be armed, by name, the delivery of two words is waited for.
    LivemoveError when a watermark does not arrive within the pause budget.
    """
    f, t = parts.control[to.other], parts.control[to]
    began = parts.clock.now()
    stream = f"measured {began.isoformat()}"
    trips = []
    for number in range(1, ROUND_TRIPS + 1):
        sent = parts.clock.now()
        f.write_watermark(to.other, stream, number)
        while not t.has_watermark(to.other, stream, number):
            if (parts.clock.now() - sent).total_seconds() > parts.settings.pause_budget:
                raise LivemoveError(
                    f"a watermark of the {to.other} did not arrive in the {to} within {parts.settings.pause_budget:g} s",
                    next_step="look at the replication task and its lag",
                )
            parts.clock.sleep(0.005)
        trips.append(round((parts.clock.now() - sent).total_seconds() * 1000))
    asked = parts.clock.now()
    replies = parts.servers.status(watching=to)
    delivery = round((parts.clock.now() - asked).total_seconds() * 1000)
    slowest = max((int(r.facts.get("probe_ms") or 0) for r in replies), default=0)
    not_armed = {
        r.server: str(r.facts.get("watch") or r.message) for r in replies if r.facts.get("watch") != "ready"
    }
    return {
        "ms": 2 * max(trips) + OWN_WORK_MS + WATCH_MS + 4 * slowest + (2 * delivery if not_armed else 0),
        "watermark_ms": trips,
        "servers_ms": delivery,
        "probe_ms": slowest,
        "not_armed": not_armed,
        "measured_at": began.isoformat(),
    }


OWN_WORK_MS = 300
"""Fence, proof, commit, claim, prepare and open by themselves, on a quiet database (bench/)."""

WATCH_MS = 150
"""An armed server sees two changes of the row, and reports over a connection of its own (bench/)."""

GUARDS: tuple[Guard, ...] = (
    rows_stand,
    replicator_runs,
    return_is_ready,
    switch_ticks,
    servers_answer,
    comparison_is_clean,
    pause_fits,
)


def refusals(parts: Parts, to: Side, epoch: int) -> list[str]:
    """Every reason against the move; a guard that cannot ask is a reason as well."""
    reasons: list[str] = []
    for guard in GUARDS:
        try:
            reasons += guard(parts, to, epoch)
        except LivemoveError as e:
            reasons.append(f"{guard.__name__.replace('_', ' ')} could not be asked: {e.found}")
    return reasons
