"""Who owned the writes at each moment, from what the ledger kept of every attempt to move them. No I/O.

The control rows decide and keep no history; this is told afterwards. Where an attempt died without a word the
story says so (`certain` is False) instead of guessing. From the fence to the opening nobody may write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from livemove.history.completed_switchovers import went_through
from livemove.model.ports import Json
from livemove.model.spec import Side


class Result(StrEnum):
    """How one attempt to move the writes ended."""

    MOVED = "moved"
    ABORTED = "aborted"
    """Undone before its commit."""
    INCOMPLETE = "incomplete"
    """Committed; the rest is a retry's."""
    REFUSED = "refused"
    """A guard said no before anything was touched."""
    UNKNOWN = "unknown"
    """The commit was sent, and neither it nor the row was answered."""
    INTERRUPTED = "interrupted"
    """Killed, or it lost the ledger: it left no word of its end."""


def moment(text: str) -> datetime:
    """A time of the ledger; one without a zone is UTC."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Attempt:
    """One attempt. Times are ISO, None where there was none or nobody noted it."""

    epoch: int
    """The new owner's, had it gone through."""
    to: Side
    result: Result
    started_at: str | None = None
    fenced_at: str | None = None
    committed_at: str | None = None
    opened_at: str | None = None
    lifted_at: str | None = None
    ended_at: str | None = None
    attempt: str = ""
    reason: str = ""
    promoted: bool = False
    """Made the owner without the old owner's word."""
    last_sign: str | None = None
    """Of the old owner, when it was promoted past it."""
    whole: bool = True
    """It began with the guards; False: it went on with another attempt's committed move."""

    @property
    def committed(self) -> bool:
        return self.result in (Result.MOVED, Result.INCOMPLETE)


@dataclass(frozen=True)
class OwnershipChange:
    """From this moment on this side may write, or nobody (None)."""

    at: str | None
    owner: Side | None
    epoch: int
    why: str
    certain: bool = True


def attempts(documents: Mapping[str, Json], events: Sequence[Json]) -> list[Attempt]:
    """Every attempt that the ledger knows of, oldest first."""
    promoted = {int(n.split("/", 1)[1]): d for n, d in documents.items() if n.startswith("promotion/")}
    begun: dict[str, Json] = {}
    found: list[Attempt] = []
    for e in events:
        match e.get("event"):
            case "switchover_began":
                begun[str(e["attempt"])] = e
            case "switchover" if e.get("result"):
                whole = begun.pop(str(e.get("attempt")), None) is not None
                found.append(_of(e, promoted, whole=whole))
            case "fence_lifted":
                first = begun.pop(str(e.get("attempt")), None)
                side = Side(e["side"])
                found.append(
                    Attempt(
                        int(e["epoch"]) + 1,
                        side.other,
                        Result.INTERRUPTED,
                        (first or {}).get("time") or e.get("fenced_at"),
                        e.get("fenced_at"),
                        lifted_at=e["lifted_at"],
                        ended_at=e["lifted_at"],
                        attempt=str(e.get("attempt")),
                    )
                )
    for e in begun.values():
        found.append(
            Attempt(int(e["epoch"]), Side(e["to"]), Result.INTERRUPTED, e["time"], attempt=str(e["attempt"]))
        )
    told = {a.epoch for a in found if a.result is Result.MOVED}
    found += _only_in_documents(documents, told, promoted)
    never = datetime.min.replace(tzinfo=UTC)
    found.sort(key=lambda a: (moment(a.started_at) if a.started_at else never, a.epoch))
    for one in _only_promoted(promoted, {a.epoch for a in found if a.committed}, events):
        later = next((n for n, a in enumerate(found) if a.epoch > one.epoch), len(found))
        found.insert(later, one)
    return found


