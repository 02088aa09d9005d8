"""What a comparison costs: livemove's, CHECKSUM TABLE, reladiff. `python -m bench.comparison --help`.

Two real servers hold the same rows (about 200 bytes each), once equal and once with 3 planted differences: a
changed value, a missing row, an extra row. Every way runs in turn, so that a busy minute hits all of them;
medians of the rounds. Each runs in a process of its own, whose peak memory is reported. Beside the wall clock
stands the CPU time of both servers, which a busy machine changes less. reladiff (PyPI) is not part of the
environment: name the program of a venv of its own with --reladiff. pt-table-checksum needs a native replica
and writes to the source, so it has no place between two databases as DMS joins them.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from lab.mariadb import Server
from lab.processes import Registry
from lab.signals import ended_once
from livemove.comparison.adapters.both_sides import Options
from livemove.comparison.adapters.table_comparison import compare_table
from livemove.model.spec import Side
from livemove.runtime.clock import SystemClock
from livemove.runtime.mariadb import Login, MariaDb
from livemove.runtime.watermarks import by_waiting

RESULTS = Path(__file__).parent / "results"
TABLE = """
CREATE TABLE bench.orders (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, user_id INT NOT NULL,
  state ENUM('new','paid','sent','done') NOT NULL, price DECIMAL(12,2) NULL, title VARCHAR(100) NOT NULL,
  score DOUBLE, note VARCHAR(200), made DATETIME(3) NOT NULL,
  changed TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
) CHARACTER SET utf8mb4 STATS_PERSISTENT=1
"""
FILL = """
INSERT INTO orders SELECT seq, MOD(seq * 7919, 1000003), 1 + seq % 4, IF(seq % 17, seq / 7, NULL),
  CONCAT('매물 ', seq, ' ', LEFT(SHA1(seq), 20)), seq / 3, CONCAT(SHA1(seq + 1), SHA1(seq + 2)),
  '2026-01-01' + INTERVAL seq SECOND, '2026-02-01' + INTERVAL MOD(seq, 1000000) SECOND
