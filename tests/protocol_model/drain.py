"""Step 4 by itself: when has everything that was written before the fence arrived in t?

A replicator cuts the log of each stream into batches and applies a batch in any order. The search visits
every order, and one restart in between. One watermark proves nothing with batches: it may be applied before
the rows of its own batch. The second one is only written when the first was seen, so it can only lie in a
later batch.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

Log = tuple[tuple[str, int], ...]
"""(what, stream) in the order of the binlog; what is "row" or the number of a watermark."""


@dataclass(frozen=True)
class Question:
    watermarks: int
    batch: int
    streams: int = 1
    everywhere: bool = True
    """A watermark in each stream, or only in the first."""
    restarts: bool = False
    incarnation: bool = True
    """A restart between the watermarks makes the proof start over (here: give up)."""
    loses: bool = False

    @property
    def name(self) -> str:
        return (
            f"{self.watermarks} watermarks in {'each' if self.everywhere else 'one'} of {self.streams}"
            f" streams, batches of {self.batch}, "
            f"{'a restart' if self.restarts else 'no restart'}"
            f"{'' if self.incarnation else ', incarnation not asked'}"
        )


QUESTIONS = (
    Question(1, batch=1),
    Question(1, batch=4, loses=True),
    Question(2, batch=4),
    Question(2, batch=4, streams=2, everywhere=False, loses=True),
    Question(2, batch=4, streams=2),
    Question(2, batch=4, restarts=True),
    Question(2, batch=4, restarts=True, incarnation=False, loses=True),
    Question(2, batch=4, streams=2, restarts=True),
)


@dataclass(frozen=True)
class State:
    log: Log
    hands: tuple[tuple[int, int, frozenset[int]], ...]
    """Of each stream: begin and end of its batch, and what of it is applied (places in the stream)."""
    seen: frozenset[int] = frozenset()
    """Places in the log that have arrived in t."""
    written: int = 0
    """Watermarks so far."""
    restarts_left: int = 0


def lost(q: Question) -> list[str] | None:
    """The shortest way to a drain that ends while a row is missing, or None when there is no such way."""
    before = tuple(("row", s) for s in range(q.streams) for _ in range(2))
    first = State(before, tuple((0, 0, frozenset()) for _ in range(q.streams)), restarts_left=int(q.restarts))
    came: dict[State, tuple[State, str] | None] = {first: None}
    queue = deque([first])
    while queue:
        state = queue.popleft()
        if state.written == q.watermarks and _arrived(state, q.watermarks):
            restarted = q.restarts and not state.restarts_left
            rows = {n for n, (what, _) in enumerate(state.log) if what == "row"}
            if rows - state.seen and not (restarted and q.incarnation):
                return _way(came, state)
            continue
        for said, after in _next(q, state):
            if after not in came:
                came[after] = (state, said)
                queue.append(after)
    return None


def _arrived(state: State, number: int) -> bool:
    marks = [n for n, (what, _) in enumerate(state.log) if what == str(number)]
    return bool(marks) and all(n in state.seen for n in marks)


def _next(q: Question, s: State) -> list[tuple[str, State]]:
    found: list[tuple[str, State]] = []
    if s.written < q.watermarks and (s.written == 0 or _arrived(s, s.written)):
        marks = tuple((str(s.written + 1), k) for k in range(q.streams if q.everywhere else 1))
        found.append(
            (
                f"watermark {s.written + 1}",
                State(s.log + marks, s.hands, s.seen, s.written + 1, s.restarts_left),
            )
        )
    for k, (begin, end, applied) in enumerate(s.hands):
        mine = [n for n, (_, stream) in enumerate(s.log) if stream == k]
        if begin == end:
            for cut in range(begin + 1, min(len(mine), begin + q.batch) + 1):
                found.append((f"stream {k} takes {cut - begin}", _with(s, k, (begin, cut, frozenset()))))
            continue
        for place in set(range(begin, end)) - applied:
            done = applied | {place}
            hand = (end, end, frozenset()) if len(done) == end - begin else (begin, end, done)
            found.append(
                (
                    f"stream {k} applies {s.log[mine[place]][0]}",
                    _with(s, k, hand, seen=s.seen | {mine[place]}),
                )
            )
        if s.restarts_left:
            # it takes the batch up again, maybe cut elsewhere; what is applied stays
            found.append((f"stream {k} restarts", _with(s, k, (begin, begin, frozenset()), restarts=0)))
    return found


def _with(
    s: State,
    stream: int,
    hand: tuple[int, int, frozenset[int]],
    *,
    seen: frozenset[int] | None = None,
    restarts: int | None = None,
) -> State:
    hands = (*s.hands[:stream], hand, *s.hands[stream + 1 :])
    return State(
        s.log,
        hands,
        s.seen if seen is None else seen,
        s.written,
        s.restarts_left if restarts is None else restarts,
    )


def _way(came: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    way: list[str] = []
    while before := came[state]:
        state, said = before
        way.append(said)
    return way[::-1]
