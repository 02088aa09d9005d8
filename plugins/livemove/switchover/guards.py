"""Step 0: every reason against moving the writes now. Nothing is changed but a few watermark rows.

A guard returns reasons; none means yes. All are asked, so that a person sees the whole list at once.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta

from livemove.model.errors import LivemoveError
from livemove.model.formatting import hours, milliseconds, utc
from livemove.model.ledger import ExpectedPause, TableComparison, moment
from livemove.model.ports import ControlState, Link, Reply, TaskState
from livemove.model.spec import Side
from livemove.replication.dms_rules import trouble
from livemove.runtime.deadlines import Deadline
from livemove.runtime.watermarks import watermark_trip
from livemove.switchover import rollback_safety as way_back
from livemove.switchover.steps import TICK, Dependencies, read_row

LONGEST_TRANSACTION = 5.0
"""Seconds; a longer one keeps read_only waiting or dies by the fence."""
STALE_HEARTBEAT = 3.0
"""Seconds after which the dead-man's switch counts as dead; it ticks every second."""
SHORTEST_KEPT = 86400.0
"""Seconds that the next owner must keep its binlogs: a night and a day to repair reverse replication."""
ROUND_TRIPS = 5
READY = (TaskState.READY, TaskState.STOPPED, TaskState.RUNNING)

Guard = Callable[[Dependencies, Side, int], Iterable[str]]


