"""Waiting for the full load, for CDC to have caught up, and for DMS's own validation."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from typing import TYPE_CHECKING

from livemove.model import time_series
from livemove.model.errors import LivemoveError, ReplicationError
from livemove.model.formatting import milliseconds
from livemove.model.ledger import CaughtUp, FullLoad, LoadedTable, Loading, LoadingTable, TableStates
from livemove.model.ports import Json, Link, TableProgress
from livemove.model.spec import Side
from livemove.replication import dms_rules as replication
from livemove.replication.adapters.replicator import replicator_of
from livemove.runtime.deadlines import Deadline, growing
from livemove.runtime.links import DmsTaskLink
from livemove.runtime.operator import LivemoveOperator
from livemove.runtime.polling import PollResult
from livemove.runtime.sensor import WatchingSensor
from livemove.runtime.watermarks import wait_for_watermark

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
STREAM = "lag"
"""Name of the watermark rows that measure the lag."""
CACHED = "cached"
"""Name of the watermark row that is written while the cached changes are applied."""
PATIENCE_IN_ONE_LOOK = 15.0
"""Seconds for which one look waits for its watermark row."""


@contextlib.contextmanager
def telling(world: ServiceContext, link: Link) -> Iterator[None]:
    """Log DMS's own failure messages before an error is raised."""
    try:
        yield
    except ReplicationError:
        for words in replicator_of(world).diagnostics(link)["failures"] or ():
            log.error("DMS: %s", words)
        raise


def look_at_full_load(world: ServiceContext, state: Json) -> PollResult:
    from livemove.control.adapters.state import link_in_use

    link = (
        Link(world.spec.service, state["epoch"], Side(state["reads"]))
        if "epoch" in state
        else link_in_use(world)
    )
    if not replication.is_first(link):
        return PollResult(
            True, f"{link.name} began at a binlog position: there is no full load to wait for", {}
        )
    status, tables = replicator_of(world).status(link), replicator_of(world).tables(link)
    with telling(world, link):
        over = replication.load_is_over(link, status, tables)
    now = world.clock.now().timestamp()
    samples = [*state.get("samples", ()), replication.load_sample(status, tables, now)]
    samples = time_series.recent(samples, replication.RATE_OVER, itemgetter("at"))
    progress = replication.load_progress(status, tables, samples[0] if len(samples) > 1 else {}, now)
    kept = {
        "epoch": link.epoch,
        "reads": str(link.reads),
        "since": state.get("since", now),
        "samples": samples,
        "rows": progress.rows,
        "seconds": round(now - state.get("since", now), 1),
    }
    _keep_progress(world, now, progress, tables)
    return PollResult(over, str(progress), kept)


def _keep_progress(
    world: ServiceContext, now: float, progress: replication.LoadProgress, tables: list[TableProgress]
) -> None:
    """How far the load is, for the console; what the source thinks its tables hold is asked once."""
    from livemove.schema.adapters.copy_schema import list_tables

    before = world.ledger.load(Loading)
    of = {t.table: t.of for t in before.tables} if before else {}
    if not of:
        # it decides nothing: a load continues whether anybody sees its progress
        with contextlib.suppress(LivemoveError), world.database(Side.SOURCE) as source:
            found = list_tables(source, world.spec.source.schemas)
            of = {f"{t['schema']}.{t['name']}": t["estimate"] for t in found}
    listed = [
        LoadingTable(table=t.name, state=t.state, rows=t.full_load_rows, of=of.get(t.name))
        for t in tables
        if t.schema != "livemove"
    ]
    seen = Loading(
        rows=progress.rows,
        percent=progress.percent,
        tables_done=progress.tables_done,
        tables_total=progress.tables,
        rate=progress.rate,
        seconds_left=progress.seconds_left,
        at=now,
        tables=listed,
    )
    world.ledger.save(time_series.loading(before, seen))


