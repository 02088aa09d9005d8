"""The contract of rehearsals/<timestamp>/report.json, and when a rehearsal counts as green."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.rehearsal import result
from lab.rehearsal.result import Result
from lab.rehearsal.scenario import choose

CONTRACT = {
    "result",
    "chapters",
    "rows_copied",
    "tables_compared",
    "tables_equal",
    "write_pause_ms",
    "requests_ok",
    "requests_failed",
    "writes_acknowledged",
    "writes_lost",
    "writes_duplicated",
    "owner",
    "moves",
    "errors",
}


def clean(**changes: Any) -> Result:
    found = Result(
        rows_copied=300250,
        tables_compared=7,
        tables_equal=7,
        write_pause_ms=210,
        requests_ok=9000,
        requests_failed=0,
        writes_acknowledged=3000,
        writes_lost=0,
        writes_duplicated=0,
        owner="target",
        moves=[{"epoch": 2, "direction": "source_to_target", "write_pause_ms": 210}],
        chapters=[{"name": "preflight", "seconds": 4}],
    )
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def kept(found: Result, folder: Path) -> dict[str, Any]:
    result.keep(found, folder / "20261123-040000")
    return dict(json.loads((folder / "last" / "report.json").read_text()))


def test_a_rehearsal_that_never_began_has_every_key_and_nulls(tmp_path: Path) -> None:
    report = kept(Result(errors=["interrupted"]), tmp_path)
    assert set(report) >= CONTRACT
    assert report["result"] == "failed"
    empty = {k: report[k] for k in CONTRACT - {"result", "errors"}}
    assert empty == {k: [] if k in ("chapters", "moves") else None for k in empty}


def test_a_clean_rehearsal_keeps_integers(tmp_path: Path) -> None:
    found = clean()
    found.judge(choose())
    report = kept(found, tmp_path)
    assert (report["result"], report["errors"]) == ("moved", [])
    numbers = CONTRACT - {"result", "chapters", "owner", "moves", "errors"}
    assert {k: type(report[k]) for k in numbers} == dict.fromkeys(numbers, int)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"writes_lost": 1}, "writes lost: 1, wanted 0"),
        ({"writes_duplicated": 2}, "writes duplicated: 2, wanted 0"),
        ({"writes_lost": None}, "writes lost: None, wanted 0"),
        ({"owner": "source"}, "the owner of the writes: source, wanted target"),
        ({"owner": None}, "the owner of the writes: None"),
        ({"tables_equal": 6}, "tables equal: 6, wanted 7"),
        ({"writes_acknowledged": 0}, "the audit proves nothing"),
        ({"replication_leftovers": ["task shop-e2"]}, "left of DMS: task shop-e2"),
        ({"plan_clean": False}, "plan after apply still has changes"),
    ],
)
def test_whatever_is_not_as_asked_makes_it_fail_and_is_said(changes: dict[str, Any], words: str) -> None:
    found = clean(**changes)
    found.judge(choose())
    assert found.result == "failed"
    assert words in "\n".join(found.errors)


GONE = {"seconds_to_service": 31.2, "missing": 4, "missing_outside": 0, "bound_seconds": 3.1}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"missing_outside": 1}, "outside of the stated bound: 1, wanted 0"),
        ({"seconds_to_service": None}, "no write was acknowledged by the target"),
    ],
)
def test_an_emergency_may_lose_what_it_said_and_no_more(changes: dict[str, Any], words: str) -> None:
    found = clean(
        writes_lost=4,
        promotion={**GONE, **changes},
        stands={"address": "target", "ttl": "old", "source": "none"},
    )
    found.judge(choose(story="promote"))
    assert (found.result, words in "\n".join(found.errors)) == ("failed" if words else "moved", True)
    assert "missing 4 acknowledged writes" in found.summary()
    found = clean(writes_lost=4, promotion=GONE)
    found.judge(choose())
    assert found.result == "failed", "no other story may lose a write"


def test_what_a_rollback_leaves_behind_is_judged() -> None:
    left = {"source": "none", "target": "none", "replication": [], "ttl": "old", "address": "source"}
    for stands, right in (
        (left, True),
        ({**left, "replication": ["e1 stopped"]}, False),
        ({**left, "ttl": "short"}, False),
    ):
        found = clean(owner="source", stands=stands)
        found.judge(choose("replicate"))
        assert (found.result == "rolled_back") is right, found.errors


def test_summary_says_the_audit_in_the_agreed_words() -> None:
    assert "acknowledged writes 3000, lost 0, duplicated 0" in clean().summary()
    assert "acknowledged writes ?, lost ?, duplicated ?" in Result().summary()


def test_last_points_at_the_newest_report(tmp_path: Path) -> None:
    result.keep(clean(), tmp_path / "20261123-040000")
    result.keep(clean(owner="source"), tmp_path / "20261123-050000")
    assert json.loads((tmp_path / "last" / "report.json").read_text())["owner"] == "source"
    assert "3,000" in (tmp_path / "last" / "report.html").read_text()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
