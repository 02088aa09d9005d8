"""Who may still hold the old answer, and until when: answers of name servers in, a table out. No I/O.

It proves what the asked servers say, not what all caches of the world hold: 8.7 % of measured resolvers
stretch TTLs. Only the drain (`core.drain`) tells that nobody uses the old answer any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from livemove.core.waiting import Look
from livemove.ports import Answer, Json

AT_LEAST_EVERY = 5.0
"""Seconds between two looks at most: a flush by hand, or a resolver with several caches, shows early."""


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
) -> dict[str, Row]:
    """The table after one more round of answers.

    A server counts as flipped while it gives exactly the wanted addresses; it loses that when it falls back,
    as a resolver with several caches behind one address does.
    """
    known = set(authorities)
    return {
        a.server: _row(rows.get(a.server), a, set(wanted), record_ttl, a.server in known) for a in answers
    }


def _row(old: Row | None, a: Answer, wanted: set[str], record_ttl: int, authority: bool) -> Row:
    now = a.asked_at.isoformat()
    answer = ", ".join(sorted(a.addresses))
    flipped = not a.error and set(a.addresses) == wanted
    return Row(
        server=a.server,
        authority=authority,
        answer=answer,
        ttl=a.ttl,
        since=old.since if old and (old.answer, old.error) == (answer, a.error) else now,
        flipped_at=((old and old.flipped_at) or now) if flipped else None,
        until=None
        if flipped or a.error or authority
        else (a.asked_at + timedelta(seconds=a.ttl)).isoformat(),
        # a cache that shows more than the record ever had has made it up
        stretches=bool(old and old.stretches) or (not authority and not a.error and a.ttl > record_ttl),
        error=a.error,
    )


def judge(rows: Mapping[str, Row], *, wanted: Sequence[str], now: datetime) -> Look:
    """Done when every server gives the new answer; otherwise who is missing, and when to look again."""
    missing = [r for r in rows.values() if not r.flipped_at]
    here = f"{len(rows) - len(missing)} of {len(rows)} name servers answer {', '.join(sorted(wanted))}"
    state: Json = {"rows": as_rows(rows)}
    if not missing:
        return Look(bool(rows), here, state)
    says = f"{here}; waiting for {'; '.join(r.waits_for() for r in missing)}"
    ends = [(datetime.fromisoformat(r.until) - now).total_seconds() for r in missing if r.until]
    # TTLs are whole seconds: a little after the end, not a little before
    again = min([AT_LEAST_EVERY, *(max(0.3, e + 0.3) for e in ends)])
    return Look(False, says, state, again_in=again)


def as_rows(rows: Mapping[str, Row]) -> list[Json]:
    return [asdict(r) for r in rows.values()]


def from_rows(documents: Iterable[Json]) -> dict[str, Row]:
    return {d["server"]: Row(**d) for d in documents}


def as_table(rows: Mapping[str, Row]) -> str:
    """The table for the log."""
    head = f"{'name server':<24} {'kind':<10} {'answer':<24} {'ttl':>5} {'flipped at':<20} remark"
    return "\n".join([head, *map(_line, rows.values())])


def _line(r: Row) -> str:
    remark = r.error or ("stretches TTLs" if r.stretches else "")
    kind = "authority" if r.authority else "cache"
    flipped = (r.flipped_at or "not yet")[:19]
    return f"{r.server:<24} {kind:<10} {r.answer:<24} {r.ttl:>5} {flipped:<20} {remark}".rstrip()
