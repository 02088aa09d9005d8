"""The owner over time as inline SVG: two lanes, and a gap where nobody might write.

A fence of milliseconds and a soak of days stand side by side, so widths grow with the logarithm of the time,
and the picture says so. The numbers in it are the rows of the table below; letters are decisions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from livemove.model.ledger import moment
from livemove.model.spec import Side
from livemove.reporting.render import render
from livemove.reporting.report_model import Interval
from livemove.reporting.summary import clock, span

LEFT, WIDTH, LANE, GAP, TOP = 132.0, 960.0, 44.0, 12.0, 34.0
NARROW, CLEAR = 34.0, 128.0
"""Width of the shortest interval, and room that a time needs below the lanes."""
PLACES = {Side.SOURCE: "Data centre", Side.TARGET: "AWS (RDS)"}
LANES = {Side.SOURCE: TOP, Side.TARGET: TOP + LANE + GAP}
FOOT = TOP + 2 * LANE + GAP


@dataclass(frozen=True)
class Bar:
    x: float
    width: float
    interval: Interval
    number: int

    @property
    def middle(self) -> float:
        return self.x + self.width / 2

    @property
    def words(self) -> str:
        """What there is room for in it, or below it."""
        i = self.interval
        if i.owner is None:
            return span(i.seconds) if self.width >= NARROW else ""
        if self.width > 130:
            return f"epoch {i.epoch}, {span(i.seconds)}"
        return span(i.seconds) if self.width > 52 else ""


@dataclass(frozen=True)
class Timeline:
    """`marks`: (letter, ISO time) of decisions."""

    intervals: Sequence[Interval]
    marks: Sequence[tuple[str, str]] = ()

    def html(self) -> str:
        bars = _bars(self.intervals)
        return render(
            "timeline.html",
            bars=bars,
            times=_times(bars),
            marks=_marks(bars, self.marks),
            text="; ".join(
                f"{b.number}: {b.interval.owner or 'nobody'} for {span(b.interval.seconds)} from"
                f" {clock(b.interval.since)}"
                for b in bars
            ),
            lanes=LANES,
            places=PLACES,
            left=LEFT,
            width=WIDTH,
            height=FOOT + (66 if self.marks else 44),
            lane=LANE,
            top=TOP,
            foot=FOOT,
        )


def _bars(intervals: Sequence[Interval]) -> list[Bar]:
    weights = [math.log10(1 + (i.seconds or 0)) if i.owner else 0.0 for i in intervals]
    room = max(0.0, WIDTH - LEFT - NARROW * len(intervals))
    total = sum(weights) or 1.0
    least = min(NARROW, (WIDTH - LEFT) / max(1, len(intervals)))
    found, x = [], LEFT
    for n, (interval, weight) in enumerate(zip(intervals, weights, strict=True), 1):
        width = least + room * weight / total
        found.append(Bar(x, width, interval, n))
        x += width
    return found


def _times(bars: Sequence[Bar]) -> list[tuple[float, str, str]]:
    """(x, text, anchor): the beginning of each owner's turn, where there is room for it, and the end."""
    found, free = [], 0.0
    last = bars[-1]
    end = last.x + last.width
    for b in bars:
        if b.interval.owner is None or b.x < free or b.x > end - 2 * CLEAR + 10 or not b.interval.since:
            continue
        found.append((b.x, _short(b.interval.since), ""))
        free = b.x + CLEAR
    if last.interval.until:
        found.append((end, _short(last.interval.until), "end"))
    return found


def _short(text: str) -> str:
    return clock(text).removesuffix(" UTC")[5:]


def _marks(bars: Sequence[Bar], marks: Sequence[tuple[str, str]]) -> list[tuple[float, str]]:
    """(x, letter), side by side where they would lie on each other."""
    found, free = [], 0.0
    for letter, at in marks:
        x = max(_place(bars, at), free)
        free = x + 15
        found.append((x, letter))
    return found


def _place(bars: Sequence[Bar], at: str) -> float:
    """Where in the picture a moment lies: straight between the ends of its interval."""
    for b in bars:
        i = b.interval
        if i.since and i.until and moment(i.since) <= moment(at) <= moment(i.until):
            part = (moment(at) - moment(i.since)).total_seconds() / (i.seconds or 1)
            return b.x + b.width * min(1.0, max(0.0, part))
    return bars[-1].x + bars[-1].width
