"""One whole rehearsal: lab up, Airflow up, users, the run, the audit, the report, all down.

Whatever happens in between, the report is written and what was started is ended.
"""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lab import lock, status
from lab.addresses import here, octet, root, settings_file, state_dir
from lab.down import down
from lab.idc import outage as death
from lab.processes import LabError, Registry
from lab.rehearsal import logs, objects, promotion, result, shares
from lab.rehearsal.airflow import Airflow, check_port, default_port
from lab.rehearsal.api import AirflowApi, ApiError
from lab.rehearsal.chapters import Chapters
from lab.rehearsal.dns_panel import DnsPanel
from lab.rehearsal.evidence import Evidence
from lab.rehearsal.facts import Watcher
from lab.rehearsal.measure import Memory
from lab.rehearsal.plan_check import PlanCheck
from lab.rehearsal.progress import Progress
from lab.rehearsal.result import Result
from lab.rehearsal.robot import PATIENCE, Robot, StoryError
from lab.rehearsal.scenario import SWITCH_DNS, Leg, Scenario
from lab.rehearsal.users import Users
from lab.signals import Signals
from lab.up import up
from livemove.model.errors import LivemoveError
from livemove.model.spec import MigrationSpec, find_spec

Json = dict[str, Any]
TIMEOUT = 2700.0
"""Seconds for the whole run; a dump of many gigabytes wants more."""


@dataclass(frozen=True)
class Options:
    scenario: Scenario
    dump: Path | None = None
    keep: bool = False
    """Leave lab and Airflow standing."""
    reports: Path = root() / "rehearsals"
    timeout: float = TIMEOUT
    variant: str = ""
    """Of the lab's spec: see lab.specs.VARIANTS."""
    app: str = ""
    """The application's kind: see lab.specs.APPS."""
    patience: float = PATIENCE
    """Seconds that each question is read before it is answered."""


def rehearse(options: Options) -> int:
    """Exit code: 0 only for the asked result with nothing lost or duplicated."""
    refuse_a_second()
    with Progress() as progress, Signals(progress.say) as signals:
        rehearsal = Rehearsal(options, progress)
        try:
            rehearsal.play()
        except KeyboardInterrupt:
            rehearsal.result.errors.append("interrupted")
        except (LabError, StoryError, ApiError, LivemoveError) as e:
            rehearsal.result.errors.append(str(e))
        except Exception as e:
            rehearsal.result.errors.append(f"{type(e).__name__}: {e}")
            traceback.print_exc()
        signals.ending()
        rehearsal.close()
    for error in rehearsal.result.errors:
        print(f"\nrehearsal: {error}")
    print(f"\n{rehearsal.result.summary()}\n\n  report       {rehearsal.folder / 'report.html'}")
    return 0 if rehearsal.result.result == options.scenario.result else 1


