"""Scratch tables go through a real DMS task there and a second one back, with the settings of the night.

A failure is DMS's own words. A repeated trial begins afresh: tasks, endpoints and schema of the one before go
first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from livemove.comparison.adapters.both_sides import Options
from livemove.comparison.adapters.table_comparison import compare_table
from livemove.comparison.row_comparison import differs
from livemove.model.errors import RefusedError, ReplicationError
from livemove.model.ports import Clock, Finding, Link, Replicator, TaskState
from livemove.model.spec import Side
from livemove.replication.adapters.replicator import trial_replicator_of
from livemove.replication.dms_rules import (
    describe_status,
    load_is_over,
    rests_at_second_stop,
    trial_links,
    trouble,
)
from livemove.runtime.deadlines import Deadline, growing, poll_until
from livemove.runtime.mariadb import MariaDb, sql
from livemove.schema.adapters.lob_helpers import help_follower, stop_helping
from livemove.trial import judgement
from livemove.trial.adapters.scratch import FIRST_MARK, SCHEMA, TABLES, Scratch, scratch_of

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
LOAD_SECONDS, LAST_WORDS = 1800.0, 60.0
TRIPS, TRIP_SECONDS = 10, 60.0
FRESH_KEYS = {1: (0, 1), 2: (100, 2)}
"""Of each way: what its new keys begin after, and the parent that it deletes."""


def try_replication(world: ServiceContext) -> tuple[list[Finding], dict[str, int]]:
    """Both ways, one after the other; findings and numbers. ReplicationError in DMS's words."""
    there, back = trial_links(world.spec.service)
    with scratch_of(world) as scratch:
        trial = _Trial(scratch, trial_replicator_of(world, SCHEMA), world.clock)
        trial.clear((there, back))
        scratch.make()
        with trial.quoting_dms(there):
            trial.load_and_follow(there)
        with trial.quoting_dms(back):
            trial.follow_back(back)
        # what a failure leaves can be looked at until the task that removes the trial
        trial.clear((there, back))
        scratch.drop()
    return trial.findings, trial.measured