FROM seq_{0}_to_{1}
"""
PLANTED = (
    "UPDATE bench.orders SET note = CONCAT(note, ' '), changed = changed WHERE id = {third}",
    "DELETE FROM bench.orders WHERE id = {half}",
    (
        "INSERT INTO bench.orders SELECT {rows} + 9, user_id, state, price, title, score, note, made, changed"
        " FROM bench.orders WHERE id = 1"
    ),
)
COLUMNS = ("user_id", "state", "price", "title", "score", "note", "made", "changed")


@dataclass
class Way:
    name: str
    run: Callable[[], tuple[list[str], str]]
    """(argv of the process, text that must be in its output when differences are planted)."""
    seconds: dict[str, list[float]] = field(default_factory=dict)
    server_cpu: dict[str, list[float]] = field(default_factory=dict)
    peak_mb: float = 0.0
    finds: dict[str, str] = field(default_factory=dict)


def fill(servers: Sequence[Server], rows: int) -> None:
    def one(server: Server) -> None:
        with server.connect() as c, c.cursor() as cursor:
            # half a gigabyte of rows must not become as much binlog
            cursor.execute("SET SESSION sql_log_bin = 0, unique_checks = 0")
            cursor.execute("CREATE DATABASE bench")
            cursor.execute("USE bench")
            cursor.execute(TABLE)
            for at in range(1, rows + 1, 100_000):
                cursor.execute(FILL.format(at, min(rows, at + 99_999)))
            cursor.execute("ANALYZE TABLE orders")

    threads = [threading.Thread(target=one, args=(s,)) for s in servers]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def damage(server: Server, statements: Sequence[str], rows: int) -> None:
    for statement in statements:
        server.query(statement.format(rows=rows, half=rows // 2, third=rows // 3))


def cpu_of(servers: Sequence[Server]) -> float:
    """Seconds of CPU that both servers have used, over all their threads."""
    total = 0
    for server in servers:
        pid = int((server.data / "mariadbd.pid").read_text())
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def peak(argv: Sequence[str]) -> tuple[float, float, str]:
    """(seconds, peak MB, output) of a process."""
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        out.seek(0)
        return seconds, usage.ru_maxrss / 1024, out.read().decode(errors="replace")


def ways(servers: Sequence[Server], reladiff: str) -> list[Way]:
    ends = [f"{s.address}:{s.port}" for s in servers]

    def one(kind: str) -> Callable[[], tuple[list[str], str]]:
        return lambda: ([sys.executable, "-m", "bench.comparison", "--one", kind, *ends], "3 rows differ")

    found = [
        Way("CHECKSUM TABLE on both", one("checksum")),
        Way("ours", one("ours")),
    ]
    if reladiff:
        urls = [f"mysql://root:root@{end}/bench" for end in ends]
        argv = [reladiff, urls[0], "orders", urls[1], "orders", "-k", "id", "-j", "2"]
        argv += [w for c in COLUMNS for w in ("-c", c)]
        found.append(Way("reladiff", lambda: (argv, "\n- ")))
    return found


def once(kind: str, ends: Sequence[str]) -> None:
    """One way, in a process of its own; prints what it found."""
    parts = [e.rpartition(":") for e in ends]
    source, target = (
        MariaDb(side, Login(host, int(port), "root", "root"))
        for side, (host, _, port) in zip(Side, parts, strict=True)
    )
    began = time.monotonic()
    if kind == "checksum":
        sums: list[object] = []

        def ask(db: MariaDb) -> None:
            sums.append(db.one("CHECKSUM TABLE bench.orders")["checksum"])

        threads = [threading.Thread(target=ask, args=(db,)) for db in (source, target)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        print("equal" if sums[0] == sums[1] else "the checksums differ")
    else:
        clock = SystemClock()
        # nobody writes: looking again need not wait
        options = Options(clock, print, arrived=by_waiting(clock, (0.0,)))
        verdict = compare_table(source, target, "bench", "orders", options)
        print("equal" if verdict.equal else f"{len(verdict.differences)} rows differ")
        for d in verdict.differences:
            print(d)
        print(verdict.note)
    print(f"inside {time.monotonic() - began:.3f}")


def run(rows: int, rounds: int, reladiff: str, folder: Path) -> dict[str, object]:
    registry = Registry(folder / "state")
    options = {
        "innodb_buffer_pool_size": f"{max(256, rows * 300 // 1_000_000)}M",
        "innodb_flush_log_at_trx_commit": "0",
        "sync_binlog": "0",
    }
    octet = 100 + os.getpid() % 100
    servers = [
        Server(registry, f"bench{n}", f"127.{octet}.9.{n}", 3306, folder / f"d{n}", 9000 + n, "root", options)
        for n in (1, 2)
    ]
    try:
        for server in servers:
            server.install()
            server.start()
        fill(servers, rows)
        measured = ways(servers, reladiff)
        for state in ("equal", "3 planted"):
            if state != "equal":
                damage(servers[1], PLANTED, rows)
            for number in range(rounds):
                for way in measured:
                    argv, wanted = way.run()
                    before = cpu_of(servers)
                    seconds, mb, out = peak(argv)
                    inside = out.rpartition("inside ")[2]
                    way.seconds.setdefault(state, []).append(
                        float(inside) if way.name.startswith("CHECKSUM") else seconds
                    )
                    way.server_cpu.setdefault(state, []).append(cpu_of(servers) - before)
                    way.peak_mb = max(way.peak_mb, mb)
                    way.finds[state] = out.strip()[:400]
                    if way.name.startswith("ours"):
                        right = "equal" if state == "equal" else wanted
                        if right not in out:
                            raise SystemExit(f"{way.name} is wrong about {state}:\n{out}")
                    print(
                        f"{state}, round {number + 1}, {way.name}: {seconds:.2f} s, {mb:.0f} MB",
                        file=sys.stderr,
                        flush=True,
                    )
        size = servers[0].query(
            "SELECT data_length / table_rows FROM information_schema.tables WHERE table_name = 'orders'"
        )
        return {
            "rows": rows,
            "bytes_per_row": float(str(size[0][0])),
            "rounds": rounds,
            "cores": os.cpu_count(),
            "load_at_end": os.getloadavg()[0],
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "ways": [{k: v for k, v in asdict(w).items() if k != "run"} for w in measured],
        }
    except OSError as e:
        logs = "\n".join(p.read_text(errors="replace")[-2000:] for p in registry.logs.glob("*"))
        raise SystemExit(f"a server is gone: {e}\n{logs}") from e
    finally:
        registry.stop_all()


def table(result: dict[str, object]) -> str:
    lines = [
        (
            f"{result['rows']:,} rows of {result['bytes_per_row']:.0f} bytes on both sides, medians of"
            f" {result['rounds']}, {result['cores']} cores, load {result['load_at_end']:.0f}"
        ),
        f"{'':26}{'equal':>9}{'x':>6}{'3 planted':>11}{'x':>6}{'server CPU':>12}{'x':>6}{'peak MB':>9}",
    ]
    every = result["ways"]
    assert isinstance(every, list)
    base = every[0]
    for way in every:
        cells = []
        for values, of in (
            (way["seconds"]["equal"], base["seconds"]["equal"]),
            (way["seconds"]["3 planted"], base["seconds"]["equal"]),
            (way["server_cpu"]["equal"], base["server_cpu"]["equal"]),
        ):
            mine = statistics.median(values)
            cells += [mine, mine / max(statistics.median(of), 0.01)]
        lines.append(
            f"{way['name']:26}{cells[0]:9.2f}{cells[1]:6.1f}{cells[2]:11.2f}"
            f"{cells[3]:6.1f}{cells[4]:12.2f}{cells[5]:6.1f}{way['peak_mb']:9.0f}"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser(prog="python -m bench.comparison", description=__doc__)
    p.add_argument("--rows", type=int, default=5_000_000)
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--reladiff", default="", help="the program, in a venv of its own")
    p.add_argument("--one", nargs=3, metavar=("WAY", "SOURCE", "TARGET"), help=argparse.SUPPRESS)
    args = p.parse_args(argv)
    if args.one:
        once(args.one[0], args.one[1:])
        return 0
    folder = Path(tempfile.mkdtemp(prefix="livemove-bench-"))
    try:
        result = run(args.rows, args.rounds, args.reladiff, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "comparison.json").write_text(json.dumps(result, indent=1) + "\n")
    print(table(result))
    return 0


if __name__ == "__main__":
    sys.exit(ended_once(main))