class Rehearsal:
    """`play` may raise anywhere; `close` then ends whatever was started."""

    def __init__(self, options: Options, progress: Progress) -> None:
        self.options, self.progress = options, progress
        began = datetime.now().astimezone()
        self.folder = options.reports / f"{began:%Y%m%d-%H%M%S}"
        self.result = Result(scenario=options.scenario.name, started_at=began.isoformat(timespec="seconds"))
        self.chapters = Chapters()
        self.began = time.monotonic()
        self.airflow: Airflow | None = None
        self.users: Users | None = None
        self.evidence: Evidence | None = None
        self.plan: PlanCheck | None = None
        self.run: tuple[str, str] | None = None
        self.runs: dict[str, str] = {}
        """DAG -> its run in this story."""
        self.killed_at: float | None = None
        self.last_tasks: Sequence[Json] = ()
        self.schemas: tuple[str, ...] = ()
        self.objects: set[str] = set()
        self.memory = Memory(Registry(state_dir()).strays)

    # The way up -----------------------------------------------------------------------------------
    def play(self) -> None:
        say = self.progress.say
        say(f"rehearsal: {self.options.scenario.name}")
        self.memory.__enter__()
        with self._phase("lab and Airflow"):
            self.airflow = airflow = stand(self.options.dump, self.options.variant, self.options.app)
        spec = spec_in_lab()
        self.evidence = Evidence(spec.service, spec.aws.bucket)
        self.schemas = spec.source.schemas
        with self.evidence.connect("source") as connection:
            self.objects = objects.names(connection, self.schemas)
        with self._phase("users begin"):
            self.users = users = Users.start(spec)
        say(f"Airflow: {airflow.url}  (admin / {airflow.password})")
        self.plan = PlanCheck(airflow, spec.service)
        evidence, schema = self.evidence, spec.application.database
        panel = (
            DnsPanel(spec.dns.zone, evidence.documents)
            if spec.dns.provider == "manual"
            else contextlib.nullcontext()
        )
        with panel, Watcher(users.facts, lambda: evidence.replication(schema)) as watcher:
            for leg in self.options.scenario.legs:
                self._run(leg.of(spec.service), airflow.api(), watcher)

    def _run(self, leg: Leg, api: AirflowApi, watcher: Watcher) -> None:
        if leg.dag not in self.runs:
            self.runs[leg.dag] = api.trigger(leg.dag, dict(leg.conf))
            self.progress.say(f"triggered {leg.dag}, run {self.runs[leg.dag]}")
        self.run = (leg.dag, self.runs[leg.dag])
        robot = Robot(
            api,
            *self.run,
            leg.acts,
            self.progress.say,
            kill_source=self._kill_source,
            patience=self.options.patience,
        )
        robot.note, robot.expected_failure = (
            f"rehearsal: {self.options.scenario.name}",
            self.options.scenario.expected_failure,
        )
        robot.seen = lambda run, tasks: self._seen(tasks, watcher)
        robot.follow(timeout=self.options.timeout)

    def _kill_source(self) -> None:
        self.killed_at = time.time()
        self.progress.say(f"died: {', '.join(death.kill_host(Registry(state_dir())))}")

    def _seen(self, tasks: Sequence[Json], watcher: Watcher) -> None:
        self.last_tasks = tasks
        self.chapters.look(tasks)
        seconds = {c["name"]: c["seconds"] for c in self.chapters.seconds()}
        self.progress.look(tasks, watcher.now, seconds)
        if self.plan and any(t["task_id"] == SWITCH_DNS and t["state"] == "awaiting_input" for t in tasks):
            self.plan.begin()

    # The way down ---------------------------------------------------------------------------------
    def close(self) -> None:
        interrupted = "interrupted" in self.result.errors
        steps: list[tuple[str, Callable[[], None]]] = [
            ("the failed task's log", self._tell_failures),
            ("audit", self._audit),
            ("ledger", self._read_ledger),
            ("plan check", self._read_plan),
        ]
        for what, step in steps:
            if interrupted and what == "plan check":
                continue
            try:
                step()
            except Exception as e:
                self.result.errors.append(f"{what}: {type(e).__name__}: {e}")
        page = self._migration_page()
        self._judge()
        if self.result.errors or self.result.requests_failed:
            logs.keep(state_dir(), self.folder / "logs")
        self.memory.__exit__()
        self.result.peak_memory_mb = self.memory.peak or None
        if not self.options.keep:
            self._end_everything()
        self.result.seconds = round(time.monotonic() - self.began)
        result.keep(self.result, self.folder, migration=page)

    def _tell_failures(self) -> None:
        if not self.airflow or not self.run or not self.result.errors:
            return
        for task, lines in logs.tails(self.airflow.api(), *self.run, self.last_tasks):
            self.progress.say(f"--- the log of {task} ends:")
            for line in lines:
                self.progress.say(f"    {line}")

    def _audit(self) -> None:
        if not self.users or not self.evidence:
            return
        with self._phase("audit"):
            self.users.stop()
            self.result.requests_ok, self.result.requests_failed = self.users.requests()
            self.result.owner = self.evidence.owner()
            if self.result.owner is None:
                raise LabError("no side is open for writes, so nothing can be audited")
            found = self.users.audit(self.result.owner, self.evidence)
            self.result.writes_acknowledged = found.acknowledged
            self.result.writes_lost, self.result.writes_duplicated = found.lost, found.duplicated
            if self.killed_at is not None:
                target = self.evidence.target_address()[0]
                self.result.promotion = promotion.judge(
                    self.evidence.documents(),
                    found,
                    self.killed_at,
                    self.users.first_write(target, self.killed_at),
                )
            self.result.stands = self.evidence.standing()
            for example in found.examples:
                self.progress.say(example)
            with self.evidence.connect(self.result.owner) as connection:
                arrived = objects.names(connection, self.schemas)
            self.result.objects = objects.counts(self.objects & arrived)
            self.result.objects_missing = sorted(self.objects - arrived)

    def _read_ledger(self) -> None:
        self.result.chapters = self.chapters.seconds()
        if not self.evidence:
            return
        migration = self.evidence.migration("")
        self.result.rows_copied = migration.rows_copied
        self.result.tables_compared, self.result.tables_equal = (
            migration.tables_compared,
            migration.tables_equal,
        )
        rows = migration.propagation
        if rows:
            self.result.resolvers_watched = len(rows)
            self.result.resolvers_switched = sum(bool(r.flipped_at) for r in rows)
        if self.users:
            documents = self.evidence.documents()
            self.result.shares = shares.keep(self.users.folder, self.evidence.events(), self.folder)
            self.result.breach = documents.get("dns/breach")
            moves = [m.model_dump(mode="json", by_alias=True) for m in migration.moves]
            self.result.moves = [_move(m, self.users) for m in moves]
            pauses = [m["write_pause_ms"] for m in self.result.moves if m["write_pause_ms"] is not None]
            self.result.write_pause_ms = max(pauses, default=None)
        retired = any(t["task_id"] == "retire.teardown" and t["state"] == "success" for t in self.last_tasks)
        if retired:
            self.result.replication_leftovers = self.evidence.replication_leftovers()

    def _read_plan(self) -> None:
        if self.plan:
            self.result.plan_clean = self.plan.clean()

    def _migration_page(self) -> Any:
        with contextlib.suppress(Exception):
            return self.evidence.page("Migration") if self.evidence else None
        return None

    def _judge(self) -> None:
        if not self.result.errors:
            self.result.judge(self.options.scenario)

    def _end_everything(self) -> None:
        with self._phase("end"):
            try:
                end(self.airflow)
            except Exception as e:
                self.result.errors.append(f"not everything could be ended: {e}")
                self.result.result = result.FAILED

    @contextlib.contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            seconds = round(time.monotonic() - began)
            self.result.phases.append({"name": name, "seconds": seconds})
            self.progress.say(f"{name}: {seconds} s")


