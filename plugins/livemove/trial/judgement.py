"""What the trial's numbers and rows mean: findings, and the write pause to expect. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from livemove.model.errors import LivemoveError
from livemove.model.ledger import ExpectedPause, TrialPart
from livemove.model.ledger import Finding as Kept
from livemove.model.ports import Finding, Severity
from livemove.preflight.result import error, ok, warning
from livemove.switchover.guards import pause_ms

PARTS = ("databases", "replication", "servers", "record")
MEASURED = {
    "round_trip_source": "a round trip to the source database",
    "round_trip_target": "a round trip to the target database",
    "event_source": "an event's first tick on the source",
    "event_target": "an event's first tick on the target",
    "end_session_source": "ending a session on the source",
    "end_session_target": "ending a session on the target",
    "make_there": "making endpoints and task, both connections tested",
    "start_there": "starting a task for the first time",
    "load": "the full load of the scratch tables",
    "cached": "applying the cached changes, with the start before it",
    "apply_there": "a change from source to target, the slowest of ten",
    "stop": "stopping a task",
    "resume": "resuming a task, until a change arrives",
    "make_back": "making endpoints and task of the way back",
    "start_back": "starting at a binlog position, until a change arrives",
    "apply_back": "a change from target to source, the slowest of ten",
    "delivery": "delivering a command to a server, the slowest",
    "probe": "a probe on a server, the slowest",
    "repoint": "a whole repoint of a server, the slowest",
    "in_sync": "a record until Route 53 says INSYNC",
    "served": "a record until every name server answers it",
}
"""What is measured, in milliseconds: name -> as a person says it."""


def failed(part: str, error_: LivemoveError) -> Finding:
    """A part that could not be done: the words of whoever refused."""
    return error(f"trial.{part}", error_.found, error_.wanted or "as on the night", error_.next_step)


def of_moments(shifts: Mapping[str, float]) -> Finding:
    """`shifts`: seconds by which TIMESTAMP values arrived late, by how they came (load, change)."""
    off = {how: seconds for how, seconds in shifts.items() if seconds}
    if not off:
        return ok("trial.timestamp", "TIMESTAMP values arrive at the same moment, loaded and changed ones")
    listed = ", ".join(f"{how} by {seconds:+.0f} s" for how, seconds in sorted(off.items()))
    return error(
        "trial.timestamp",
        f"DMS moves TIMESTAMP values: {listed}",
        "the same moment on both sides",
        "the source's time zone is not what DMS takes it for: set serverTimezone among the extra connection"
        " attributes of the endpoint by hand, or let the source run in UTC; then clear the trial",
    )


def of_lone_lobs(arrived: bool) -> Finding:
    """Whether a change of nothing but a LOB comes by itself; livemove copies those that do not."""
    return ok(
        "trial.lone_lob",
        "a change of nothing but a LOB arrives by itself"
        if arrived
        else "DMS leaves out a change of nothing but a LOB; the comparison and the final check copy those",
    )


def of_rows(way: str, tables: int, unequal: Sequence[str]) -> Finding:
    """`unequal`: texts of the tables that differ after replication."""
    if not unequal:
        after = "load, changes, stop and resume" if way == "there" else "changes from a binlog position on"
        return ok(f"trial.rows_{way}", f"{tables} scratch tables are equal after {after}")
    return error(
        f"trial.rows_{way}",
        "; ".join(unequal),
        "equal rows",
        "DMS does not bring these values as they are: keep the recorded answers, and do not replicate with it"
        " before the cause is known",
    )


def of_helpers(way: str, made: Sequence[str]) -> Finding:
    return ok(
        f"trial.lob_not_null_{way}",
        f"LOB columns that are NOT NULL are followed with {len(made)} helpers of livemove",
    )


def of_pause(pause: ExpectedPause) -> Finding:
    shown = f"the write pause to expect is about {pause.ms} ms"
    if pause.budget_ms is None or pause.ms <= pause.budget_ms:
        return ok("trial.pause", shown, f"the budget, {pause.budget_ms} ms")
    return warning(
        "trial.pause",
        shown,
        f"the budget, {pause.budget_ms} ms: the switchover would refuse",
        "see which number of the trial is large; raise switchover.pause_budget only if users can bear it",
    )


def expected_pause(measured: Mapping[str, int], *, budget: float, at: str) -> ExpectedPause | None:
    """By what the trial measured; None when it lacks something. `budget` in seconds."""
    trips = [measured[k] for k in ("round_trip_source", "round_trip_target") if k in measured]
    if len(trips) < 2 or "apply_there" not in measured:
        return None
    database, probe = max(trips), measured.get("probe", 0)
    return ExpectedPause(
        ms=pause_ms(measured["apply_there"], database, probe),
        watermark_ms=[measured["apply_there"]],
        database_ms=database,
        servers_ms=measured.get("delivery"),
        probe_ms=probe,
        budget_ms=round(budget * 1000),
        measured_at=at,
    )


def missing(parts: Iterable[TrialPart]) -> list[str]:
    """Parts that were not tried, or not to their end."""
    there = {p.part for p in parts}
    return [p for p in PARTS if p not in there]


def wrong(findings: Iterable[Finding]) -> list[Finding]:
    return [f for f in findings if f.severity is Severity.ERROR]


def lines(findings: Iterable[Finding | Kept], measured: Mapping[str, int]) -> list[str]:
    """For a log or a terminal: every finding, then every number."""
    out = [
        f"{f.severity:7} {f.check}: {f.measured}"
        + (f". Wanted: {f.limit}. Next: {f.remedy}" if f.severity != Severity.OK else "")
        for f in findings
    ]
    return out + [f"{measured[k]:>9,} ms  {text}" for k, text in MEASURED.items() if k in measured]
