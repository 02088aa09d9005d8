from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.model.spec import Window
from livemove.model.window import closed, is_open, next_opening

NIGHT = Window(opens=time(3), closes=time(5), timezone="Asia/Seoul")
OVER_MIDNIGHT = Window(opens=time(23), closes=time(2), timezone="Asia/Seoul")
BERLIN = Window(opens=time(2, 30), closes=time(4), timezone="Europe/Berlin")


def seoul(text: str) -> datetime:
    return datetime.fromisoformat(text + "+09:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("window", "at", "open_"),
    [
        (NIGHT, "2026-11-23T02:59:59", False),
        (NIGHT, "2026-11-23T03:00:00", True),
        (NIGHT, "2026-11-23T04:59:59", True),
        (NIGHT, "2026-11-23T05:00:00", False),
        (OVER_MIDNIGHT, "2026-11-23T22:59:59", False),
        (OVER_MIDNIGHT, "2026-11-23T23:30:00", True),
        (OVER_MIDNIGHT, "2026-11-24T01:59:59", True),
        (OVER_MIDNIGHT, "2026-11-24T02:00:00", False),
    ],
)
def test_a_window_holds_its_opening_and_not_its_closing(window: Window, at: str, open_: bool) -> None:
    assert is_open(window, seoul(at)) is open_


def test_the_same_time_twice_is_open_all_day() -> None:
    window = Window(opens=time(7), closes=time(7))
    assert is_open(window, seoul("2026-11-23T06:59:59"))
    assert closed(window, seoul("2026-11-23T06:59:59")) is None


def test_after_the_window_the_next_one_is_tomorrow() -> None:
    assert next_opening(NIGHT, seoul("2026-11-23T05:00:00")) == seoul("2026-11-24T03:00:00")
    assert next_opening(NIGHT, seoul("2026-11-23T00:10:00")) == seoul("2026-11-23T03:00:00")
    assert next_opening(OVER_MIDNIGHT, seoul("2026-11-24T02:00:00")) == seoul("2026-11-24T23:00:00")


def test_an_opening_that_daylight_saving_swallows_comes_at_once_after_the_jump() -> None:
    before = datetime(2027, 3, 28, 0, 59, tzinfo=UTC)  # 01:59 in Berlin; at 02:00 the clock shows 03:00
    opening = next_opening(BERLIN, before)
    assert is_open(BERLIN, opening)
    assert opening - before < timedelta(hours=1)


def test_the_reason_says_when_it_opens_in_local_time_and_how_long_that_is() -> None:
    reason = closed(NIGHT, seoul("2026-11-23T22:00:00"))
    assert (
        reason == "The window 03:00 to 05:00 Asia/Seoul is closed; it opens 2026-11-24 03:00, in 5 h 00 min"
    )


def test_an_excepted_day_has_no_opening_and_the_night_after_belongs_to_the_day_before() -> None:
    night = OVER_MIDNIGHT.model_copy(update={"closed_on": (date(2026, 12, 24),)})
    assert is_open(night, seoul("2026-12-24T01:00:00"))
    assert not is_open(night, seoul("2026-12-24T23:30:00"))
    assert not is_open(night, seoul("2026-12-25T01:30:00"))
    assert next_opening(night, seoul("2026-12-24T23:30:00")) == seoul("2026-12-25T23:00:00")
    assert "(2026-12-24 is excepted)" in (closed(night, seoul("2026-12-24T23:30:00")) or "")


def test_open_all_day_but_not_on_an_excepted_one() -> None:
    always = Window(opens=time(0), closes=time(0), closed_on=(date(2026, 12, 24), date(2026, 12, 25)))
    assert not is_open(always, seoul("2026-12-24T12:00:00"))
    assert next_opening(always, seoul("2026-12-24T12:00:00")) == seoul("2026-12-26T00:00:00")


times = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@given(
    times,
    times,
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)),
    st.sampled_from(["Asia/Seoul", "Europe/Berlin", "America/New_York"]),
)
def test_the_next_opening_is_open_and_within_a_day_and_a_jump(
    opens: time, closes: time, at: datetime, timezone: str
) -> None:
    window, now = Window(opens=opens, closes=closes, timezone=timezone), at.replace(tzinfo=UTC)
    opening = next_opening(window, now)
    assert now <= opening <= now + timedelta(hours=25)
    short = (datetime.combine(at, closes) - datetime.combine(at, opens)) % timedelta(days=1)
    # a window shorter than the jump can fall into it whole
    assert is_open(window, opening) or short <= timedelta(hours=1)