def _move(move: Json, users: Users) -> Json:
    return {
        "epoch": int(move["epoch"]),
        "direction": f"{move.get('from', '')}_to_{move['to']}",
        "write_pause_ms": users.pause_ms(move),
    }


# Shared with `make up` ------------------------------------------------------------------------------
def refuse_a_second() -> None:
    """LabError with pid and folder when a rehearsal or a lab stands on this network already."""
    now = lock.holder(octet())
    if now:
        raise LabError(
            f"A lab stands on 127.{octet()}.*.* already ({now}). Wanted: a machine without one, because a"
            " rehearsal begins from nothing. Next: wait for that rehearsal, or end that lab: make down in"
            " its folder"
        )
    check_port(default_port())


def stand(dump: Path | None, variant: str = "", app: str = "") -> Airflow:
    """Lab and Airflow, side by side where nothing waits; the DAG is parsed afterwards."""
    if settings_file().exists():
        down(say=False)
    airflow = Airflow(state_dir(), here())
    early = threading.Thread(target=_start_api_early, args=(airflow,), daemon=True)
    if dump is None:  # what a dump holds, and so its spec, is known at the end only
        early.start()
    up(dump=dump, variant=variant, app=app)
    if dump is None:
        early.join(timeout=60)
    airflow = Airflow(state_dir(), here())
    airflow.install()
    airflow.start()
    airflow.wait_until_up()
    airflow.wait_for_dag(f"migrate_{status.settings()['service']}")
    return airflow


def _start_api_early(airflow: Airflow) -> None:
    """The API server is started first: it takes longest, and needs only the lab's connections."""
    deadline = time.monotonic() + 30
    while not (airflow.state / "airflow.env").exists():
        if time.monotonic() > deadline:
            return
        time.sleep(0.1)
    # what goes wrong here is said when all four are started
    with contextlib.suppress(LabError, OSError):
        airflow.install()
        airflow.start("api-server")


def end(airflow: Airflow | None = None) -> None:
    """Airflow first, so that no task sees its world vanish; then the lab."""
    (airflow or Airflow(state_dir(), here())).stop()
    down(say=False)


def spec_in_lab() -> MigrationSpec:
    """The spec that the lab's service is moved by, from the lab's own folder where it made one."""
    import os

    folder = state_dir() / "migrations"
    if folder.is_dir():
        os.environ["LIVEMOVE_MIGRATIONS"] = str(folder)
    return find_spec(str(status.settings()["service"]))
