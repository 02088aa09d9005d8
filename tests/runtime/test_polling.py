"""What a wait logs: each new situation at once, numbers from time to time, and never nothing for ever."""

from __future__ import annotations

from livemove.runtime.polling import EVERY, NEWS, STILL, LogThrottle


def said(looks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    voice = LogThrottle()
    return [(at, line) for at, text in looks if (line := voice.line(text, at))]


def test_numbers_alone_are_told_once_an_interval() -> None:
    told = said(
        [
            (n * 2.0, f"full load {n} %: {n * 1000:,} rows, {n + 0.5} rows/s, about 0:{n:02} left")
            for n in range(60)
        ]
    )
    assert [at for at, _ in told] == [0.0, EVERY, 2 * EVERY, 3 * EVERY]


def test_a_new_situation_is_told_at_once_and_an_old_one_not_again() -> None:
    told = said(
        [(0, "waiting for a, b"), (1, "waiting for b"), (2, "waiting for a, b"), (3, "waiting for b")]
    )
    assert [line for _, line in told] == ["waiting for a, b", "waiting for b"]


def test_a_thousand_new_situations_do_not_fill_the_log() -> None:
    names = [chr(97 + n % 26) + chr(97 + n // 26) for n in range(600)]
    told = said([(float(n), f"waiting for {name}") for n, name in enumerate(names)])
    assert NEWS < len(told) <= NEWS + 600 / EVERY


def test_what_stays_as_it_is_is_told_again_after_a_while() -> None:
    told = said([(n * 60.0, "the window is closed until 03:00") for n in range(31)])
    assert [at for at, _ in told] == [0.0, STILL, 2 * STILL]
    assert told[1][1] == "still: the window is closed until 03:00"


def test_the_end_is_always_told() -> None:
    voice = LogThrottle()
    assert voice.line("1 row", 0) == "1 row"
    assert voice.line("2 rows", 1) is not None  # another word, another situation
    assert voice.line("3 rows", 2) is None
    assert voice.line("4 rows", 3, done=True) == "4 rows"