def _of(e: Json, promoted: Mapping[int, Json], *, whole: bool) -> Attempt:
    epoch = int(e["epoch"])
    times = {k: e.get(k) for k in ("started_at", "fenced_at", "committed_at", "opened_at", "lifted_at")}
    return Attempt(
        epoch,
        Side(e["to"]),
        Result(e["result"]),
        ended_at=e.get("time"),
        attempt=str(e.get("attempt", "")),
        reason=str(e.get("reason", "")),
        promoted=epoch in promoted,
        last_sign=(promoted.get(epoch) or {}).get("last_watermark"),
        whole=whole,
        **times,
    )


def _only_in_documents(
    documents: Mapping[str, Json], told: set[int], promoted: Mapping[int, Json]
) -> Iterable[Attempt]:
    """Switchovers without an event: known from their document, or from that of reverse replication."""
    for name, d in documents.items():
        kind, _, number = name.partition("/")
        if not number.isdigit() or int(number) in told:
            continue
        if kind == "switchover" and went_through(d):
            told.add(int(number))
            yield _of({**d, "result": Result.MOVED, "time": None}, promoted, whole=True)
    for name, d in documents.items():
        kind, _, number = name.partition("/")
        if kind == "return_path" and number.isdigit() and int(number) not in told and int(number) > 1:
            yield Attempt(
                int(number),
                Side(d["reads"]),
                Result.MOVED,
                d.get("running_since"),
                whole=False,
                reason="the ledger kept only its return path",
            )


def _only_promoted(promoted: Mapping[int, Json], told: set[int], events: Sequence[Json]) -> Iterable[Attempt]:
    """Emergency promotions without an attempt's event: committed, and open once there is a `promoted`."""
    opened = {int(e["epoch"]): e for e in events if e.get("event") == "promoted" and e.get("epoch")}
    for epoch in sorted({*promoted, *opened} - told):
        d, e = promoted.get(epoch) or {}, opened.get(epoch) or {}
        if not (owner := d.get("owner") or e.get("owner")):
            continue
        move = d.get("move") or {}
        done = bool(move or e)
        yield Attempt(
            epoch,
            Side(owner),
            Result.MOVED if done else Result.INCOMPLETE,
            move.get("started_at"),
            opened_at=move.get("opened_at") or e.get("time"),
            ended_at=e.get("time"),
            promoted=True,
            whole=False,
            reason="" if done else "promoted, and not seen open yet",
            last_sign=d.get("last_watermark"),
        )


def ownership_changes(
    documents: Mapping[str, Json], events: Sequence[Json], began: str | None
) -> list[OwnershipChange]:
    """Every change of who may write, oldest first; it begins with the source."""
    story = _Story(
        [
            OwnershipChange(
                began, Side.SOURCE, 1, "before any move the data centre's database takes the writes"
            )
        ]
    )
    seen = [e for e in events if e.get("event") == "rollback_writes" and e.get("owner") and e.get("time")]
    tries = attempts(documents, events)
    for n, one in enumerate(tries):
        while seen and one.started_at and moment(seen[0]["time"]) < moment(one.started_at):
            story.saw(seen.pop(0))
        story.add(one, tries[n + 1 :])
    for e in seen:
        story.saw(e)
    return story.changes