def rows_stand(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """The control rows say so: the owner OPEN, the other side FOLLOW, both in this epoch."""
    for side, state in ((to.other, ControlState.OPEN), (to, ControlState.FOLLOW)):
        row = read_row(parts.control[side], parts.clock)
        if row is None:
            yield f"the {side} database does not answer"
        elif (row.state, row.epoch) != (state, epoch):
            yield f"{row}, wanted {state}@{epoch}"


def replicator_runs(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """The replication task of this epoch is running."""
    link = Link(parts.service, epoch, to.other)
    status = parts.replicator.status(link)
    if status.state is not TaskState.RUNNING:
        why = status.failure or status.stop_reason
        yield f"the replication task {link.name} is {status.state}" + (f" ({why})" if why else "")


def return_is_ready(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """The task that will replicate the other way round is made and tested."""
    link = Link(parts.service, epoch + 1, to)
    state = parts.replicator.status(link).state
    if state not in READY:
        yield f"reverse replication is not prepared: task {link.name} is {state}; run prepare_return"


def switch_ticks(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """The dead-man's switch ticks, commits are durable, no transaction of the owner is long or prepared."""
    for side in (to.other, to):
        health = parts.control[side].health(LONGEST_TRANSACTION)
        age = health.heartbeat_age
        if not health.event_scheduler:
            yield f"event_scheduler is off on the {side}: the dead-man's switch cannot tick"
        elif age is None or age > STALE_HEARTBEAT:
            yield (
                f"the dead-man's switch on the {side} last ticked"
                f" {'never' if age is None else f'{age:.0f} s ago'}"
            )
        if not health.durable:
            yield (
                f"the {side} may forget the commit in a power cut: wanted sync_binlog=1 and"
                " innodb_flush_log_at_trx_commit=1"
            )
        if side is to.other:
            yield from (f"long transaction on the {side}: {t}" for t in health.long_transactions)
            if health.prepared_xa:
                yield f"{health.prepared_xa} prepared XA transactions on the {side}"


def servers_answer(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """Every server answers, and none has seen a later epoch."""
    yield from server_reasons(parts.servers.status(), to, epoch)


def server_reasons(replies: list[Reply], to: Side, epoch: int) -> Iterator[str]:
    """All must answer for a move to the cloud; a rollback does not wait for dead cloud servers."""
    for r in replies:
        if not r.ok and (to is Side.TARGET or r.facts.get("site") == to):
            yield f"server {r.server} does not answer: {r.message}"
        known = int(r.facts.get("epoch") or 0)
        if known > epoch:
            yield f"server {r.server} has seen epoch {known}, the databases are at {epoch}"


def way_back_loses_nothing(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """Nothing that the owner acknowledged is missing in the database that the writes go to."""
    link = Link(parts.service, epoch, to.other)
    row = read_row(parts.control[to.other], parts.clock)
    if row and row.position:
        yield from way_back.losses(way_back.facts(parts, link, row.position))
    elif wrong := trouble(parts.replicator.tables(link)):
        yield f"tables cannot be trusted: {wrong}"


def comparison_is_clean(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """No table was seen to differ since the writes moved last."""
    for table in parts.tables():
        found = parts.ledger.load(TableComparison, epoch=epoch, table=table)
        if found and not found.equal:
            rows = [f"{d.kind} {', '.join(d.key)}" for d in found.differences[:3]]
            yield f"{table} differs: {'; '.join(rows)} {found.note}".rstrip()


def comparison_is_fresh(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """Every table was compared since the last switchover, its last DDL and the owner's last start."""
    owner = to.other
    uptime = parts.control[owner].health(LONGEST_TRANSACTION).uptime
    started = parts.clock.now() - timedelta(seconds=uptime) if uptime is not None else None
    now = parts.proof.definitions(owner)
    for table in parts.tables():
        found = parts.ledger.load(TableComparison, epoch=epoch, table=table)
        if found is None:
            yield f"{table} was not compared since epoch {epoch} began; run {_compare(to)}"
            continue
        then = found.definitions.get(str(owner))
        if then and table in now and then != now[table]:
            yield (
                f"{table} was changed by DDL on the {owner} since it was compared at {found.checked_at};"
                f" run {_compare(to)}"
            )
        if started and moment(found.checked_at) < started:
            yield (
                f"the {owner} was restarted at {utc(started)}, after {table} was compared at"
                f" {found.checked_at}; run {_compare(to)}"
            )


def _compare(to: Side) -> str:
    return "validate again" if to is Side.TARGET else "switchover.compare_back"


def definitions_fit(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """DDL is not replicated: what the owner got since would be lost, or stop the replicator."""
    for line in parts.proof.unlike(to.other):
        yield f"{line}; make both sides alike, then {_compare(to)}"


def no_ddl_since(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """Indexes, defaults, views and routines that came to the owner alone: the next owner lacks them."""
    for what in parts.code.changed(to.other):
        yield f"DDL on the {to.other} is not on the {to}: {what}; do the same there, then {_compare(to)}"


def follower_sleeps(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """Triggers and events are off on the follower: replication brings their effects, they would act twice."""
    for what in parts.code.awake(to):
        yield (
            f"{what} is awake on the {to}, which only follows: its effects are there twice. Drop it there"
            f" (the DDL of the owner's is kept), then {_compare(to)}"
        )


def nobody_else_writes(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """No session or account that the fence would miss may write to the owner."""
    for who in parts.control[to.other].unfenced_writers():
        yield (
            f"{who} may write to the {to.other} and would not be fenced: end it, or name its account in"
            " source.accounts"
        )


def events_can_sleep(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """RDS's master user may not alter an event of another definer (1227), so the fence could not close."""
    for what in parts.control[to.other].undisablable_events():
        yield (
            f"event {what} on the {to.other} cannot be disabled by livemove's login: drop it, or let its"
            " definer disable it, and create it as livemove's login"
        )


def binlogs_are_kept(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """The next owner keeps its binlogs for reverse replication until an interruption is repaired."""
    keeps = parts.control[to].binlogs().keeps
    if keeps is not None and keeps < SHORTEST_KEPT:
        yield (
            f"the {to} keeps its binlogs for {hours(keeps)}, wanted at least {hours(SHORTEST_KEPT)}: reverse"
            " replication that is interrupted longer would be lost"
        )


def no_upkeep(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """No backup or maintenance of the RDS instance is in the way."""
    yield from parts.upkeep()


def pause_fits(parts: Dependencies, to: Side, epoch: int) -> Iterator[str]:
    """The pause, measured now, fits the budget."""
    try:
        expected = expected_pause(parts, to)
    except LivemoveError as e:
        yield e.found
        return
    parts.ledger.save(expected)
    if expected.ms > parts.settings.pause_budget * 1000:
        yield (
            f"the expected pause is {expected.ms} ms, the budget {milliseconds(parts.settings.pause_budget)}"
        )


def expected_pause(parts: Dependencies, to: Side) -> ExpectedPause:
    """The expected time between hold and release, measured now. A sum of:

    - the drain: twice the slowest round trip of a watermark;
    - livemove's work: OWN_WORK_MS, and CALLS_IN_A_ROW round trips to a database;
    - the servers: WORDS_IN_A_ROW commands, each as long as the slowest server's probe takes. An armed server
      runs them by itself; where one is not armed (`not_armed` says why), twice the delivery of a command.

    LivemoveError when a watermark does not arrive within the pause budget.
    """
    f, t = parts.control[to.other], parts.control[to]
    began = parts.clock.now()
    stream = f"measured {began.isoformat()}"
    trips = []
    for number in range(1, ROUND_TRIPS + 1):
        limit = Deadline(parts.clock, parts.settings.pause_budget)
        trip = watermark_trip(f, t, to.other, stream, number, limit, every=TICK)
        if trip is None:
            raise LivemoveError(
                f"a watermark of the {to.other} did not arrive in the {to} within"
                f" {parts.settings.pause_budget:g} s",
                next_step="look at the replication task and its lag",
            )
        trips.append(round(trip * 1000))
    pings = []
    for control in (f, t) * ROUND_TRIPS:
        asked = parts.clock.now()
        control.ping()
        pings.append((parts.clock.now() - asked).total_seconds() * 1000)
    database = round(statistics.median(pings))
    asked = parts.clock.now()
    replies = parts.servers.status(watching=to)
    delivery = round((parts.clock.now() - asked).total_seconds() * 1000)
    slowest = max((int(r.facts.get("probe_ms") or 0) for r in replies), default=0)
    not_armed = {
        r.server: str(r.facts.get("watch") or r.message) for r in replies if r.facts.get("watch") != "ready"
    }
    return ExpectedPause(
        ms=pause_ms(max(trips), database, slowest, delivery if not_armed else 0),
        watermark_ms=trips,
        database_ms=database,
        servers_ms=delivery,
        probe_ms=slowest,
        not_armed=not_armed,
        budget_ms=round(parts.settings.pause_budget * 1000),
        measured_at=began.isoformat(),
    )


def pause_ms(watermark: int, database: int, probe: int, delivery: int = 0) -> int:
    """The sum, of milliseconds: slowest watermark, round trip to a database, slowest probe, delivery."""
    return 2 * watermark + OWN_WORK_MS + CALLS_IN_A_ROW * database + WORDS_IN_A_ROW * probe + 2 * delivery


OWN_WORK_MS = 150
"""Fence, proof, commit, claim, prepare and open where a round trip to the databases takes no time."""

CALLS_IN_A_ROW = 42
"""Sequential database calls between hold and release; this and the next are fitted to bench/results."""

WORDS_IN_A_ROW = 2
"""Commands on a server that the pause waits for: hold, and the change to the next owner with its probe."""

GUARDS: tuple[Guard, ...] = (
    rows_stand,
    replicator_runs,
    return_is_ready,
    switch_ticks,
    servers_answer,
    nobody_else_writes,
    events_can_sleep,
    follower_sleeps,
    definitions_fit,
    no_ddl_since,
    comparison_is_clean,
    comparison_is_fresh,
    binlogs_are_kept,
    no_upkeep,
    way_back_loses_nothing,
    pause_fits,
)
ONLY_FORTH: frozenset[Guard] = frozenset({no_ddl_since, comparison_is_fresh, binlogs_are_kept, no_upkeep})
"""At a rollback these are only logged: it is urgent, and loses nothing by them."""


def refusals(parts: Dependencies, to: Side, epoch: int) -> list[str]:
    """Every reason against the move; a guard that cannot ask is a reason as well."""
    return _asked([g for g in GUARDS if to is Side.TARGET or g not in ONLY_FORTH], parts, to, epoch)


def remarks(parts: Dependencies, to: Side, epoch: int) -> list[str]:
    """What would refuse a move forward and is only logged at a rollback."""
    if to is Side.TARGET:
        return []
    return _asked([g for g in GUARDS if g in ONLY_FORTH], parts, to, epoch)


def _asked(guards: Iterable[Guard], parts: Dependencies, to: Side, epoch: int) -> list[str]:
    reasons: list[str] = []
    for guard in guards:
        try:
            reasons += guard(parts, to, epoch)
        except LivemoveError as e:
            reasons.append(f"{guard.__name__.replace('_', ' ')} could not be asked: {e.found}")
    return reasons
