"""A migration as the ledger keeps it, at several of its moments, as the real writers write it. No servers.

task_runs.csv: which task ran until each moment; times are minutes after `BEGAN`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from livemove.model.ports import Json
from livemove.model.spec import MigrationSpec, load_spec, project_root

BEGAN = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
RUN = "manual__2026-11-23T17:00:00+00:00"
TABLES = ("agents", "favourites", "listings", "offices", "orders", "photos", "users", "visits")
MOMENTS = ("nothing", "load", "asked", "dual", "moved", "soaked", "back")
TASK_RUNS = list(csv.DictReader((Path(__file__).parent / "task_runs.csv").read_text().splitlines()))
SPEC: MigrationSpec = load_spec(project_root() / "include" / "migrations" / "shop.yaml")
BODY = """**Proceed** takes a snapshot, then moves all web servers of both sites to RDS in one switchover.

**Owner now:** the data centre's database (source).

### Comparison: 2 of 2 tables are equal on both sides (target against source)
| table | rows source | equal |
| --- | --- | --- |
| shop.a\\|b | 12 | yes |
| shop.<script>alert(1)</script> | 5 | yes |

### Good to know
- Nobody answers within 1 h: nothing is changed.
- What is shown here has the checksum `0123456789abcdef`."""


def at(minutes: float) -> str:
    return (BEGAN + timedelta(minutes=minutes)).isoformat()


def stamp(minutes: float) -> float:
    return (BEGAN + timedelta(minutes=minutes)).timestamp()


def night(moment: str) -> tuple[dict[str, Json], list[Json]]:
    """(documents, events) at one of MOMENTS; each contains what came before it."""
    documents: dict[str, Json] = {}
    events: list[Json] = []
    for name in MOMENTS[: MOMENTS.index(moment) + 1]:
        {
            "load": _load,
            "asked": _asked,
            "dual": _dual,
            "moved": _moved,
            "soaked": _soaked,
            "back": _back,
        }.get(name, lambda d, e: None)(documents, events)
        for row in TASK_RUNS:
            if row["moment"] == name:
                ran(documents, row["task"], float(row["began"]), float(row["ended"]))
    return documents, events


def ran(documents: dict[str, Json], task: str, began: float, ended: float, state: str = "success") -> None:
    span = {"began": at(began), "ended": at(ended), "state": state, "dag_id": "migrate_shop", "run_id": RUN}
    kept = documents.setdefault(f"ran/{task}", {"spans": []})
    documents[f"ran/{task}"] = {"spans": [*kept["spans"], span]}


def note(events: list[Json], minutes: float, event: str, task: str, **facts: object) -> None:
    events.append({"event": event, "time": at(minutes), "run_id": RUN, "task_id": task, **facts})


def asks(documents: dict[str, Json], events: list[Json], minutes: float, gate: str) -> None:
    question = f"questions/{gate}/{minutes}"
    documents[question] = {"subject": gate, "body": BODY}
    note(
        events,
        minutes,
        "gate_asked",
        f"{gate}.ask",
        gate=gate,
        sha256="0123456789abcdef" * 4,
        question=question,
    )


def answers(documents: dict[str, Json], events: list[Json], minutes: float, gate: str, option: str) -> None:
    asked = next(e for e in reversed(events) if e["event"] == "gate_asked")
    note(
        events,
        minutes,
        "gate_answered",
        f"{gate}.ask",
        gate=gate,
        option=option,
        by="hana.kim",
        at=at(minutes),
        question=asked["question"],
        sha256=asked["sha256"],
    )
    ran(documents, f"{gate}.ask", minutes - 4, minutes)


def _load(documents: dict[str, Json], events: list[Json]) -> None:
    documents["findings"] = {
        "counts": {"ok": 2, "warning": 1, "error": 0},
        "findings": [
            {
                "check": "durability",
                "severity": "ok",
                "measured": "sync_binlog=1",
                "limit": "1",
                "remedy": "",
                "subject": "source",
                "restart": False,
            },
            {
                "check": "version",
                "severity": "ok",
                "measured": "10.11.14",
                "limit": "10.5",
                "remedy": "",
                "subject": "",
                "restart": False,
            },
            {
                "check": "keys",
                "severity": "warning",
                "measured": "no primary key",
                "limit": "a primary key",
                "remedy": "add one; until then the table is compared as a whole",
                "subject": "shop.visits",
                "restart": False,
            },
        ],
    }
    note(events, 4.6, "ttl_lowered", "replicate.lower_ttl", was=300, ttl=5, at=at(4.6))
    documents["trail/loading"] = {
        "rows": 312_400,
        "percent": 62,
        "tables_done": 5,
        "tables_total": 8,
        "rate": 41_250.0,
        "seconds_left": 5.2,
        "at": stamp(5.3),
        "tables": [
            {
                "table": f"shop.{name}",
                "state": "Table completed" if n < 5 else "Full load",
                "rows": 40_000 + n,
                "of": 45_000,
            }
            for n, name in enumerate(TABLES)
        ],
        "points": [{"t": stamp(5 + n / 30), "rows": 31_240 * n} for n in range(11)],
    }
    _traffic(documents, 5, 5.3, lambda m: (31.0, 0.0))


def _asked(documents: dict[str, Json], events: list[Json]) -> None:
    documents["trail/loading"]["percent"] = 100
    documents["full_load"] = {
        "rows": 520_490,
        "seconds": 14.2,
        "tables": [{"table": f"shop.{n}", "rows": 65_061} for n in TABLES],
    }
    for n, name in enumerate(TABLES):
        documents[f"comparison/1/shop.{name}"] = {
            "equal": True,
            "rows_source": 65_061,
            "rows_target": 65_061,
            "seconds": 1.4,
            "checked_at": at(7 + n / 10),
            "note": "",
            "epoch": 1,
            "owner": "source",
        }
    documents["trail/delay"] = {"points": [{"t": stamp(6.4 + n / 50), "ms": 38 + 9 * n} for n in range(3)]}
    _traffic(documents, 5, 9, lambda m: (31.0, 0.0))
    asks(documents, events, 9, "switch_dns")


def _dual(documents: dict[str, Json], events: list[Json]) -> None:
    answers(documents, events, 13, "switch_dns", "Proceed")
    old, new = "127.1.1.10", "127.1.3.10"
    note(
        events,
        13.1,
        "record_changed",
        "switch_dns.change_record",
        name="www.shop.test",
        before=[{"ttl": 5, "values": [old]}],
        after=[{"ttl": 5, "values": [new], "weight": None}],
    )
    documents["propagation"] = {
        "expected": "target",
        "wanted": [new],
        "rows": [_server(f"127.1.5.{n}", new, authority=True, flipped=13.15) for n in (1, 2)]
        + [_server(f"127.1.6.{n}", new, flipped=13.2 + n / 60) for n in (1, 2)]
        + [
            _server("127.1.6.3", old, until=13.6),
            {**_server("127.1.6.4", old, until=14.4), "stretches": True},
            {
                **_server("1.1.1.1", "", until=None),
                "error": "no answer in 2 s",
                "advisory": True,
                "heard": False,
            },
        ],
    }
    documents["drain"] = {
        "message": "old site (source): 40 of 160 requests",
        "share": 0.25,
        "rates": {},
        "done": False,
    }
    _traffic(
        documents, 5, 13.5, lambda m: (31.0, 0.0) if m < 13.1 else (31 - 60 * (m - 13.1), 60 * (m - 13.1))
    )


def _server(
    name: str,
    answer: str,
    *,
    authority: bool = False,
    flipped: float | None = None,
    until: float | None = None,
) -> Json:
    return {
        "server": name,
        "authority": authority,
        "answer": answer,
        "ttl": 5,
        "since": at(13),
        "flipped_at": None if flipped is None else at(flipped),
        "until": None if until is None else at(until),
        "stretches": False,
        "error": "",
        "advisory": False,
        "heard": True,
    }


def move(epoch: int, to: str, minutes: float) -> Json:
    names = [
        "guards",
        "arm_servers",
        "arm",
        "fence",
        "drain",
        "prove",
        "commit",
        "claim",
        "prepare",
        "open",
        "repoint",
        "release",
    ]
    took = (1450, 1210, 9, 41, 122, 96, 12, 28, 61, 33, 205, 88)
    steps = [
        {"step": n, "name": name, "ms": ms, "seen": f"what {name} saw"}
        for n, (name, ms) in enumerate(zip(names, took, strict=True))
    ]
    return {
        "epoch": epoch,
        "from": "source" if to == "target" else "target",
        "to": to,
        "attempt": "1-abc",
        "started_at": at(minutes),
        "steps": steps,
        "drained": "bin.000003:4711",
        "position": "mysql-bin-changelog.000007:815",
        "servers_left_behind": [],
        "fenced_ms": 402,
        "result": "moved",
    }


def attempt(
    events: list[Json],
    minutes: float,
    epoch: int,
    to: str,
    *,
    result: str = "moved",
    ended: float | None = None,
) -> None:
    """What the events tell of one attempt to move the writes; `ended` None: it died without a word."""
    task = "switchover.switch_over" if to == "target" else "rollback.writes"
    who = {
        "epoch": epoch,
        "from": "source" if to == "target" else "target",
        "to": to,
        "attempt": f"1-{epoch}",
    }
    note(events, minutes, "switchover_began", task, **who)
    if ended is None:
        return
    came = {"refused": 1, "aborted": 2, "unknown": 2, "incomplete": 3}.get(result, 4)
    times = dict(
        zip(
            ("started_at", "fenced_at", "committed_at", "opened_at"),
            (minutes, minutes + 0.05, minutes + 0.054, minutes + 0.057),
            strict=True,
        )
    )
    note(
        events,
        ended,
        "switchover",
        task,
        **who,
        **{k: at(m) for k, m in list(times.items())[:came]},
        result=result,
        reason="RDS did not open" if result != "moved" else "",
    )


def _moved(documents: dict[str, Json], events: list[Json]) -> None:
    for row in documents["propagation"]["rows"][4:6]:
        row |= {"flipped_at": at(14.5), "answer": "127.1.3.10", "until": None}
    documents["drain"] = {
        "message": "old site (source): 0 of 180 requests",
        "share": 0.0,
        "rates": {},
        "done": True,
    }
    documents["expected_pause"] = {"ms": 810, "not_armed": {}}
    asks(documents, events, 16, "switchover")
    answers(documents, events, 20, "switchover", "Proceed")
    documents["switchover/2"] = move(2, "target", 20.6)
    documents["switchover/plan"] = {"epoch": 2, "steps": []}
    attempt(events, 20.6, 2, "target", ended=20.7)
    _traffic(documents, 5, 20.9, _shifted)


def _soaked(documents: dict[str, Json], events: list[Json]) -> None:
    documents["way_back"] = {
        "epoch": 2,
        "reads": "target",
        "writes": "source",
        "task": "shop-e2-target-to-source",
        "state": "running",
        "words": "",
        "lag_ms": 44,
        "current_at": at(22),
        "keeps_seconds": 604_800,
        "until": at(22 + 7 * 24 * 60),
        "needs": "x",
        "losses": [],
        "checked_at": at(22),
        "message": (
            "Reverse replication runs, 44 ms behind. A rollback loses nothing until 2026-11-30 17:22 UTC if"
            " reverse replication stops now; while it runs, until you approve Retire"
        ),
    }
    documents["soak"] = {"epoch": 2, "counted": 61.0, "at": at(22), "current": True}
    documents["trail/delay"]["points"] += [{"t": stamp(21.2 + n / 5), "ms": 41 + n} for n in range(5)]
    asks(documents, events, 22.3, "retire")


def _back(documents: dict[str, Json], events: list[Json]) -> None:
    answers(documents, events, 26.3, "retire", "Roll back")
    note(events, 26.4, "rollback_begun", "rollback.begin", gate="retire", by="hana.kim", owner="target")
    documents["switchover/3"] = {**move(3, "source", 26.6), "fenced_ms": 377}
    attempt(events, 26.6, 3, "source", ended=26.7)
    note(
        events,
        26.8,
        "rollback_writes",
        "rollback.writes",
        owner="source",
        epoch=3,
        message="the source is the owner since epoch 3",
    )
    note(events, 26.9, "record_rolled_back", "rollback.name", after=[], before=[])
    rows = documents["propagation"]["rows"]
    documents["propagation"] = {
        "expected": "source",
        "wanted": ["127.1.1.10"],
        "rows": [
            {**r, "flipped_at": at(27.4), "answer": "127.1.1.10", "until": None, "error": ""} for r in rows
        ],
    }
    _traffic(documents, 5, 27.8, lambda m: _shifted(m if m <= 27 else 0.0))


def _shifted(minutes: float) -> tuple[float, float]:
    """Requests a second of source and target: they go over in half a minute after the record's change."""
    over = min(31.0, max(0.0, 60 * (minutes - 13.1)))
    return 31.0 - over, over


def _traffic(
    documents: dict[str, Json],
    begin: float,
    end: float,
    rates: Callable[[float], tuple[float, float]],
) -> None:
    """A point every five seconds; the questions leave gaps, in which nobody looks."""
    points: list[Json] = []
    steps = int((end - begin) * 12)
    for n in range(1, steps + 1):
        m = begin + n / 12
        if any(a < m < b - 0.1 for a, b in ((9.1, 13), (22.4, 26.3))):
            continue
        source, target = rates(m)
        wave = 1 + ((n * 7919) % 13 - 6) / 60
        points.append(
            {
                "t": stamp(m),
                "s": round(stamp(m) - (points[-1]["t"] if points else stamp(begin)), 3),
                "behind": 0.3 + (n * 31 % 7) / 10 if m > 6 else None,
            }
        )
        span = points[-1]["s"]
        points[-1] |= {
            "source": _counts(source * wave * span, 0.011),
            "target": _counts(target * wave * span, 0.008) if m > 8 else None,
        }
    documents["trail/traffic"] = {"at": stamp(end), "counts": {}, "points": points}


def _counts(count: float, ms: float) -> Json:
    requests = round(max(0.0, count))
    return {"requests": requests, "errors": 0, "seconds": round(requests * ms, 4)}
