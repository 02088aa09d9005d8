"""Who may still hold the old answer, and until when: answers of name servers in, a table out. No I/O.

It proves what the asked servers say, not what all caches of the world hold: 8.7 % of measured resolvers
stretch TTLs. Only the drain (`traffic/drain.py`) tells that nobody uses the old answer any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from livemove.model.formatting import utc_time_of_day
from livemove.model.ports import Answer, Json
from livemove.runtime.polling import PollResult

AT_LEAST_EVERY = 60.0
"""Seconds between two looks at most: a flush by hand, or a resolver with several caches, shows early."""
FAILED_AGAIN_IN = 5.0
"""Seconds until a cache that gave no answer is asked again."""
BEHIND_AGAIN_IN = 1.0
"""Seconds until an authority that has not got the change, or a cache past its time, is asked again."""


@dataclass(frozen=True)
class Row:
    """What one name server said last. Times are ISO; `until` is when its old answer must be gone."""

    server: str
    authority: bool
    answer: str
    ttl: int
    since: str
    flipped_at: str | None = None
    until: str | None = None
    stretches: bool = False
    error: str = ""
    advisory: bool = False
    """A public resolver that may serve only its own customers: waited for once it has answered."""
    heard: bool = False

    @property
    def counts(self) -> bool:
        return self.heard or not self.advisory

    def waits_for(self) -> str:
        if self.error:
            return f"{self.server} ({self.error})"
        if self.authority:
            return f"authority {self.server}"
        until = f"old answer until {self.until[11:19]} UTC" if self.until else self.answer
        return f"{self.server} ({until}{', stretches TTLs' if self.stretches else ''})"


def fold(
    rows: Mapping[str, Row],
    answers: Iterable[Answer],
    *,
    wanted: Sequence[str],
    record_ttl: int,
    authorities: Iterable[str],
    advisory: Collection[str] = (),
) -> dict[str, Row]:
    """The table after one more round of answers. `record_ttl`: the old answer's, by the name servers.

    A server counts as flipped while it gives exactly the wanted addresses; it loses that when it falls back,
    as a resolver with several caches behind one address does.
    """
    known, end = set(authorities), honest_end(rows, record_ttl)
    return {
        a.server: replace(
            _row(rows.get(a.server), a, set(wanted), record_ttl, end, a.server in known),
            advisory=a.server in advisory,
        )
        for a in answers
    }


def honest_end(rows: Mapping[str, Row], record_ttl: int) -> datetime | None:
    """When no honest cache has the old answer any more: its TTL after the last name server changed."""
    flips = [r.flipped_at for r in rows.values() if r.authority]
    if not flips or None in flips:
        return None
    return datetime.fromisoformat(max(f for f in flips if f)) + timedelta(seconds=record_ttl)


def _row(
    old: Row | None, a: Answer, wanted: set[str], record_ttl: int, end: datetime | None, authority: bool
) -> Row:
    now = a.asked_at.isoformat()
    answer = ", ".join(sorted(a.addresses))
    flipped = not a.error and set(a.addresses) == wanted
    keeps_old = not authority and not a.error and not flipped
    # one second: TTLs are whole numbers, and an answer was under way when the last authority changed
    too_long = keeps_old and end is not None and a.asked_at > end + timedelta(seconds=1)
    made_up = not authority and not a.error and a.ttl > record_ttl
    return Row(
        server=a.server,
        authority=authority,
        answer=answer,
        ttl=a.ttl,
        since=old.since if old and (old.answer, old.error) == (answer, a.error) else now,
        flipped_at=((old and old.flipped_at) or now) if flipped else None,
        until=(
            None if flipped or a.error or authority else (a.asked_at + timedelta(seconds=a.ttl)).isoformat()
        ),
        stretches=bool(old and old.stretches) or too_long or made_up,
        error=a.error,
        heard=bool(old and old.heard) or not a.error,
    )


def judge(
    rows: Mapping[str, Row], *, wanted: Sequence[str], now: datetime, record_ttl: int | None = None
) -> PollResult:
    """Done when every server gives the new answer; otherwise who is missing, and when to look again."""
    counted = [r for r in rows.values() if r.counts]
    missing = [r for r in counted if not r.flipped_at]
    here = f"{len(counted) - len(missing)} of {len(counted)} name servers answer {', '.join(sorted(wanted))}"
    state: Json = {"rows": as_rows(rows)}
    if not missing:
        return PollResult(any(not r.advisory for r in counted), here, state)
    message = f"{here}; waiting for {'; '.join(r.waits_for() for r in missing)}"
    if record_ttl is not None and (end := honest_end(rows, record_ttl)):
        message += f". No honest cache holds the old answer after {utc_time_of_day(end)}"
    return PollResult(
        False, message, state, again_in=min([AT_LEAST_EVERY, *(_again(r, now) for r in missing)])
    )


def _again(r: Row, now: datetime) -> float:
    if r.error:
        return FAILED_AGAIN_IN
    if r.until is None:
        return BEHIND_AGAIN_IN
    left = (datetime.fromisoformat(r.until) - now).total_seconds()
    # TTLs are whole seconds: a little after the end, not a little before
    return left + 0.3 if left > 0 else 0.3


def as_rows(rows: Mapping[str, Row]) -> list[Json]:
    return [asdict(r) for r in rows.values()]


def from_rows(documents: Iterable[Json]) -> dict[str, Row]:
    return {d["server"]: Row(**d) for d in documents}


def as_table(rows: Mapping[str, Row]) -> str:
    """The table for the log."""
    head = f"{'name server':<24} {'kind':<10} {'answer':<24} {'ttl':>5} {'flipped at':<20} remark"
    return "\n".join([head, *map(_line, rows.values())])


def _line(r: Row) -> str:
    remark = (r.error and r.error + ("" if r.counts else ", not waited for")) or (
        "stretches TTLs" if r.stretches else ""
    )
    kind = "authority" if r.authority else "cache"
    flipped = (r.flipped_at or "not yet")[:19]
    return f"{r.server:<24} {kind:<10} {r.answer:<24} {r.ttl:>5} {flipped:<20} {remark}".rstrip()
