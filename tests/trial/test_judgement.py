"""What the trial's numbers mean."""

from __future__ import annotations

import pytest

from livemove.model.errors import ReplicationError
from livemove.model.ledger import TrialPart
from livemove.model.ports import Severity
from livemove.trial import judgement

MEASURED = {
    "round_trip_source": 9,
    "round_trip_target": 12,
    "apply_there": 800,
    "probe": 40,
    "delivery": 900,
}


def test_the_pause_is_reckoned_as_before_the_switchover() -> None:
    pause = judgement.expected_pause(MEASURED, budget=5, at="2026-11-30T00:00:00+00:00")
    assert pause
    # the slower of both round trips, the slowest change, an armed server: no delivery
    assert pause.ms == judgement.pause_ms(800, 12, 40) == 2 * 800 + 150 + 42 * 12 + 2 * 40
    assert judgement.of_pause(pause).severity is Severity.OK


def test_a_pause_over_the_budget_is_a_warning_before_the_night() -> None:
    pause = judgement.expected_pause(MEASURED, budget=2, at="2026-11-30T00:00:00+00:00")
    assert pause
    assert judgement.of_pause(pause).severity is Severity.WARNING


@pytest.mark.parametrize("gone", ["round_trip_source", "round_trip_target", "apply_there"])
def test_no_pause_is_told_without_what_it_is_made_of(gone: str) -> None:
    measured = {k: v for k, v in MEASURED.items() if k != gone}
    assert judgement.expected_pause(measured, budget=5, at="2026-11-30") is None


def test_moments_that_stay_are_ok_and_those_that_move_are_told_by_how_they_came() -> None:
    assert judgement.of_moments({"load": 0.0, "change": 0.0}).severity is Severity.OK
    found = judgement.of_moments({"load": 0.0, "change": -32400.0})
    assert found.severity is Severity.ERROR
    assert "change by -32400 s" in found.measured
    assert "load" not in found.measured


def test_a_part_that_was_not_tried_is_missing() -> None:
    parts = [TrialPart(part=p, at="2026-11-30") for p in ("databases", "record", "judge")]
    assert judgement.missing(parts) == ["replication", "servers"]


def test_a_failure_is_a_finding_in_the_words_of_whoever_refused() -> None:
    found = judgement.failed("replication", ReplicationError("DMS said 1048", next_step="look"))
    assert (found.severity, found.measured, found.remedy) == (Severity.ERROR, "DMS said 1048", "look")
    assert judgement.wrong([found, judgement.of_lone_lobs(True)]) == [found]


def test_every_line_of_a_finding_that_is_not_ok_says_what_to_do() -> None:
    found = judgement.of_rows("there", 6, ["livemove_trial.word differs"])
    text = judgement.lines([found, judgement.of_lone_lobs(False)], {"load": 61_000, "unknown": 1})
    assert "Wanted: equal rows" in text[0]
    assert "Wanted" not in text[1]
    assert text[2:] == ["   61,000 ms  the full load of the scratch tables"]
