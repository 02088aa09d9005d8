"""The picture of who owned the writes: two lanes, a gap where nobody might write. Inline SVG, no script.

A fence of milliseconds and a soak of days stand side by side, so widths grow with the logarithm of the time,
and the
picture says so. The numbers in it are the rows of the table below; letters are decisions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from livemove.model.ledger import moment
from livemove.model.spec import Side
from livemove.reporting.report_model import Interval
from livemove.reporting.summary import clock, span

LEFT, WIDTH, LANE, GAP, TOP = 132.0, 960.0, 44.0, 12.0, 34.0
NARROW, CLEAR = 34.0, 128.0
"""Width of the shortest interval, and room that a time needs below the lanes."""
LANES = {Side.SOURCE: TOP, Side.TARGET: TOP + LANE + GAP}
FOOT = TOP + 2 * LANE + GAP


@dataclass(frozen=True)
class Bar:
    x: float
    width: float
    interval: Interval
    number: int


@dataclass(frozen=True)
class Timeline:
    """`marks`: (letter, ISO time) of decisions."""

    intervals: Sequence[Interval]
    marks: Sequence[tuple[str, str]] = ()

    def html(self) -> str:
        bars = _bars(self.intervals)
        parts = [_frame(), *map(_draw, bars), *_times(bars), *_marks(bars, self.marks)]
        told = "; ".join(
            f"{b.number}: {b.interval.owner or 'nobody'} for {span(b.interval.seconds)} from"
            f" {clock(b.interval.since)}"
            for b in bars
        )
        height = FOOT + (66 if self.marks else 44)
        return (
            f'<div class="scroll"><svg class="turns" viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img"'
            f' aria-label="{escape(told)}">'
            f"{''.join(parts)}</svg></div>"
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


def _frame() -> str:
    lanes = "".join(
        f'<rect class="lane" x="{LEFT}" y="{y}" width="{WIDTH - LEFT}" height="{LANE}" rx="4"/>'
        f'<text x="0" y="{y + 20}">{name}</text><text class="soft" x="0" y="{y + 36}">{side}</text>'
        for (side, y), name in zip(LANES.items(), ("Data centre", "AWS (RDS)"), strict=True)
    )
    hatch = (
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><rect class="nobody" width="2" height="6"/></pattern></defs>'
    )
    legend = (
        '<text class="soft" x="0" y="14">Who might write, in order; not to scale: widths grow with the'
        " logarithm of the time. Striped: nobody. Pale: not certain.</text>"
    )
    return hatch + legend + lanes


def _draw(b: Bar) -> str:
    i, middle = b.interval, b.x + b.width / 2
    doubt = "" if i.certain else " doubt"
    if i.owner is None:
        both = 2 * LANE + GAP
        return (
            f'<g class="{doubt.strip()}"><rect x="{b.x:.1f}" y="{TOP}" width="{b.width:.1f}" height="{both}"'
            f' fill="url(#hatch)"/><path class="edge" d="M{b.x:.1f} {TOP}v{both}M{b.x + b.width:.1f}'
            f' {TOP}v{both}"/></g><text x="{middle:.1f}" y="{TOP - 6}"'
            f' text-anchor="middle">{b.number}</text><text class="soft" x="{middle:.1f}" y="{FOOT + 14}"'
            f' text-anchor="middle">{span(i.seconds) if b.width >= NARROW else ""}</text>'
        )
    y = LANES[i.owner]
    told = f'<text class="on" x="{middle:.1f}" y="{y + 19}" text-anchor="middle">{b.number}</text>'
    words = f"epoch {i.epoch}, {span(i.seconds)}" if b.width > 130 else span(i.seconds)
    if b.width > 52:
        told += f'<text class="on" x="{middle:.1f}" y="{y + 35}" text-anchor="middle">{words}</text>'
    return (
        f'<rect class="{i.owner}{doubt}" x="{b.x:.1f}" y="{y}" width="{b.width:.1f}" height="{LANE}"'
        f' rx="4"/>{told}'
    )


def _times(bars: Sequence[Bar]) -> list[str]:
    """The beginning of each owner's turn, where there is room for it, and the end."""
    found, free = [], 0.0
    last = bars[-1]
    end = last.x + last.width
    for b in bars:
        if b.interval.owner is None or b.x < free or b.x > end - 2 * CLEAR + 10 or not b.interval.since:
            continue
        found.append(f'<text class="soft" x="{b.x:.1f}" y="{FOOT + 32}">{_short(b.interval.since)}</text>')
        free = b.x + CLEAR
    if last.interval.until:
        found.append(
            f'<text class="soft" x="{end:.1f}" y="{FOOT + 32}"'
            f' text-anchor="end">{_short(last.interval.until)}</text>'
        )
    return found


def _short(text: str) -> str:
    return clock(text).removesuffix(" UTC")[5:]


def _marks(bars: Sequence[Bar], marks: Sequence[tuple[str, str]]) -> list[str]:
    found, free = [], 0.0
    for letter, at in marks:
        x = max(_place(bars, at), free)
        free = x + 15
        found.append(
            f'<circle class="mark" cx="{x:.1f}" cy="{FOOT + 52}" r="7"/>'
            f'<text class="on" x="{x:.1f}" y="{FOOT + 56}" text-anchor="middle">{escape(letter)}</text>'
        )
    if found:
        found.append(f'<text class="soft" x="0" y="{FOOT + 56}">Decisions</text>')
    return found


def _place(bars: Sequence[Bar], at: str) -> float:
    """Where in the picture a moment lies: straight between the ends of its interval."""
    for b in bars:
        i = b.interval
        if i.since and i.until and moment(i.since) <= moment(at) <= moment(i.until):
            part = (moment(at) - moment(i.since)).total_seconds() / (i.seconds or 1)
            return b.x + b.width * min(1.0, max(0.0, part))
    return bars[-1].x + bars[-1].width
