"""The Replicator port over the lab's replicator processes: one process per link, no AWS endpoint between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lab.addresses import root
from lab.cloud.dms.replicator.description import Description, Login, MigrationType, StartType
from lab.cloud.dms.replicator.status import Phase, read_status
from lab.mariadb import Server
from livemove.model.ports import Json, Link, ReplicationStatus, TableProgress, TaskState
from livemove.model.spec import Side
from livemove.replication.dms_rules import table_mappings
from tests.lab_dms.conftest import settings


class Replicators:
    def __init__(self, folder: Path, servers: dict[Side, Server]) -> None:
        self.folder, self.servers = folder, servers
        self.prepared: set[Link] = set()
        self.processes: dict[Link, subprocess.Popen[bytes]] = {}
        self.started: list[tuple[Link, str]] = []
        self.positions: dict[Link, str] = {}

    def prepare(
        self, link: Link, *, full_load: bool, reader: Json | None = None, applier: Json | None = None
    ) -> None:
        self.prepared.add(link)

    def start(self, link: Link, *, position: str | None = None) -> None:
        if self._alive(link):
            return
        resumed = link in self.processes
        s, t = self.servers[link.reads], self.servers[link.writes]
        folder = self.folder / link.name
        Description(
            task=link.name,
            migration_type=MigrationType.CDC if position or link.epoch > 1 else MigrationType.BOTH,
            start=StartType.RESUME if resumed else StartType.START,
            source=Login(s.address, s.port, "livemove_read", "r"),
            target=Login(t.address, t.port, f"livemove_apply_e{link.epoch}", "a"),
            mappings=json.loads(table_mappings(["shop"], link)),
            settings=settings(),
            position=position,
        ).write(folder)
        (folder / "status.json").unlink(missing_ok=True)
        self.positions.setdefault(link, position or "")
        self.started.append((link, "resume" if resumed else "start"))
        with open(folder / "log", "ab") as log:
            self.processes[link] = subprocess.Popen(
                [sys.executable, "-m", "lab.cloud.dms.replicator", str(folder)],
                cwd=root(),
                stdout=log,
                stderr=log,
            )

    def until_following(self, link: Link, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while (status := read_status(self.folder / link.name)) is None or status.phase is not Phase.FOLLOWING:
            log = self.folder / link.name / "log"
            assert self._alive(link), log.read_text()[-3000:]
            assert time.monotonic() < deadline, f"{link.name} does not follow"
            time.sleep(0.02)

    def status(self, link: Link) -> ReplicationStatus:
        if link not in self.prepared:
            return ReplicationStatus(TaskState.ABSENT)
        if link not in self.processes:
            return ReplicationStatus(TaskState.READY)
        began = self.positions[link]
        found = read_status(self.folder / link.name)
        at = found.position if found else ""
        if self._alive(link):
            return ReplicationStatus(TaskState.RUNNING, checkpoint=at, started_from=began)
        failure = found.failure if found else ""
        state = TaskState.FAILED if failure else TaskState.STOPPED
        return ReplicationStatus(state, failure=failure, checkpoint=at, started_from=began)

    def tables(self, link: Link) -> list[TableProgress]:
        found = read_status(self.folder / link.name)
        return [TableProgress(t.schema, t.table, str(t.state)) for t in found.tables] if found else []

    def stop(self, link: Link) -> None:
        if self._alive(link):
            self.processes[link].send_signal(signal.SIGTERM)
            self.processes[link].wait(20)

    def delete(self, link: Link) -> None:
        self.stop(link)
        self.prepared.discard(link)

    def forget(self, link: Link) -> None:
        """What deleting the task by hand does: where it was is gone."""
        self.delete(link)
        self.processes.pop(link, None)
        self.positions.pop(link, None)

    def reload(self, link: Link, tables: Sequence[tuple[str, str]]) -> None:
        raise NotImplementedError

    def diagnostics(self, link: Link) -> Json:
        return {"failures": [], "latency": {}}

    def links(self) -> list[Link]:
        return sorted(self.prepared, key=lambda k: k.epoch)

    def close(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                os.kill(process.pid, signal.SIGKILL)
                process.wait(10)

    def _alive(self, link: Link) -> bool:
        return link in self.processes and self.processes[link].poll() is None
