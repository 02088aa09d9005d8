"""The emergency: the owner is lost for good, and its follower takes the writes without its word.

From outside a partition looks like a death, so nobody but a person can say that the old owner is off, and a
person has to type it. What had not arrived is lost here; how much that may be is measured before anything is
done.

1. nothing comes in any more: what the replicator still has in hand is waited for
2. promote: the follower's row, one compare-and-set; from here on only forward
3. every server of both sites is turned away from the old owner, while nobody is in anywhere
4. steps 7 to 11 of the switchover: claim, prepare, open, repoint with proof, release

An old owner that comes back is open by its own row until somebody reaches it: `promote` once more closes it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from livemove.model.errors import LivemoveError, RefusedError, UnreachableError
from livemove.model.ledger import LossBound, Promoted, Promotion, StoredCode, UnreadableError
from livemove.model.ports import Answered, ControlRow, ControlState, Link, Newest
from livemove.model.spec import Side
from livemove.runtime.deadlines import Deadline
from livemove.runtime.polling import LogThrottle
from livemove.switchover.protocol import Switchover, save_document
from livemove.switchover.steps import Dependencies, describe_outcome, read_row, summary

log = logging.getLogger(__name__)
QUIET = 10.0
"""Seconds without news after which nothing more is expected; a living owner writes a row every 5 s."""
LONGEST = 120.0
"""Seconds to wait for that at most: a replicator that repeats itself shall not keep the service down."""
TRIES = 600


def sentence(service: str, side: Side = Side.SOURCE) -> str:
    """What a person types, knowing that it is so."""
    return f"the {side} of {service} is off"


@dataclass(frozen=True)
class Bound:
    """How much of the old owner's writes may be missing."""

    link: Link
    newest: Newest | None
    replicator: str
    """The replication task in its own words."""
    undelivered: int | None
    """Row changes that it read and did not apply; None when it does not tell."""

    def lines(self) -> Iterator[str]:
        old, new = self.link.reads, self.link.writes
        if self.newest is None:
            yield (
                f"no watermark of the {old} ever arrived in the {new}: nothing can be said about what is"
                " missing"
            )
        else:
            yield (
                f"the last watermark that arrived was written on the {old} at"
                f" {self.newest.written_at:%Y-%m-%d %H:%M:%S.%f} UTC, {self.newest.ago:.0f} s ago; nothing"
                " newer arrived since"
            )
            yield f"every write that the {old} acknowledged before that is here"
            yield (
                f"missing may be what it acknowledged between that moment and its end, {self.newest.ago:.0f}"
                " s at the most"
            )
        left = "it does not tell" if self.undelivered is None else f"{self.undelivered} row changes"
        yield f"replication {self.link.name}: {self.replicator}; read and not applied: {left}"
        yield "numbers that the old owner gave to rows that never arrived may be given again"

    @property
    def document(self) -> LossBound:
        n = self.newest
        return LossBound(
            last_watermark=n.written_at.isoformat() if n else None,
            nothing_since_seconds=round(n.ago, 1) if n else None,
            task=self.link.name,
            replicator=self.replicator,
            undelivered=self.undelivered,
            message=list(self.lines()),
        )


def bound(parts: Dependencies, row: ControlRow) -> Bound:
    """As it is now; `row` is that of the database to be promoted."""
    epoch = row.epoch - 1 if row.promoted else row.epoch
    link = Link(parts.service, epoch, row.side.other)
    message, undelivered = "does not answer", None
    try:
        status = parts.replicator.status(link)
        words = (
            str(status.state),
            status.checkpoint and f"checkpoint {status.checkpoint}",
            status.failure or status.stop_reason,
        )
        message = ", ".join(w for w in words if w)
        undelivered = sum(
            max(0, t.inserts + t.updates + t.deletes - t.applied) for t in parts.replicator.tables(link)
        )
    except LivemoveError as e:
        message = e.found
    return Bound(link, parts.control[row.side].newest_watermark(row.side.other), message, undelivered)


def reasons(parts: Dependencies, to: Side, word: str) -> Iterator[str]:
    """Why `to` is not promoted now."""
    old, row = read_row(parts.control[to.other], parts.clock), read_row(parts.control[to], parts.clock)
    if row is None:
        yield f"the {to} does not answer"
    elif not row.promoted:
        if old is not None:
            yield (
                f"the {to.other} answers ({old}): this is no emergency; livemove status says what can be done"
            )
        if row.state in (ControlState.CLAIMED, ControlState.OPEN):
            yield f"{row}: the {to.other} has ceded for certain and nothing is lost; livemove continue"
        elif row.state is not ControlState.FOLLOW:
            yield f"{row}, wanted FOLLOW"
        if not any(parts.ledger.load(StoredCode, side=side) for side in Side):
            yield (
                "the ledger has neither triggers nor events of the application, and the old owner cannot be"
                " asked"
            )
    if word != sentence(parts.service, to.other):
        yield (
            f"nobody confirmed that the machine is off; wanted, exactly: {sentence(parts.service, to.other)}"
        )


