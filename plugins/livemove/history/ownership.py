"""The owner at each moment, from what the ledger kept of every attempt to move the writes. No I/O.

The control rows decide and keep no history; this is derived afterwards. Where an attempt died without a
record, `certain` is False instead of a guess. From the fence to the opening nobody may write.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from livemove.history.completed_switchovers import went_through
from livemove.model.ledger import (
    AttemptFacts,
    AttemptResult,
    Contents,
    FenceLifted,
    Promoted,
    Promotion,
    ReturnPath,
    SwitchoverBegan,
    SwitchoverEnded,
    SwitchoverRecord,
    WritesRolledBack,
    moment,
)
from livemove.model.spec import Side


@dataclass(frozen=True)
class Attempt:
    """One attempt. Times are ISO, None where there was none or nobody noted it."""

    epoch: int
    """The new owner's, had it gone through."""
    to: Side
    result: AttemptResult
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
        return self.result in (AttemptResult.MOVED, AttemptResult.INCOMPLETE)


@dataclass(frozen=True)
class OwnershipChange:
    """From this moment on this side may write, or nobody (None)."""

    at: str | None
    owner: Side | None
    epoch: int
    why: str
    certain: bool = True


def attempts(contents: Contents) -> list[Attempt]:
    """Every attempt that the ledger knows of, oldest first."""
    promoted = {p.epoch: p for p in contents.load_all(Promotion)}
    begun: dict[str, SwitchoverBegan] = {}
    found: list[Attempt] = []
    for e in contents.events:
        match e:
            case SwitchoverBegan():
                begun[e.attempt] = e
            case SwitchoverEnded() if e.result:
                whole = begun.pop(e.attempt, None) is not None
                found.append(_of(e, e.result, promoted, ended_at=e.time, whole=whole))
            case FenceLifted():
                first = begun.pop(e.attempt, None)
                found.append(_lifted(e, first.time if first else e.fenced_at))
    for e in begun.values():
        found.append(Attempt(e.epoch, e.to, AttemptResult.INTERRUPTED, e.time, attempt=e.attempt))
    found += _only_in_documents(
        contents, {a.epoch for a in found if a.result is AttemptResult.MOVED}, promoted
    )
    never = datetime.min.replace(tzinfo=UTC)
    found.sort(key=lambda a: (moment(a.started_at) if a.started_at else never, a.epoch))
    for one in _only_promoted(contents, promoted, {a.epoch for a in found if a.committed}):
        later = next((n for n, a in enumerate(found) if a.epoch > one.epoch), len(found))
        found.insert(later, one)
    return found


def _of(
    facts: AttemptFacts,
    result: AttemptResult,
    promoted: Mapping[int, Promotion],
    *,
    ended_at: str | None,
    whole: bool,
) -> Attempt:
    emergency = promoted.get(facts.epoch)
    return Attempt(
        facts.epoch,
        facts.to,
        result,
        facts.started_at,
        facts.fenced_at,
        facts.committed_at,
        facts.opened_at,
        facts.lifted_at,
        ended_at,
        facts.attempt,
        facts.reason or "",
        promoted=emergency is not None,
        last_sign=emergency.last_watermark if emergency else None,
        whole=whole,
    )


def _lifted(e: FenceLifted, started_at: str | None) -> Attempt:
    return Attempt(
        e.epoch + 1,
        e.side.other,
        AttemptResult.INTERRUPTED,
        started_at,
        e.fenced_at,
        lifted_at=e.lifted_at,
        ended_at=e.lifted_at,
        attempt=e.attempt,
    )


def _only_in_documents(
    contents: Contents, known: set[int], promoted: Mapping[int, Promotion]
) -> Iterable[Attempt]:
    """Switchovers without an event: known from their record, or from that of reverse replication."""
    for record in contents.load_all(SwitchoverRecord):
        if record.epoch not in known and went_through(record):
            known.add(record.epoch)
            yield _of(record, AttemptResult.MOVED, promoted, ended_at=None, whole=True)
    for path in contents.load_all(ReturnPath):
        if path.epoch not in known and path.epoch > 1:
            yield Attempt(
                path.epoch,
                path.reads,
                AttemptResult.MOVED,
                path.running_since,
                whole=False,
                reason="the ledger kept only its reverse replication",
            )


def _only_promoted(
    contents: Contents, promoted: Mapping[int, Promotion], known: set[int]
) -> Iterable[Attempt]:
    """Emergency promotions without an attempt's event: committed, and open once there is a `promoted`."""
    opened = {e.epoch: e for e in contents.all_of(Promoted)}
    for epoch in sorted({*promoted, *opened} - known):
        document, event = promoted.get(epoch), opened.get(epoch)
        move = document.move if document else None
        owner = document.owner if document else opened[epoch].owner
        done = bool(move or event)
        yield Attempt(
            epoch,
            owner,
            AttemptResult.MOVED if done else AttemptResult.INCOMPLETE,
            move.started_at if move else None,
            opened_at=(move.opened_at if move else None) or (event.time if event else None),
            ended_at=event.time if event else None,
            promoted=True,
            whole=False,
            reason="" if done else "promoted, and not seen open yet",
            last_sign=document.last_watermark if document else None,
        )


def ownership_changes(contents: Contents, began: str | None) -> list[OwnershipChange]:
    """Every change of who may write, oldest first; it begins with the source."""
    story = _Story(
        [
            OwnershipChange(
                began, Side.SOURCE, 1, "before any move the data centre's database takes the writes"
            )
        ]
    )
    seen = [e for e in contents.all_of(WritesRolledBack) if e.owner]
    tries = attempts(contents)
    for n, one in enumerate(tries):
        while seen and one.started_at and moment(seen[0].time) < moment(one.started_at):
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
        if a.whole and a.attempt and a.result is not AttemptResult.INTERRUPTED:
            self._seen_open(a)
        match a.result:
            case AttemptResult.REFUSED:
                pass
            case AttemptResult.ABORTED:
                self._fence(a)
                self._reopened(a, f"undone: {a.reason}")
            case AttemptResult.INTERRUPTED if a.lifted_at:
                self._fence(a)
                if self.now.owner is None:
                    why = (
                        f"{self.now.why} by an attempt that was interrupted: nobody, if it had come so far as"
                        f" to close the {a.to.other}"
                    )
                    self.changes[-1] = replace(self.now, why=why, certain=False)
                self._reopened(a, "the fence that an interrupted attempt left behind was lifted")
            case AttemptResult.INTERRUPTED:
                self._interrupted(a, later)
            case AttemptResult.UNKNOWN:
                self._fence(a)
                self._change(
                    a.ended_at,
                    None,
                    a.epoch,
                    f"whether the commit arrived nobody could tell: {a.reason}",
                    certain=False,
                )
            case AttemptResult.INCOMPLETE | AttemptResult.MOVED:
                self._forward(a)

    def saw(self, e: WritesRolledBack) -> None:
        """The rollback read both databases: a doubt from before ends here."""
        if not self.now.certain:
            self._change(e.time, Side(e.owner), e.epoch, "the rollback read it in both databases")

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
        elif a.result is AttemptResult.MOVED:
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
