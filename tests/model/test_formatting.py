"""Times and numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from livemove.model.formatting import (
    duration,
    gigabytes,
    hours,
    milliseconds,
    percent,
    short_duration,
    utc,
    utc_millisecond,
    utc_minute,
    utc_time_of_day,
)

SEOUL = datetime(2026, 11, 24, 3, 30, 5, 125_999, tzinfo=timezone(timedelta(hours=9)))


@pytest.mark.parametrize("at", [SEOUL, SEOUL.isoformat(), "2026-11-23T18:30:05.125999"])
def test_times_are_told_in_utc(at: datetime | str) -> None:
    assert utc(at) == "2026-11-23 18:30:05 UTC"
    assert utc_minute(at) == "2026-11-23 18:30 UTC"
    assert utc_millisecond(at) == "2026-11-23 18:30:05.125"
    assert utc_time_of_day(at) == "18:30:05 UTC"


def test_a_time_without_a_zone_is_utc_wherever_this_runs() -> None:
    assert utc(datetime(2026, 11, 23, 18, 30)) == utc(datetime(2026, 11, 23, 18, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("seconds", "text"), [(45, "45 s"), (720, "12 min"), (11_100, "3 h 05 min"), (187_200, "2 d 4 h")]
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.9321, "932 ms"), (4.9, "4,900 ms"), (6.74, "6.7 s"), (10, "10 s"), (720, "12 min")],
)
def test_short_durations_keep_their_milliseconds(seconds: float, text: str) -> None:
    assert short_duration(seconds) == text


def test_amounts() -> None:
    assert milliseconds(0.0125) == "12 ms"
    assert hours(604_800) == "168 h"
    assert gigabytes(5 * 2**28) == "1.25 GB"
    assert (percent(0.0249), percent(0.00125, 2)) == ("2.5%", "0.12%")