class _Trial:
    def __init__(self, scratch: Scratch, replicator: Replicator, clock: Clock) -> None:
        self.scratch, self.replicator, self.clock = scratch, replicator, clock
        self.findings: list[Finding] = []
        self.measured: dict[str, int] = {}

    def clear(self, links: tuple[Link, ...]) -> None:
        for link in links:
            self.replicator.delete(link)

    @contextmanager
    def quoting_dms(self, link: Link) -> Iterator[None]:
        """An error of this link carries what DMS's events and its tables say."""
        try:
            yield
        except ReplicationError as e:
            self._ended(link)
            tables = [f"{t.name}: {t.message}" for t in self.replicator.tables(link) if t.message]
            status = describe_status(self.replicator.status(link))
            said = [status, *(self.replicator.diagnostics(link)["failures"] or ()), *tables]
            raise ReplicationError(
                f"{e.found}. DMS says: {'; '.join(said)}",
                wanted=e.wanted,
                next_step="fix what DMS names, then clear trial.replication: it begins afresh",
            ) from e

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        began = self.clock.monotonic()
        yield
        self.measured[name] = round((self.clock.monotonic() - began) * 1000)
        log.info("%s: %d ms", judgement.MEASURED[name], self.measured[name])

    def _ended(self, link: Link) -> None:
        """A table is in error some time before its task has stopped and says why."""
        if trouble(self.replicator.tables(link)):
            poll_until(
                lambda: self.replicator.status(link).state in (TaskState.STOPPED, TaskState.FAILED),
                Deadline(self.clock, LAST_WORDS),
                every=growing(0.5, 1.5, 10),
            )

    # There --------------------------------------------------------------------------------------------
    def load_and_follow(self, link: Link) -> None:
        source, target = self.scratch.of(link.reads), self.scratch.of(link.writes)
        source.script(sql("trial/fill_tables"))
        self._help(link)
        reader, applier = self.scratch.logins(link)
        with self.scratch.written_all_the_time(link.reads):
            with self.timed("make_there"):
                self.replicator.prepare(link, full_load=True, reader=reader, applier=applier)
            with self.timed("start_there"):
                self.replicator.start(link)
            with self.timed("load"):
                self._until(link, lambda: self._loaded(link), "load the scratch tables")
            with self.timed("cached"):
                self.replicator.start(link)
                self._until(
                    link,
                    lambda: rests_at_second_stop(link, self.replicator.status(link)),
                    "apply the cached changes",
                )
            source.run(sql("trial/create_foreign_key"))
            target.run(sql("trial/create_foreign_key"))
            self.replicator.start(link)
            self._first_change(link)
            self._change(link)
            self._measure_trips(link, "apply_there")
            with self.timed("stop"):
                self.replicator.stop(link)
            with self.timed("resume"):
                self.replicator.start(link)
                self._first_change(link)
        self._lone_lob(link)
        self._compare(link)
        self._moments(link)
        self.replicator.stop(link)

    def _loaded(self, link: Link) -> bool:
        return load_is_over(link, self.replicator.status(link), self.replicator.tables(link))

    def _lone_lob(self, link: Link) -> None:
        """Whether it comes by itself; then both sides are made equal again by a change of the whole row."""
        source, target = self.scratch.of(link.reads), self.scratch.of(link.writes)
        source.run("UPDATE lob SET text_optional = REPEAT('alone', 20000), changed = changed WHERE id = 1")
        self._first_change(link)
        seen = target.one("SELECT text_optional LIKE 'alone%' AS arrived FROM lob WHERE id = 1")
        self.findings.append(judgement.of_lone_lobs(bool(seen["arrived"])))
        source.run("UPDATE lob SET text_optional = 'together', n = n + 1 WHERE id = 1")
        self._first_change(link)

    def _moments(self, link: Link) -> None:
        rows = self.scratch.of(link.writes).rows(
            "SELECT came, MAX(ABS(UNIX_TIMESTAMP(at) - unix)) AS off,"
            " SUM(UNIX_TIMESTAMP(at) - unix) AS total FROM moment GROUP BY came"
        )
        shifts = {r["came"]: float(r["off"] or 0) * (-1 if (r["total"] or 0) < 0 else 1) for r in rows}
        self.findings.append(judgement.of_moments(shifts))

    # Back ---------------------------------------------------------------------------------------------
    def follow_back(self, link: Link) -> None:
        owner, follower = self.scratch.of(link.reads), self.scratch.of(link.writes)
        stop_helping(owner, (SCHEMA,), SCHEMA)
        owner.run(f"DROP TABLE IF EXISTS {SCHEMA}.follower_column")
        self._help(link)
        position = position_of(owner)
        reader, applier = self.scratch.logins(link)
        with self.timed("make_back"):
            self.replicator.prepare(link, full_load=False, reader=reader, applier=applier)
        with self.scratch.written_all_the_time(link.reads):
            with self.timed("start_back"):
                self.replicator.start(link, position=position)
                self._first_change(link)
            self._change(link)
            self._measure_trips(link, "apply_back")
        self._compare(link)
        self.replicator.stop(link)
        stop_helping(follower, (SCHEMA,), SCHEMA)

    # Both ---------------------------------------------------------------------------------------------
    def _help(self, link: Link) -> None:
        follower = self.scratch.of(link.writes)
        follower.run(sql("trial/create_kept_columns"))
        made = help_follower(follower, (SCHEMA,), SCHEMA)
        self.findings.append(judgement.of_helpers(_way(link), made))

    def _change(self, link: Link) -> None:
        first, gone = FRESH_KEYS[link.epoch]
        self.scratch.change(link.reads, first=first, gone=gone)

    def _first_change(self, link: Link) -> None:
        if self.scratch.trip(link, FIRST_MARK) is None:
            raise ReplicationError(
                f"A change of the scratch tables did not arrive by {link.name} within {FIRST_MARK:.0f} s:"
                f" its task is {self.replicator.status(link)}",
                wanted="a task that follows",
                next_step="read the task's log in the DMS console, then clear the trial",
            )

    def _measure_trips(self, link: Link, name: str) -> None:
        trips = [self.scratch.trip(link, TRIP_SECONDS) for _ in range(TRIPS)]
        arrived = [t for t in trips if t is not None]
        if len(arrived) < TRIPS:
            raise ReplicationError(
                f"{TRIPS - len(arrived)} of {TRIPS} changes took longer than {TRIP_SECONDS:.0f} s by"
                f" {link.name}",
                wanted="changes that arrive in seconds, while only the scratch tables are replicated",
                next_step="see the CPU and memory of the replication instance, and its network",
            )
        self.measured[name] = round(max(arrived) * 1000)

    def _compare(self, link: Link) -> None:
        options = Options(clock=self.clock, arrived=lambda limit: self.scratch.trip(link, limit) is not None)
        unequal = []
        for table in TABLES:
            verdict = compare_table(
                self.scratch.of(link.reads), self.scratch.of(link.writes), SCHEMA, table, options
            )
            if not verdict.equal:
                unequal.append(differs(f"{SCHEMA}.{table}", verdict, link))
        self.findings.append(judgement.of_rows(_way(link), len(TABLES), unequal))

    def _until(self, link: Link, done: Callable[[], bool], what: str) -> None:
        deadline = Deadline(self.clock, LOAD_SECONDS)
        if not poll_until(done, deadline, every=growing(0.5, 1.3, 10)):
            raise ReplicationError(
                f"{link.name} did not {what} within {LOAD_SECONDS:.0f} s: {self.replicator.status(link)}",
                next_step="look at it in the DMS console, then clear the trial",
            )


def position_of(owner: MariaDb) -> str:
    """Where its binlog ends; RefusedError when it writes none."""
    rows = owner.rows("SHOW MASTER STATUS")
    if not rows:
        raise RefusedError(
            f"The {owner.side} database writes no binlog",
            wanted="binlogs, which the way back reads",
            next_step="RDS writes them while it keeps backups: keep them for a day or more; clear the trial",
        )
    return f"{rows[0]['file']}:{rows[0]['position']}"


def _way(link: Link) -> str:
    return "there" if link.reads is Side.SOURCE else "back"
