"""All cases travel together, over one replicator: from the preflight to the first writes after the move.

Stages: preflight, tables, load, keys, code, changes, parity, clock, rows, move, after, awake. What goes wrong
with a case is kept under its name and stage, and it travels no further; the others do.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from lab.addresses import root
from lab.cloud.dms.replicator.description import Description, Login, MigrationType, StartType
from lab.cloud.dms.replicator.status import Phase, Status, read_status
from lab.cloud.parameters import mysql_text
from livemove.comparison.adapters.both_sides import Options, read_shapes
from livemove.comparison.adapters.lob_copy import LobCopier
from livemove.comparison.adapters.table_comparison import compare_table
from livemove.comparison.lone_lobs import only_lobs
from livemove.control.adapters.control_row import Control
from livemove.model.ledger import CodeObject
from livemove.model.ports import Finding, Json
from livemove.model.spec import Side, find_spec
from livemove.model.sql_names import qualified
from livemove.preflight.adapters.facts_reader import read_database
from livemove.preflight.checks import findings
from livemove.preflight.facts import Facts
from livemove.replication.dms_rules import literal
from livemove.runtime.clock import SystemClock
from livemove.runtime.mariadb import sql
from livemove.runtime.watermarks import by_waiting
from livemove.schema import objects as core
from livemove.schema.adapters.catalogue import check_parity
from livemove.schema.adapters.copy_schema import copy_schema, list_tables
from livemove.schema.adapters.lob_helpers import help_follower, kept_columns, unhelped
from livemove.schema.adapters.stored_code import code_of, set_events
from livemove.switchover.adapters.wiring import StoredCode
from tests.doubles.memory import MemoryLedger
from tests.doubles.sides import Sides
from tests.schema_roundtrip.case import Case

ACCOUNT = "shop_app"
TASK = "carrying"


@dataclass
class Traveller:
    case: Case
    schemas: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    wrong: dict[str, Any] = field(default_factory=dict)
    """Stage -> what went wrong there."""
    again: dict[str, Json] = field(default_factory=dict)
    """What carrying a second time did, by phase."""
    rows: int = 0
    events: list[str] = field(default_factory=list)
    """Those that were enabled on the source."""


class Journey:
    def __init__(self, sides: Sides, folder: Path, travellers: list[Traveller]) -> None:
        self.sides, self.folder, self.travellers = sides, folder, travellers
        self.ledger = MemoryLedger()
        self.process: subprocess.Popen[bytes] | None = None
        self.usual: set[tuple[str, str]] = set()

    def run(self) -> None:
        for server in (self.sides.source_server, self.sides.target_server):
            server.query(f"CREATE USER IF NOT EXISTS {ACCOUNT}@'127.%'")
            server.query(
                "GRANT SELECT, REPLICATION SLAVE, BINLOG MONITOR ON *.* TO reader@'127.%' IDENTIFIED BY 'r'"
            )
            server.query("GRANT ALL ON *.* TO applier@'127.%' IDENTIFIED BY 'a'")
        # what this worker and these servers lack has nothing to do with a schema
        plain = self.look(self.sides.make("carrying_plain", "CREATE TABLE t (id INT PRIMARY KEY);"))
        self.usual = {(f.check, str(f.severity)) for f in plain}
        self.each("source", self.make)
        self.each("preflight", self.preflight)
        self.each("tables", lambda t: self.carry(t, core.Phase.TABLES))
        self.follow()
        self.each("tables", self.help)
        self.replicate(StartType.START, Phase.ENDED)
        # until the second stop the target has no foreign keys: what they would change by themselves is lost
        self.each("load", lambda t: None if cascades(t) else self.change(t))
        self.each("indexes", lambda t: self.carry(t, core.Phase.INDEXES))
        self.replicate(StartType.RESUME, Phase.ENDED)
        self.each("foreign keys", lambda t: self.carry(t, core.Phase.FOREIGN_KEYS))
        self.each("foreign keys", lambda t: self.change(t) if cascades(t) else None)
        self.each("code", lambda t: self.carry(t, core.Phase.CODE))
        self.replicate(StartType.RESUME, Phase.FOLLOWING)
        self.each("events", self.put_events_to_sleep)
        self.until_applied()
        self.each("again", self.carry_again)
        self.each("parity", self.parity)
        self.each("clock", self.run_at_the_same_moments)
        self.each("rows", self.bring_lone_lobs)
        self.each("rows", self.compare)
        self.stop()
        self.each("move", self.move)
        self.each("after", self.write_after)
        self.each("after", self.compare)
        self.each("awake", self.wake_events)

    def each(self, stage: str, do: Callable[[Traveller], Any]) -> None:
        for t in self.travellers:
            if t.wrong or not (t.case.whole or stage in ("source", "preflight")):
                continue
            try:
                found = do(t)
            except Exception as e:
                found = f"{type(e).__name__}: {e}"
            if found:
                t.wrong[stage] = str(found)

    # Stages ---------------------------------------------------------------------------------------
    def make(self, t: Traveller) -> None:
        made = self.sides.make(
            t.case.name,
            t.case.script("schema")
            + "\nSET NAMES utf8mb4, sql_mode = DEFAULT, time_zone = DEFAULT, foreign_key_checks = 1;\n"
            + f"USE `{t.case.name}`;\n"
            + t.case.script("data"),
        )
        t.schemas = t.case.schemas(made)

    def preflight(self, t: Traveller) -> Any:
        t.findings = self.look(t.schemas)
        found = {(f.check, str(f.severity)) for f in t.findings}
        wanted = set(t.case.findings.items())
        strange = {
            (check, severity) for check, severity in found - wanted if severity == "error"
        } - self.usual
        if wanted - found or strange:
            return {
                "not found": wanted - found,
                "not declared": [f for f in t.findings if (f.check, str(f.severity)) in strange],
            }
        return None

    def look(self, schemas: list[str]) -> list[Finding]:
        spec = find_spec("shop")
        source = spec.source.model_copy(update={"schemas": tuple(schemas), "accounts": (ACCOUNT,)})
        with self.sides.source as db:
            database = read_database(db, schemas, [ACCOUNT], sample_seconds=0)
        return findings(Facts(spec.model_copy(update={"source": source}), database=database))

    def carry(self, t: Traveller, phase: core.Phase) -> None:
        with self.sides.source as source, self.sides.target as target:
            t.again[phase] = copy_schema(source, target, t.schemas, phase, progress=lambda _: None)

    def follow(self) -> None:
        """The target's control row, as far as what is done here asks for it."""
        with self.sides.target as target:
            target.script(sql("control/control_tables"))
            target.run(
                "REPLACE INTO livemove.control (id, side, state, epoch, has_read_only, has_rds_kill, version,"
                " changed_at) VALUES (1, 'target', 'FOLLOW', 1, 1, 0, '', NOW(6))"
            )

    def help(self, t: Traveller) -> Any:
        """What carry_tables makes, too, so that DMS's two statements for LOBs pass."""
        with self.sides.target as target:
            help_follower(target, t.schemas)
            return unhelped(target, t.schemas)

    def bring_lone_lobs(self, t: Traveller) -> Any:
        """Rows of which DMS left a LOB behind; of any other difference `compare` tells."""
        with self.sides.source as source, self.sides.target as target:
            copier = LobCopier(source, Control(target), 1)
            try:
                if not copier.begin():
                    return "the target does not follow"
                shapes = read_shapes(
                    source, [f"{x['schema']}.{x['name']}" for x in list_tables(source, t.schemas)]
                )
                for name, verdict in self.compare(t).items():
                    shape = next(s for s in shapes.values() if s.table == name)
                    keys = only_lobs(verdict, shape)
                    if keys and not copier.copy(shape, keys, time.monotonic() + 60):
                        return f"LOBs of {name} were not copied"
            finally:
                copier.close()
        return None

    def change(self, t: Traveller) -> None:
        """Writes that the replicator finds in the binlog when it goes on."""
        with self.sides.source as source:
            t.rows = sum(
                int(source.one(f"SELECT COUNT(*) AS n FROM {qualified(x['schema'], x['name'])}")["n"])
                for x in list_tables(source, t.schemas)
            )
        self.script(self.sides.source_server, t, "changes")

    def script(self, server: Any, t: Traveller, name: str) -> None:
        server.load(f"USE `{t.case.name}`;\n" + t.case.script(name))

    def put_events_to_sleep(self, t: Traveller) -> None:
        """As the fence does."""
        with self.sides.source as source:
            events = code_of(source, t.schemas).events
            t.events = [e.place for e in events if e.status == "ENABLED"]
            set_events(source, t.events, False)

    def carry_again(self, t: Traveller) -> Any:
        for phase in core.Phase:
            self.carry(t, phase)
        done = {k: v for found in t.again.values() for k, v in found.items() if k in CREATED and v}
        return f"carrying a second time made something: {done}" if done else None

    def parity(self, t: Traveller) -> list[str]:
        with self.sides.source as source, self.sides.target as target:
            report = check_parity(source, target, t.schemas, [ACCOUNT])
        return [str(d) for d in report.unexplained] + (
            [] if report.counts["columns"] else ["no column was compared"]
        )

    def run_at_the_same_moments(self, t: Traveller) -> Any:
        """Each event wakes at the same moments, and NOW() says the same there, whatever the hosts' zones."""
        asked = CLOCK.format(schemas=", ".join(map(mysql_text, t.schemas)))
        here, there = (s.query(asked) for s in (self.sides.source_server, self.sides.target_server))
        return None if here == there else f"source {here}, target {there}"

    def compare(self, t: Traveller) -> Mapping[str, Any]:
        with self.sides.source as source, self.sides.target as target:
            clock = SystemClock()
            return {
                x["name"]: verdict
                for x in list_tables(source, t.schemas)
                if not (
                    verdict := compare_table(
                        source,
                        target,
                        x["schema"],
                        x["name"],
                        Options(clock, arrived=by_waiting(clock, (0.01, 0.01))),
                    )
                ).equal
            }

    def move(self, t: Traveller) -> Any:
        """Step 8: counters past the old owner's, triggers, and events, disabled until it is open."""
        with self.sides.source as source, self.sides.target as target:
            holding: Any = {Side.TARGET: SimpleNamespace(holding=target)}
            code = StoredCode({Side.SOURCE: source, Side.TARGET: target}, holding, self.ledger, t.schemas)
            code.ready(Side.TARGET)
            code.wake(Side.TARGET, Side.SOURCE)
            here, there = code_of(source, t.schemas), code_of(target, t.schemas)
            for ours, theirs in ((here.triggers, there.triggers), (here.events, there.events)):
                if lost := [(a, b) for a, b in zip(ours, theirs, strict=True) if not _same(a, b)]:
                    return lost
            if left := [
                *kept_columns(target),
                *target.rows(sql("schema/list_lob_helpers"), {"schemas": t.schemas}),
            ]:
                return f"a follower's helpers are left: {left}"
            if awake := [e.name for e in there.events if e.status == "ENABLED"]:
                return f"events run before the doors are open: {awake}"
        return None

    def write_after(self, t: Traveller) -> None:
        """The same writes on both sides give the same rows by counters, triggers, defaults and routines."""
        for server in (self.sides.source_server, self.sides.target_server):
            self.script(server, t, "after")

    def wake_events(self, t: Traveller) -> Any:
        """Those that the fence disabled, and no others."""
        with self.sides.target as target:
            set_events(target, t.events, True)
            found = {e.place for e in code_of(target, t.schemas).events if e.status == "ENABLED"}
            set_events(target, t.events, False)
        return None if found == set(t.events) else f"events awake: {found}, wanted {t.events}"  # type: ignore[comparison-overlap]

    # The replicator -------------------------------------------------------------------------------
    def replicate(self, start: StartType, phase: Phase) -> None:
        s, t = self.sides.source_server, self.sides.target_server
        schemas = [
            name for who in self.travellers if who.case.whole and not who.wrong for name in who.schemas
        ]
        Description(
            task=TASK,
            migration_type=MigrationType.BOTH,
            start=start,
            source=Login(s.address, s.port, "reader", "r"),
            target=Login(t.address, t.port, "applier", "a"),
            mappings={"rules": [_included(n, name) for n, name in enumerate(schemas, 1)]},
            settings=json.loads((root() / "include" / "dms" / "task-settings.json").read_text()),
        ).write(self.folder)
        (self.folder / "status.json").unlink(missing_ok=True)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lab.cloud.dms.replicator", str(self.folder)],
                cwd=root(),
                stdout=log,
                stderr=log,
            )
        self.until(lambda status: status.phase is phase)
        if phase is Phase.ENDED:
            self.process.wait(20)

    def until(self, true: Callable[[Status], bool], seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while not true(status := read_status(self.folder) or Status(pid=0)) or status.failure:
            if status.failure or time.monotonic() > deadline:
                raise AssertionError(
                    f"{status.failure or status}: {(self.folder / 'log').read_text()[-3000:]}"
                )
            time.sleep(0.05)

    def until_applied(self) -> None:
        file, offset = self.sides.source_server.query("SHOW MASTER STATUS")[0][:2]

        def there(status: Status) -> bool:
            have, _, at = status.position.rpartition(":")
            return bool(have) and (have, int(at)) >= (str(file), int(str(offset)))

        self.until(there)

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)

    def close(self) -> None:
        with self.sides.target as target:
            target.run("DROP SCHEMA IF EXISTS livemove")
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