class _LoadSensor(WatchingSensor):
    """Waits for one of the stops of a full load."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DmsTaskLink())

    interval = 2

    def limit(self, world: ServiceContext) -> float:
        return world.spec.replication.full_load_timeout


class FullLoadSensor(_LoadSensor):
    """Waits until every table is loaded, and tells rows, percent, rate and time left.

    The task then stands, changes that came meanwhile not applied, so that indexes are made first.
    """

    look = f"{__name__}.look_at_full_load"

    def finish(self, world: ServiceContext, state: Json) -> Json:
        if not state:
            return {}
        link = Link(world.spec.service, state["epoch"], Side(state["reads"]))
        # livemove's own watermark is no part of what the user asked to move
        tables = [t for t in replicator_of(world).tables(link) if t.schema != "livemove"]
        seconds = replicator_of(world).status(link).full_load_seconds
        load = FullLoad(
            rows=sum(t.full_load_rows for t in tables),
            seconds=state["seconds"] if seconds is None else seconds,
            tables=[LoadedTable(table=t.name, rows=t.full_load_rows) for t in tables],
        )
        world.ledger.save(load)
        return {"rows": load.rows, "tables": len(load.tables)}

    def on_timeout(self, world: ServiceContext, message: str) -> LivemoveError:
        return ReplicationError(
            f"The full load was not over after {self.limit(world):.0f} s (replication.full_load_timeout):"
            f" {message}",
            next_step=(
                "raise the limit in the spec or the form, then clear this task; the load continues meanwhile"
            ),
        )


STOPS_WITHIN = 60.0
"""Seconds after the arrival of a later row in which a task that is to stop has stopped."""


def look_at_cached_changes(world: ServiceContext, state: Json) -> PollResult:
    """Over at the second stop; or when a row written later is there and the task runs on nevertheless."""
    from livemove.control.adapters.control_row import Control
    from livemove.control.adapters.state import link_in_use

    link = link_in_use(world)
    if not replication.is_first(link):
        return PollResult(True, f"{link.name} began at a binlog position: nothing was cached", {})
    tables = replicator_of(world).tables(link)
    with telling(world, link):
        over = replication.rests_at_second_stop(link, replicator_of(world).status(link))
        if reason := replication.trouble(tables):
            raise ReplicationError(f"Tables of {link.name} cannot be trusted: {reason}")
    if over:
        return PollResult(True, f"{link.name} has applied the changes of the load, and stopped", {})
    now = world.clock.now().timestamp()
    with world.database(link.reads) as ours, world.database(link.writes) as theirs:
        reader, writer = Control(ours), Control(theirs)
        try:
            sent = state.get("sent") or int(now * 1000)
            if "sent" not in state:
                reader.write_watermark(link.reads, CACHED, sent)
            arrived = state.get("arrived")
            if arrived is None and writer.has_watermark(link.reads, CACHED, sent):
                arrived = now
        finally:
            reader.close_connection()
            writer.close_connection()
    going_on = arrived is not None and now - arrived > STOPS_WITHIN
    return PollResult(
        going_on,
        f"{link.name}: {replication.undelivered(tables)} captured changes not applied yet"
        + (f"; it runs on, {now - arrived:.0f} s after a later row arrived" if arrived is not None else ""),
        {"sent": sent, **({"arrived": arrived} if arrived is not None else {})},
        again_in=1,
    )


class CachedChangesSensor(_LoadSensor):
    """Waits until the changes that came during the load are applied, and the task stands once more.

    Foreign keys are made then: before, each table is of another moment, and a child may lack its parent.
    """

    look = f"{__name__}.look_at_cached_changes"

    def on_timeout(self, world: ServiceContext, message: str) -> LivemoveError:
        return ReplicationError(
            f"After {self.limit(world):.0f} s (replication.full_load_timeout) the changes cached during the"
            f" load were not applied: {message}",
            next_step="raise the limit in the spec or the form, then clear this task; DMS goes on meanwhile",
        )


def look_at_lag(world: ServiceContext, state: Json) -> PollResult:
    from livemove.control.adapters.control_row import Control
    from livemove.control.adapters.state import link_in_use

    link = link_in_use(world)
    tables = replicator_of(world).tables(link)
    with telling(world, link):
        replication.require_running(link, replicator_of(world).status(link))
        if reason := replication.trouble(tables):
            raise ReplicationError(f"Tables of {link.name} cannot be trusted: {reason}")
    trips = list(state.get("trips", ()))
    with world.database(link.reads) as ours, world.database(link.writes) as theirs:
        reader, writer = Control(ours), Control(theirs)
        try:
            number, sent = state.get("pending") or (0, 0.0)
            if not number:
                sent = world.clock.now().timestamp()
                number = int(sent * 1000)
                reader.write_watermark(link.reads, STREAM, number)
            in_one_look, pauses = Deadline(world.clock, PATIENCE_IN_ONE_LOOK), growing(0.005, 1.5, 0.5)
            if not wait_for_watermark(writer, link.reads, STREAM, number, in_one_look, every=pauses):
                waited = world.clock.now().timestamp() - sent
                return PollResult(
                    False,
                    f"{link.name}: a watermark row is on its way since {waited:.0f} s",
                    {"trips": trips, "pending": [number, sent]},
                    again_in=1,
                )
        finally:
            reader.close_connection()
            writer.close_connection()
    arrived = world.clock.now().timestamp()
    time_series.add_delay(world.ledger, arrived, arrived - sent)
    trips = [*trips, arrived - sent][-replication.GOOD_TRIPS :]
    reason = replication.judge_trips(trips, world.spec.replication.max_lag)
    shown = ", ".join(milliseconds(t) for t in trips)
    # captured minus applied, and CloudWatch, stand beside the proof; neither is one
    beside = [f"{replication.undelivered(tables)} captured changes not applied yet"]
    if reason is None:
        beside += [f"{k} {v:g} s" for k, v in replicator_of(world).diagnostics(link)["latency"].items()]
    words = f"{link.name}: {reason}" if reason else f"{link.name} has caught up: watermarks took {shown}"
    return PollResult(
        reason is None,
        f"{words} ({', '.join(beside)})",
        {"trips": trips},
        again_in=0.5,
    )


class LagSensor(WatchingSensor):
    """Waits until three watermarks in a row went from owner to follower within replication.max_lag."""

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DmsTaskLink())

    look = f"{__name__}.look_at_lag"
    interval = 2

    def limit(self, world: ServiceContext) -> float:
        return world.spec.replication.full_load_timeout

    def finish(self, world: ServiceContext, state: Json) -> Json:
        trips = [round(t, 4) for t in state["trips"]]
        world.ledger.note(CaughtUp(round_trips=trips))
        return {"round_trips": trips}

    def on_timeout(self, world: ServiceContext, message: str) -> LivemoveError:
        return ReplicationError(
            f"CDC has not caught up after {self.limit(world):.0f} s: {message}",
            wanted=f"three watermark rows within {world.spec.replication.max_lag:g} s each",
            next_step=(
                "look at the load of both databases and of the replication instance, then clear this task"
            ),
        )


def look_at_table_states(world: ServiceContext, state: Json) -> PollResult:
    from livemove.control.adapters.state import link_in_use

    link = link_in_use(world)
    status, tables = replicator_of(world).status(link), replicator_of(world).tables(link)
    with telling(world, link):
        replication.require_running(link, status)
        if reason := replication.trouble(tables) or (
            replication.unfinished(tables) if tables else "DMS lists no table"
        ):
            raise ReplicationError(
                f"Tables of {link.name} cannot be trusted: {reason}",
                wanted="every table completed and without error",
                next_step="`livemove reload-table` brings one table again; then clear this task",
            )
    waiting = replication.unvalidated(tables)
    return PollResult(
        waiting is None,
        (
            f"{link.name}: DMS has not validated {waiting}"
            if waiting
            else f"{link.name}: {len(tables)} tables without error"
        ),
        {"epoch": link.epoch, "reads": str(link.reads)},
    )


class TableStatesSensor(WatchingSensor):
    """Waits until DMS has validated every table once; fails at the first table in error, in DMS's own words.

    A task that is "running" says nothing: a table may be suspended under it. Records that wait while users
    write are no reason to wait on. livemove's own comparison does not depend on this one.
    """

    operator_extra_links = (*LivemoveOperator.operator_extra_links, DmsTaskLink())

    look = f"{__name__}.look_at_table_states"
    interval = 2

    def limit(self, world: ServiceContext) -> float:
        return world.spec.replication.validation_timeout

    def finish(self, world: ServiceContext, state: Json) -> Json:
        link = Link(world.spec.service, state["epoch"], Side(state["reads"]))
        tables = replicator_of(world).tables(link)
        for t in tables:
            self.log.info(
                "%s: %s, loaded %s, inserts %s, updates %s, deletes %s, applied %s, validation: %s",
                t.name,
                t.state,
                t.full_load_rows,
                t.inserts,
                t.updates,
                t.deletes,
                t.applied,
                t.validation,
            )
        found = TableStates(
            link=link.name,
            tables=len(tables),
            undelivered=replication.undelivered(tables),
            validation=dict(Counter(t.validation for t in tables)),
            checked_at=world.clock.now().isoformat(),
        )
        world.ledger.save(found)
        return found.stored()

    def on_timeout(self, world: ServiceContext, message: str) -> LivemoveError:
        return ReplicationError(
            f"After {self.limit(world):.0f} s (replication.validation_timeout): {message}",
            next_step=(
                "raise the limit in the spec, then clear this task; or mark it successful to rely on"
                " livemove's own comparison alone"
            ),
        )
