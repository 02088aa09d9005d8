"""The Replicator port over the lab's replicator processes, without an AWS endpoint between.

All it knows lies in files, because movers die: a link's folder says whether it was prepared and started, and
the lab's registry whether its process lives. Like a DMS task, a process outlives whoever started it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pymysql

from lab.addresses import root
from lab.cloud.dms.replicator.description import Description, Login, MigrationType, StartType
from lab.cloud.dms.replicator.status import Phase, read_status
from lab.processes import Registry
from lab.switchover_harness.settings import PORT, SCHEMA, SERVICE, Settings, root_connection
from livemove.model.errors import ReplicationError
from livemove.model.ports import Json, Link, ReplicationStatus, TableProgress, TaskState
from livemove.model.spec import Side
from livemove.replication.dms_rules import table_mappings

PREPARED, STARTED = "prepared.json", "started.json"
SETTINGS = root() / "include" / "dms" / "task-settings.json"


class Replicators:
    def __init__(self, settings: Settings) -> None:
        self.settings, self.folder = settings, settings.folder / "tasks"
        self.registry = Registry(settings.folder)

    def prepare(self, link: Link, *, full_load: bool, reader: Json, applier: Json) -> None:
        for side, login in ((link.reads, reader), (link.writes, applier)):
            self._test(side, login)
        host, port = self.settings.replicator_addresses.get(
            link.reads, (self.settings.address(link.reads), PORT)
        )
        self._folder(link).mkdir(parents=True, exist_ok=True)
        _replace(
            self._folder(link) / PREPARED,
            {
                "full_load": full_load,
                "reader": {**reader, "host": host, "port": port},
                "applier": {**applier, "host": self.settings.address(link.writes)},
            },
        )

    def _test(self, side: Side, login: Json) -> None:
        """Log in as DMS would, and give the right that only the lab's raw relay needs."""
        with root_connection(self.settings.address(side)) as c, c.cursor() as cursor:
            cursor.execute("SET SESSION sql_log_bin = 0")
            cursor.execute("GRANT BINLOG REPLAY ON *.* TO %s@'%%'", (login["username"],))
        try:
            pymysql.connect(
                host=self.settings.address(side),
                port=int(login["port"]),
                user=login["username"],
                password=login["password"],
                connect_timeout=5,
            ).close()
        except pymysql.err.MySQLError as e:
            raise ReplicationError(f"The test of the {side} endpoint failed: {e.args}") from e

    def start(self, link: Link, *, position: str | None = None) -> None:
        with self._lock(link):
            if not self._alive(link):
                self._start(link, position)
        deadline = time.monotonic() + 30
        while self.status(link).state is TaskState.STARTING:
            if time.monotonic() > deadline:
                raise ReplicationError(f"{link.name} did not start within 30 s")
            time.sleep(0.02)
        if (found := self.status(link)).state is TaskState.FAILED:
            raise ReplicationError(f"The replication task {link.name} failed to start: {found.failure}")

    def _start(self, link: Link, position: str | None) -> None:
        folder = self._folder(link)
        made = json.loads((folder / PREPARED).read_text())
        before = folder / STARTED
        resumed = before.exists()
        if not resumed:
            _replace(before, {"position": position})
        first = json.loads(before.read_text())["position"]
        r, a = made["reader"], made["applier"]
        Description(
            task=link.name,
            migration_type=MigrationType.BOTH if made["full_load"] else MigrationType.CDC,
            start=StartType.RESUME if resumed else StartType.START,
            source=Login(r["host"], int(r["port"]), r["username"], r["password"]),
            target=Login(a["host"], int(a["port"]), a["username"], a["password"]),
            mappings=json.loads(table_mappings([SCHEMA], link)),
            # DMS's own defaults would log a refused row and go on, and cut LOBs
            settings={k: json.loads(SETTINGS.read_text())[k] for k in ("ErrorBehavior", "TargetMetadata")},
            position=first,
        ).write(folder)
        (folder / "status.json").unlink(missing_ok=True)
        self.registry.start(
            link.name, [sys.executable, "-m", "lab.cloud.dms.replicator", str(folder)], cwd=root()
        )

    def status(self, link: Link) -> ReplicationStatus:
        folder = self._folder(link)
        if not (folder / PREPARED).exists():
            return ReplicationStatus(TaskState.ABSENT)
        if not (folder / STARTED).exists():
            return ReplicationStatus(TaskState.READY)
        found = read_status(folder)
        began = json.loads((folder / STARTED).read_text())["position"] or ""
        at = found.position if found else ""
        failure = found.failure if found else ""
        if self._alive(link):
            running = found and found.phase in (Phase.LOADING, Phase.FOLLOWING)
            state, failure = (TaskState.RUNNING if running else TaskState.STARTING), ""
        else:
            state = TaskState.FAILED if failure else TaskState.STOPPED
        return ReplicationStatus(state, failure=failure, checkpoint=at, started_from=began)

    def following(self, link: Link, seconds: float = 60) -> None:
        """Wait until the full load is over and changes are followed."""
        deadline = time.monotonic() + seconds
        while (found := read_status(self._folder(link))) is None or found.phase is not Phase.FOLLOWING:
            if not self._alive(link) or time.monotonic() > deadline:
                raise ReplicationError(
                    f"{link.name} does not follow: {found.failure if found else 'no status'}"
                )
            time.sleep(0.02)

    def pid(self, link: Link) -> int | None:
        """Of its process, while it lives."""
        p = self.registry.find(link.name)
        return p.pid if p and p.alive() else None

    def tables(self, link: Link) -> list[TableProgress]:
        found = read_status(self._folder(link))
        return [TableProgress(t.schema, t.table, str(t.state)) for t in found.tables] if found else []

    def stop(self, link: Link) -> None:
        with self._lock(link):
            self.registry.stop(link.name)

    def delete(self, link: Link) -> None:
        self.stop(link)
        for name in (PREPARED, STARTED):
            (self._folder(link) / name).unlink(missing_ok=True)

    def reload(self, link: Link, tables: Sequence[tuple[str, str]]) -> None:
        raise ReplicationError("single tables are not loaded again here")

    def diagnostics(self, link: Link) -> Json:
        return {"failures": [], "latency": {}}

    def links(self) -> list[Link]:
        found = []
        for path in self.folder.glob(f"*/{PREPARED}"):
            m = re.fullmatch(rf"{SERVICE}-e(\d+)-(source|target)-to-\w+", path.parent.name)
            if m:
                found.append(Link(SERVICE, int(m[1]), Side(m[2])))
        return sorted(found, key=lambda k: k.epoch)

    def _folder(self, link: Link) -> Path:
        return self.folder / link.name

    def _alive(self, link: Link) -> bool:
        return self.pid(link) is not None

    @contextmanager
    def _lock(self, link: Link) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{link.name}.lock").open("w") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            yield


def _replace(path: Path, document: Json) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(document))
    os.replace(new, path)