CLOCK = """
SELECT db, name, starts, ends, execute_at, CONVERT_TZ('2035-01-15 12:00:00', '+00:00', time_zone) AS winter,
       CONVERT_TZ('2035-07-15 12:00:00', '+00:00', time_zone) AS summer
  FROM mysql.event
 WHERE db IN ({schemas}) AND (execute_at IS NULL OR execute_at > UTC_TIMESTAMP())
 ORDER BY db, name
"""
"""mysql.event keeps moments in UTC."""
CREATED = (
    "created",
    "index_statements",
    "foreign_key_statements",
    "routines_created",
    "views_created",
    "events_created",
)


def _included(number: int, schema: str) -> Json:
    where = {"schema-name": literal(schema), "table-name": "%"}
    return {
        "rule-type": "selection",
        "rule-id": str(number),
        "rule-name": str(number),
        "object-locator": where,
        "rule-action": "include",
    }


def _same(a: CodeObject, b: CodeObject) -> bool:
    remembered = ("name", "sql_mode", "charset", "collation")
    return core.same_code(a.sql, b.sql) and all(getattr(a, k) == getattr(b, k) for k in remembered)


def cascades(t: Traveller) -> bool:
    return bool(re.search(r"\bON (DELETE|UPDATE) (CASCADE|SET NULL)", t.case.script("schema")))
