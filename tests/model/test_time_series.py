"""Series stay small and lose nothing: counts are added up, the worst delay is kept."""

from __future__ import annotations

from operator import itemgetter

from hypothesis import given
from hypothesis import strategies as st

from livemove.model import time_series as trail
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.model.time_series import recent
from tests.doubles.memory import MemoryLedger

SITES = {"old": Side.SOURCE, "new": Side.TARGET}


def counted(requests: int, errors: int | None = 0, seconds: float | None = 0.0) -> dict[str, float | None]:
    return {"requests": requests, "errors": errors, "seconds": seconds}


def after(*looks: tuple[float, dict[str, dict[str, float | None]]]) -> Json:
    document: Json | None = None
    for at, counts in looks:
        document = trail.traffic(document, at, counts, SITES, None)
    assert document is not None
    return document


def test_a_long_night_fits_and_no_request_is_forgotten() -> None:
    document = after(*((5.0 * n, {"old": counted(3 * n, n // 10)}) for n in range(2001)))
    points = document["points"]
    assert 200 <= len(points) <= trail.MOST
    assert sum(p["source"]["requests"] for p in points) == 6000
    assert sum(p["source"]["errors"] for p in points) == 200
    assert sum(p["s"] for p in points) == 10_000
    assert [p["t"] for p in points] == sorted(p["t"] for p in points)
    assert points[-1]["s"] == 5.0, "the newest are exact"


def test_a_counter_that_begins_again_counts_from_zero() -> None:
    document = after((0, {"old": counted(100)}), (5, {"old": counted(7)}))
    assert document["points"][0]["source"]["requests"] == 7


def test_a_server_that_was_silent_is_counted_when_it_answers_again() -> None:
    document = after(
        (0, {"old": counted(10), "new": counted(0)}),
        (5, {"new": counted(5)}),
        (10, {"old": counted(30), "new": counted(9)}),
    )
    silent, again = document["points"]
    assert silent["source"] is None
    assert silent["target"]["requests"] == 5
    assert again["source"]["requests"] == 20


def test_what_a_server_does_not_tell_is_not_zero() -> None:
    document = after((0, {"old": counted(10, None, None)}), (5, {"old": counted(20, None, None)}))
    assert document["points"][0]["source"] == {"requests": 10, "errors": None, "seconds": None}


def test_the_worst_delay_of_a_full_series_is_kept() -> None:
    ledger = MemoryLedger()
    for n in range(1000):
        trail.add_delay(ledger, float(n), 9.0 if n == 100 else 0.05)
    points = ledger.kept[trail.DELAY]["points"]
    assert len(points) <= trail.MOST
    assert max(p["ms"] for p in points) == 9000


def test_a_load_that_begins_anew_begins_a_new_line() -> None:
    first = trail.loading(None, 1.0, {"rows": 500, "percent": 50}, [])
    assert len(trail.loading(first, 2.0, {"rows": 600, "percent": 60}, [])["points"]) == 2
    assert trail.loading(first, 2.0, {"rows": 10, "percent": 1}, [])["points"] == [{"t": 2.0, "rows": 10}]


@given(st.lists(st.floats(0.5, 30), min_size=1, max_size=60), st.floats(1, 100))
def test_recent_points_span_the_window_and_little_more(gaps: list[float], seconds: float) -> None:
    samples: list[tuple[float, str]] = []
    t = 0.0
    for gap in gaps:
        t += gap
        samples = recent([*samples, (t, "")], seconds, itemgetter(0))
    span = samples[-1][0] - samples[0][0]
    assert span >= min(seconds, t - gaps[0]) - 1e-6
    assert len(samples) < 3 or samples[-1][0] - samples[1][0] < seconds + 1e-6


def test_the_point_before_the_window_is_kept() -> None:
    assert recent(range(0, 50, 5), 12, float) == [30, 35, 40, 45]
    assert recent([0, 100], 12, float) == [0, 100]
    assert recent([], 12, float) == []
