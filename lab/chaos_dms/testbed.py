"""Two servers, a few tables under constant writes, and one DMS task between them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql

from lab.addresses import root
from lab.cloud.dms.replicator.description import Login, StartType
from lab.cloud.dms.replicator.source import fetch
from lab.cloud.dms.replicator.status import Phase, Status
from lab.cloud.dms.tasks import RESTING, InvalidState, Task, TaskState
from lab.mariadb import Server
from lab.processes import Registry

SCHEMA = "chaos"
TABLES = {
    "account": (
        "id INT PRIMARY KEY, amount BIGINT NOT NULL, name VARCHAR(80) CHARACTER SET utf8mb4, KEY (amount)"
    ),
    "entry": (
        "id BIGINT AUTO_INCREMENT PRIMARY KEY, account INT NOT NULL, amount INT NOT NULL, at DATETIME(6) NOT"
        " NULL, note TEXT"
    ),
    "pair": "a INT, b VARCHAR(20) CHARACTER SET euckr, n INT NOT NULL, PRIMARY KEY (a, b)",
    "gone": "id INT PRIMARY KEY, body BLOB",
}
ENDS = {TaskState.STOPPED, TaskState.FAILED}


class Testbed:
    """Open it as a context. Everything lies in one folder of shared memory, and is gone afterwards."""

    def __init__(self, rows: int, seed: int, *, room: int = 0) -> None:
        """`room`: MB of a disk of its own for the target, 0 for none."""
        self.rows, self.choose, self.room = rows, random.Random(seed), room
        self.folder = Path(
            tempfile.mkdtemp(
                prefix="livemove-chaos-dms-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None
            )
        )
        self.disk = self.folder / "disk"
        self.registry = Registry(self.folder / "state")
        n = os.getpid() % 200 + 20
        self.source = Server(
            self.registry,
            "source",
            f"127.{n}.0.1",
            3306,
            self.folder / "source",
            1,
            "root",
            {"innodb_buffer_pool_size": "64M"},
        )
        there = self.disk / "target" if room else self.folder / "target"
        self.target = Server(
            self.registry,
            "target",
            f"127.{n}.0.2",
            3306,
            there,
            2,
            "root",
            {"innodb_buffer_pool_size": "64M", "innodb_log_file_size": "16M"},
        )
        self.writers: Writers | None = None
        self.tasks: list[Task] = []

    def __enter__(self) -> Testbed:
        try:
            self._up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _up(self) -> None:
        (self.folder / "state").mkdir()
        if self.room:
            self.disk.mkdir()
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={self.room}m", "livemove-chaos", str(self.disk)],
                check=True,
                capture_output=True,
            )
        for server in (self.source, self.target):
            server.install()
            server.start()
        self.sql(
            self.source,
            "GRANT SELECT, REPLICATION SLAVE, BINLOG MONITOR ON *.* TO reader@'127.%' IDENTIFIED BY 'r'",
        )
        self.sql(
            self.target,
            "GRANT BINLOG REPLAY ON *.* TO applier@'127.%' IDENTIFIED BY 'a'",
            "GRANT ALL ON awsdms_control.* TO applier@'127.%'",
            f"GRANT ALL ON {SCHEMA}.* TO applier@'127.%'",
        )
        self.fill()

    def __exit__(self, *_: object) -> None:
        if self.writers:
            self.writers.stop()
        for task in self.tasks:
            # a task whose process only dies is recovered, and would come to the next testbed's servers
            with contextlib.suppress(InvalidState):
                task.stop()
        deadline = time.monotonic() + 30
        while any(task.now() not in RESTING for task in self.tasks) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.registry.stop_all()
        if self.room:
            subprocess.run(["umount", "-l", str(self.disk)], check=False, capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sql(self, server: Server, *statements: str) -> list[tuple[Any, ...]]:
        """As root; the rows of the last statement."""
        with server.connect() as c:
            for statement in statements[:-1]:
                c.cursor().execute(statement)
            return fetch(c, statements[-1])

    def fill(self) -> None:
        for server in (self.source, self.target):
            self.sql(
                server,
                f"CREATE DATABASE {SCHEMA}",
                *(
                    f"CREATE TABLE {SCHEMA}.{t} ({columns}) CHARACTER SET utf8mb4"
                    for t, columns in TABLES.items()
                ),
            )
        n = self.rows
        self.sql(
            self.source,
            f"USE {SCHEMA}",
            f"INSERT INTO account SELECT seq, 0, CONCAT('이름 ', seq) FROM seq_1_to_{n}",
            f"INSERT INTO entry SELECT seq, 1 + seq % {n}, seq % 100, NOW(6), REPEAT('\\\\', seq % 50) FROM"
            f" seq_1_to_{n}",
            f"INSERT INTO pair SELECT seq % 100, CONCAT('가', seq), seq FROM seq_1_to_{n // 4}",
            f"INSERT INTO gone SELECT seq, UNHEX(SHA1(seq)) FROM seq_1_to_{n // 4}",
        )

    # The task -------------------------------------------------------------------------------------
    def task(self, **errors: str) -> Task:
        """A new task over all tables, with livemove's settings; `errors` go over its ErrorBehavior."""
        settings = json.loads((root() / "include" / "dms" / "task-settings.json").read_text())
        settings["FullLoadSettings"]["StopTaskCachedChangesNotApplied"] = False
        settings["FullLoadSettings"]["StopTaskCachedChangesApplied"] = False
        settings["ErrorBehavior"] |= {"RecoverableErrorCount": -1, **errors}
        name = f"task-{len(self.tasks)}"
        rule = {
            "rule-type": "selection",
            "rule-id": "1",
            "rule-name": "1",
            "rule-action": "include",
            "object-locator": {"schema-name": SCHEMA, "table-name": "%"},
        }
        made = Task(
            name,
            f"arn:aws:dms:lab:0:task:{name.upper()}",
            "full-load-and-cdc",
            "s",
            "t",
            "i",
            json.dumps({"rules": [rule]}),
            json.dumps(settings),
            self.folder / "dms" / name,
            self.registry,
        )
        self.tasks.append(made)
        self.until(lambda: made.now() is TaskState.READY, "ready")
        return made

    def start(self, task: Task, kind: StartType = StartType.START) -> None:
        task.start(
            kind,
            Login(self.source.address, 3306, "reader", "r"),
            Login(self.target.address, 3306, "applier", "a"),
            None,
        )

    def write(self) -> Writers:
        self.writers = Writers(self.source, self.rows, self.choose.randrange(1 << 30))
        return self.writers

    def kill(self, task: Task, phase: Phase, longest: float) -> str:
        """kill -9 of the replicator at a random moment from this phase on; returns what it was doing."""

        while True:
            self.until(lambda: task.now() in ENDS or self._at_work(task, phase), phase)
            time.sleep(self.choose.uniform(0.0, longest))
            process, status = self.registry.find(task.name), task.status()
            if task.now() in ENDS or process is None or status is None:
                return ""
            if status.pid == process.pid and process.alive():
                os.kill(process.pid, 9)
                while process.alive():
                    time.sleep(0.01)
                return doing(status)

    def _at_work(self, task: Task, phase: Phase) -> bool:
        process, status = self.registry.find(task.name), task.status()
        if not (process and status and process.alive()):
            return False
        return status.pid == process.pid and status.phase in (phase, Phase.FOLLOWING)

    def until(self, true: Callable[[], object], what: str, seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError(f"not seen within {seconds:.0f} s: {what}")
            time.sleep(0.05)

    def phase(self, task: Task, phase: str) -> None:
        """Wait until the replicator says so, or the task has ended."""
        self.until(
            lambda: task.now() in ENDS or ((s := task.status()) is not None and s.phase == phase), phase
        )

    def caught_up(self, task: Task, seconds: float = 180) -> bool:
        """True when the target has all the source had at the call; False when the task ended before."""
        goal = self.sql(self.source, "SHOW MASTER STATUS")[0][:2]

        def there() -> bool:
            status = task.status()
            have, _, at = (status.position if status else "").rpartition(":")
            return bool(have) and (have, int(at)) >= goal

        self.until(lambda: task.now() in ENDS or there(), "the target caught up", seconds)
        return task.now() not in ENDS

    def differences(self) -> list[str]:
        """Tables whose rows are not the same on both sides, by CHECKSUM TABLE."""
        out = []
        for table in TABLES:
            sums = [
                self.sql(s, f"CHECKSUM TABLE {SCHEMA}.{table} EXTENDED")[0][1]
                for s in (self.source, self.target)
            ]
            if sums[0] != sums[1]:
                counts = [
                    self.sql(s, f"SELECT COUNT(*) FROM {SCHEMA}.{table}")[0][0]
                    for s in (self.source, self.target)
                ]
                out.append(f"{table} ({counts[0]} rows, {counts[1]} on the target)")
        return out


def doing(status: Status) -> str:
    if status.phase is Phase.FOLLOWING:
        applied = sum(t.applied_inserts + t.applied_updates + t.applied_deletes for t in status.tables)
        return f"following, {applied} changes applied"
    return f"{status.phase}, {sum(t.rows for t in status.tables)} rows copied"


class Writers:
    """Transactions on the source as fast as they go, through its restarts, until `stop`."""

    def __init__(self, source: Server, rows: int, seed: int) -> None:
        self.source, self.rows, self.choose, self.count = source, rows, random.Random(seed), 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                with self.source.connect(database=SCHEMA, connect_timeout=2) as c, c.cursor() as cursor:
                    while not self._end.is_set():
                        self._transaction(cursor)
                        self.count += 1
            except pymysql.err.MySQLError:
                time.sleep(0.2)

    def _transaction(self, cursor: Any) -> None:
        k, n = self.choose.randint(1, self.rows), self.choose.randint(-99, 99)
        cursor.execute("BEGIN")
        cursor.execute(
            "INSERT INTO entry (account, amount, at, note) VALUES (%s, %s, NOW(6), %s)",
            (k, n, "쓰기\t" * (k % 9)),
        )
        cursor.execute(
            "UPDATE account SET amount = amount + %s WHERE id BETWEEN %s AND %s", (n, k, k + k % 5)
        )
        cursor.execute("REPLACE INTO pair VALUES (%s, %s, %s)", (k % 100, f"가{k}", n))
        if k % 7 == 0:
            cursor.execute("DELETE FROM gone WHERE id BETWEEN %s AND %s", (k // 7, k // 7 + 2))
        cursor.execute("ROLLBACK" if k % 11 == 0 else "COMMIT")