def promote(
    parts: Dependencies, to: Side, word: str, token: str, make: Callable[[Side], Switchover]
) -> Promotion:
    """Make `to` the owner without the old owner's word; what the ledger keeps of it. May run twice.

    RefusedError with every reason before anything was changed; SwitchoverIncomplete: run it again.
    """
    if refused := list(reasons(parts, to, word)):
        raise RefusedError(
            f"{len(refused)} reasons against promoting the {to}: {'; '.join(refused)}; nothing was changed",
            wanted=f"a {to.other} that is gone, and a person who knows that it stays off",
        )
    db = parts.control[to]
    row = db.read()
    taken = not row.promoted
    lost = _take(parts, row, token) if taken else _kept(parts, row)
    before = summary(parts.servers.repoint(db.read().epoch, to)) if taken else ""
    returned = close_returned(parts, to)
    moved = make(to).run()
    first = _known(parts, moved.epoch) or Promotion.model_validate(
        {**dict(lost), "epoch": moved.epoch, "owner": to}
    )
    more = {"servers_before_opening": before} if before else {}
    more |= {"old_owner_came_back": returned} if returned else {}
    promotion = first.model_copy(update={"owner": to, "token": token, "move": moved, **more})
    parts.ledger.save(promotion)
    parts.ledger.note(Promoted(epoch=moved.epoch, owner=to, last_watermark=promotion.last_watermark))
    return promotion


def _take(parts: Dependencies, row: ControlRow, token: str) -> LossBound:
    """1 and 2: nothing more comes, then the compare-and-set."""
    seen = _settled(parts, row)
    for line in seen.lines():
        log.warning("%s", line)
    for _ in range(5):
        out = parts.control[row.side].promote(row.epoch, token)
        if out.answered is not Answered.BUSY:
            break
    if not out.done:
        raise RefusedError(
            f"The {row.side} could not be promoted: {describe_outcome(out)}",
            next_step="look again: livemove status",
        )
    # from here on the old owner's last writes may be missing; whoever dies now leaves word of it
    save_document(parts, Promotion(**dict(seen.document), epoch=out.epoch, owner=row.side, token=token))
    return seen.document


def _kept(parts: Dependencies, row: ControlRow) -> LossBound:
    """Of a take-over whose attempt died: what it knew to be missing, or the same seen now."""
    kept = _known(parts, row.epoch)
    return kept if kept and kept.message else bound(parts, row).document


def _known(parts: Dependencies, epoch: int) -> Promotion | None:
    """The ledger's record of this promotion. A damaged one must not stop a committed emergency."""
    try:
        return parts.ledger.load(Promotion, epoch=epoch)
    except UnreadableError as e:
        log.warning("%s", e)
        return None


def _settled(parts: Dependencies, row: ControlRow) -> Bound:
    """The bound once nothing new has come for a while and nothing read is left to apply."""
    longest, quiet = Deadline(parts.clock, LONGEST), Deadline(parts.clock, QUIET)
    last, voice = bound(parts, row), LogThrottle()
    while True:
        parts.clock.sleep(1)
        now = bound(parts, row)
        if (now.newest and now.newest.written_at) != (
            last.newest and last.newest.written_at
        ) or now.undelivered:
            quiet = Deadline(parts.clock, QUIET)
        last = now
        message = (
            f"nothing more has arrived for {quiet.waited:.0f} s of {QUIET:.0f} s; read and not applied:"
            f" {now.undelivered}"
        )
        if line := voice.line(message, parts.clock.now().timestamp()):
            log.info("%s", line)
        if quiet.is_over:
            return last
        if longest.is_over:
            log.warning("not waiting any longer for what the replicator may still have")
            return last


def close_returned(parts: Dependencies, to: Side) -> str:
    """Close an old owner that answers beside a promoted `to`; "" when it is silent or closed already."""
    promoted = parts.control[to].read()
    old = read_row(parts.control[to.other], parts.clock, times=1)
    if old is None or not promoted.promoted or old.epoch >= promoted.epoch:
        return ""
    clear = 0
    for _ in range(TRIES):
        out = parts.control[to.other].abandon(promoted.epoch - 1)
        if out.answered is Answered.REFUSED:
            raise RefusedError(
                f"The {to.other} came back and could not be closed: {describe_outcome(out)}",
                next_step="take it off the network by hand",
            )
        clear = clear + 1 if out.done and not out.remaining else 0
        if clear == 2:
            message = (
                f"the {to.other} came back as {old} and is closed now; it may hold writes that never arrived:"
                " keep it for salvage, then rebuild it"
            )
            log.warning("%s", message)
            return message
        parts.clock.sleep(0.05)
    raise UnreachableError(
        f"Sessions on the {to.other} do not end", next_step="take it off the network by hand"
    )