class _Story:
    def __init__(self, changes: list[OwnershipChange]) -> None:
        self.changes = changes

    @property
    def now(self) -> OwnershipChange:
        return self.changes[-1]

    def add(self, a: Attempt, later: Sequence[Attempt]) -> None:
        if a.whole and a.attempt and a.result is not Result.INTERRUPTED:
            self._seen_open(a)
        match a.result:
            case Result.REFUSED:
                pass
            case Result.ABORTED:
                self._fence(a)
                self._reopened(a, f"undone: {a.reason}")
            case Result.INTERRUPTED if a.lifted_at:
                self._fence(a)
                if self.now.owner is None:
                    why = (
                        f"{self.now.why} by an attempt that was interrupted: nobody, if it had come so far as"
                        f" to close the {a.to.other}"
                    )
                    self.changes[-1] = replace(self.now, why=why, certain=False)
                self._reopened(a, "the fence that an interrupted attempt left behind was lifted")
            case Result.INTERRUPTED:
                self._interrupted(a, later)
            case Result.UNKNOWN:
                self._fence(a)
                self._change(
                    a.ended_at,
                    None,
                    a.epoch,
                    f"whether the commit arrived nobody could tell: {a.reason}",
                    certain=False,
                )
            case Result.INCOMPLETE | Result.MOVED:
                self._forward(a)

    def saw(self, e: Json) -> None:
        """The rollback read both databases: a doubt from before ends here."""
        if not self.now.certain:
            self._change(
                e["time"], Side(e["owner"]), int(e["epoch"]), "the rollback read it in both databases"
            )

    def _forward(self, a: Attempt) -> None:
        if self.now.owner is a.to and self.now.epoch == a.epoch:
            return  # opened by an attempt before, and finished by this one
        if a.promoted:
            self._change(
                a.last_sign or a.started_at,
                None,
                a.epoch - 1,
                f"the {a.to.other} was gone; what it acknowledged after this moment did not arrive",
                certain=False,
            )
        else:
            self._fence(a)
        if a.opened_at:
            how = "promoted" if a.promoted else "moved"
            self._change(a.opened_at, a.to, a.epoch, f"{how}: the {a.to} opened")
        elif a.result is Result.MOVED:
            if self.now.owner is None:
                why = f"{self.now.why}; an interrupted attempt opened the {a.to} at some moment of this"
                self.changes[-1] = replace(self.now, why=why, certain=False)
            self._change(a.started_at, a.to, a.epoch, f"moved: the {a.to} was found open")
        else:
            why = f"committed to the {a.to} and not finished: {a.reason}"
            self._change(a.committed_at or a.started_at, None, a.epoch, why, certain=False)

    def _seen_open(self, a: Attempt) -> None:
        """An attempt starts only when the old owner is open: an earlier doubt about the owner ends here."""
        if not self.now.certain and self.now.epoch <= a.epoch - 1:
            self._change(
                a.started_at, a.to.other, a.epoch - 1, f"the next attempt found the {a.to.other} open"
            )

    def _fence(self, a: Attempt) -> None:
        """Nobody from the fence on; a fence that stands already is not told twice."""
        if not a.fenced_at or self.now.owner is None:
            return
        if not a.whole and not self.now.certain and self.now.epoch == a.epoch - 1:
            # what the interrupted attempt did is known now: this was its fence
            self.changes[-1] = replace(self.now, certain=True)
        self._change(a.fenced_at, None, self.now.epoch, f"fenced for the move to the {a.to}")

    def _reopened(self, a: Attempt, why: str) -> None:
        if self.now.owner is not None:
            return
        certain = a.lifted_at is not None
        if not certain:
            why += "; its fence ended by itself when the lease ran out"
        self._change(a.lifted_at or a.ended_at, a.to.other, a.epoch - 1, why, certain=certain)

    def _interrupted(self, a: Attempt, later: Sequence[Attempt]) -> None:
        if self.now.owner is not a.to.other or self.now.epoch >= a.epoch:
            return
        why = (
            f"an attempt to move the writes to the {a.to} was interrupted; if it had fenced the {a.to.other},"
            " nobody could write until the lease ran out"
        )
        if not later:
            why += f", and if it had committed, until a retry finishes the move to the {a.to}"
        self._change(a.started_at, a.to.other, a.epoch - 1, why, certain=False)

    def _change(
        self, at: str | None, owner: Side | None, epoch: int, why: str, *, certain: bool = True
    ) -> None:
        before = self.now.at
        # clocks of two machines may disagree by a moment; the order is known all the same
        at = max(at, before, key=moment) if at and before else at
        self.changes.append(OwnershipChange(at, owner, epoch, why, certain))
