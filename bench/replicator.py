"""The lab's DMS against the tools at hand, as ratios of one run. `python -m bench.replicator --help`.

Full load: the replicator against `mariadb-dump --single-transaction --quick | mariadb`. CDC: the same backlog
of changes, applied by the replicator and by native replication with four threads (optimistic). All servers
stand on one machine and wait for the disk at each commit, as they do in production. The most memory that the
replicator held is reported for each part.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.addresses import root
from lab.cloud.dms.replicator.description import Description, Login, MigrationType, StartType
from lab.cloud.dms.replicator.source import fetch
from lab.cloud.dms.replicator.status import Phase, read_status
from lab.mariadb import Server
from lab.processes import Registry
from lab.signals import ended_once

RESULTS = Path(__file__).parent / "results"
SCHEMA, TABLES = "bench", 4
COLUMNS = (
    "id INT AUTO_INCREMENT PRIMARY KEY, a INT NOT NULL, b DECIMAL(12,2), c VARCHAR(120), d DATETIME(6), e"
    " CHAR(40), f DOUBLE, KEY (a)"
)
COMMON = {"innodb_buffer_pool_size": "512M", "innodb_log_file_size": "512M", "max_binlog_size": "256M"}
ACCOUNT = "GRANT ALL ON *.* TO bench@'127.%' IDENTIFIED BY 'bench'"


class Bench:
    def __init__(self, rows: int, changes: int, folder: Path) -> None:
        self.rows, self.changes, self.folder = rows, changes, folder
        self.registry = Registry(folder / "state")
        n = os.getpid() % 200 + 20
        self.source, self.ours, self.native = (
            Server(self.registry, name, f"127.{n}.1.{i}", 3306, folder / name, i, "root", COMMON | more)
            for i, (name, more) in enumerate(
                (
                    ("source", {}),
                    ("ours", {}),
                    ("native", {"slave_parallel_threads": "4", "slave_parallel_mode": "optimistic"}),
                ),
                1,
            )
        )
        self.task = folder / "task"
        self.peak = 0

    def prepare(self) -> None:
        (self.folder / "state").mkdir(parents=True)
        for server in (self.source, self.ours, self.native):
            server.install()
            server.start()
            tables = [f"CREATE TABLE {SCHEMA}.t{n} ({COLUMNS}) CHARACTER SET utf8mb4" for n in range(TABLES)]
            sql(server, "SET SESSION sql_log_bin = 0", ACCOUNT, f"CREATE DATABASE {SCHEMA}", *tables)
        for n in range(TABLES):
            each = self.rows // TABLES
            sql(
                self.source,
                f"USE {SCHEMA}",
                "SET SESSION sql_log_bin = 0",
                f"INSERT INTO t{n} SELECT seq, seq % 1000, seq / 7, CONCAT('Apartment \\t 아파트 ',"
                f" REPEAT('x', seq % 90)), NOW(6), SHA1(seq), seq / 3 FROM seq_1_to_{each}",
            )

    def login(self, server: Server) -> Login:
        return Login(server.address, server.port, "bench", "bench")

    def run(self, start: StartType, over: Callable[[], bool], **load: Any) -> float:
        """Seconds of one run of the replicator, its own start included."""
        settings = {"TargetMetadata": {"FullLobMode": True}, "FullLoadSettings": load}
        rule = {
            "rule-type": "selection",
            "rule-id": "1",
            "rule-name": "1",
            "rule-action": "include",
            "object-locator": {"schema-name": SCHEMA, "table-name": "%"},
        }
        made = Description(
            "bench",
            MigrationType.BOTH,
            start,
            self.login(self.source),
            self.login(self.ours),
            {"rules": [rule]},
            settings,
        )
        replace(made).write(self.task)
        (self.task / "status.json").unlink(missing_ok=True)
        began = time.monotonic()
        with open(self.task / "log", "ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "lab.cloud.dms.replicator", str(self.task)],
                cwd=root(),
                stdout=log,
                stderr=log,
            )
        try:
            while not over():
                self.peak = max(self.peak, peak_memory(process.pid))
                status = read_status(self.task)
                if process.poll() is not None and not over():
                    raise SystemExit(
                        "the replicator ended:"
                        f" {status and status.failure}\n{(self.task / 'log').read_text()[-2000:]}"
                    )
                time.sleep(0.02)
            seconds = time.monotonic() - began
            self.peak = max(self.peak, peak_memory(process.pid))
        finally:
            process.terminate()
            process.wait(60)
        return seconds

    def load_ours(self) -> float:
        self.peak = 0
        return self.run(
            StartType.START,
            lambda: (s := read_status(self.task)) is not None and s.phase is Phase.ENDED,
            StopTaskCachedChangesNotApplied=True,
        )

    def load_dump(self) -> float:
        def connection(server: Server) -> str:
            return f"--no-defaults -h{server.address} -ubench -pbench --default-character-set=utf8mb4"

        began = time.monotonic()
        subprocess.run(
            f"mariadb-dump {connection(self.source)} --single-transaction --quick --no-create-info {SCHEMA}"
            f" | mariadb {connection(self.native)} {SCHEMA}",
            shell=True,
            check=True,
        )
        return time.monotonic() - began

    def change(self) -> tuple[str, str]:
        """Write a backlog: many small transactions, now and then a large one; (GTID before, GTID after)."""
        choose = random.Random(7)
        before = str(sql(self.source, "SELECT @@gtid_binlog_pos")[0][0])
        done, each = 0, self.rows // TABLES
        with self.source.connect(database=SCHEMA) as c, c.cursor() as cursor:
            cursor.execute("SET SESSION binlog_format = ROW")
            while done < self.changes:
                t, k = choose.randrange(TABLES), choose.randint(1, each)
                cursor.execute("BEGIN")
                cursor.execute(
                    f"INSERT INTO t{t} (a, b, c, d, e, f) SELECT a, b, c, NOW(6), e, f FROM t{t} WHERE id"
                    f" BETWEEN {k} AND {k + 9}"
                )
                cursor.execute(
                    f"UPDATE t{(t + 1) % TABLES} SET b = b + 1, c = CONCAT(LEFT(c, 60), '!') WHERE id BETWEEN"
                    f" {k} AND {k + 9}"
                )
                done += 20
                if done % 2000 == 0:
                    done += cursor.execute(f"DELETE FROM t{t} WHERE id BETWEEN {k} AND {k + 999}")
                cursor.execute("COMMIT")
        self.changes = done
        return before, str(sql(self.source, "SELECT @@gtid_binlog_pos")[0][0])

    def follow_ours(self) -> float:
        self.peak = 0
        goal = tuple(sql(self.source, "SHOW MASTER STATUS")[0][:2])

        def over() -> bool:
            status = read_status(self.task)
            have, _, at = (status.position if status else "").rpartition(":")
            return bool(have) and (have, int(at)) >= goal

        return self.run(StartType.RESUME, over)

    def follow_native(self, before: str, after: str) -> float:
        s = self.source
        sql(
            self.native,
            f"SET GLOBAL gtid_slave_pos = '{before}'",
            f"CHANGE MASTER TO master_host='{s.address}', master_port={s.port}, master_user='bench',"
            " master_password='bench', master_use_gtid=slave_pos",
        )
        began = time.monotonic()
        sql(self.native, "START SLAVE", f"SELECT MASTER_GTID_WAIT('{after}', 3600)")
        seconds = time.monotonic() - began
        sql(self.native, "STOP SLAVE")
        return seconds

    def differences(self) -> list[str]:
        names = ", ".join(f"{SCHEMA}.t{n}" for n in range(TABLES))
        sums = [sql(s, f"CHECKSUM TABLE {names}") for s in (self.source, self.ours, self.native)]
        return [] if sums[0] == sums[1] == sums[2] else [f"{s}" for s in sums]

    def close(self) -> None:
        self.registry.stop_all()
        shutil.rmtree(self.folder, ignore_errors=True)


def sql(server: Server, *statements: str) -> list[tuple[Any, ...]]:
    with server.connect() as c:
        for statement in statements[:-1]:
            c.cursor().execute(statement)
        return fetch(c, statements[-1])


def peak_memory(pid: int) -> int:
    """The most memory that a process ever held, in MB; 0 when it is gone."""
    try:
        words = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) >> 10 for line in words.splitlines() if line.startswith("VmHWM")), 0)


def measure(rows: int, changes: int) -> dict[str, Any]:
    folder = Path(tempfile.mkdtemp(prefix="livemove-bench-dms-"))
    bench = Bench(rows, changes, folder)
    try:
        bench.prepare()
        out: dict[str, Any] = {
            "rows": rows,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "load_average": os.getloadavg()[0],
        }
        out["load_dump_seconds"] = round(bench.load_dump(), 2)
        out["load_ours_seconds"] = round(bench.load_ours(), 2)
        out["load_peak_mb"] = bench.peak
        out["load_ratio"] = round(out["load_dump_seconds"] / out["load_ours_seconds"], 2)
        # a run that breaks later has reported this much
        print(json.dumps(out), flush=True)
        before, after = bench.change()
        out["changes"] = bench.changes
        out["cdc_native_seconds"] = round(bench.follow_native(before, after), 2)
        out["cdc_ours_seconds"] = round(bench.follow_ours(), 2)
        out["cdc_peak_mb"] = bench.peak
        out["cdc_ratio"] = round(out["cdc_native_seconds"] / out["cdc_ours_seconds"], 2)
        out["differences"] = bench.differences()
        return out
    finally:
        bench.close()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of all tables together")
    parser.add_argument("--changes", type=int, default=200_000, help="rows changed afterwards")
    given = parser.parse_args(arguments)
    found = measure(given.rows, given.changes)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"replicator-{given.rows}.json").write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps(found, indent=2))
    print(
        f"full load {found['load_ratio']} times the dump pipe, CDC {found['cdc_ratio']} times native"
        " replication with 4 threads"
    )
    return 1 if found["differences"] else 0


if __name__ == "__main__":
    sys.exit(ended_once(main))
