"""The history of one migration: the owner, how certain that is and what it is based on, and the questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from livemove.control.rows import ControlRows, SwitchoverStage
from livemove.history import ownership
from livemove.history.completed_switchovers import closed_since, completed
from livemove.history.ownership import Attempt, OwnershipChange
from livemove.history.questions import Question, questions
from livemove.history.task_runs import TaskRun, task_runs
from livemove.model.ledger import (
    AttemptResult,
    Contents,
    Event,
    FenceLifted,
    MappedTaskRuns,
    Promoted,
    Promotion,
    ReturnPath,
    SwitchoverBegan,
    SwitchoverEnded,
    SwitchoverRecord,
    TaskRuns,
    Unreadable,
    WritesRolledBack,
    moment,
)
from livemove.model.ports import ControlState
from livemove.model.spec import Side

READS = (SwitchoverRecord, Promotion, ReturnPath, TaskRuns, MappedTaskRuns)
"""The documents that a history is made of, beside all events."""
ABOUT_OWNER = (SwitchoverBegan, SwitchoverEnded, FenceLifted, Promoted, WritesRolledBack)
"""Events that tell which database is the owner."""
MOVERS = ("switchover.switch_over", "rollback.writes", "promote")
"""Tasks that move the writes."""


class RestsOn(StrEnum):
    ROWS = "rows"
    """The control rows, read now."""
    LEDGER = "ledger"
    """What attempts left in the ledger; the rows were not read, or do not tell."""
    UNKNOWN = "unknown"
    """Rows and ledger do not fit together."""


@dataclass(frozen=True)
class CurrentOwner:
    """The owner, or None while there is none or it cannot be known; `certain` tells these two cases apart.

    A committed switchover that both rows show has certainly no owner until the target opens.
    """

    owner: Side | None
    epoch: int
    certain: bool
    stage: SwitchoverStage
    rests_on: RestsOn
    to: Side | None = None
    """SwitchoverStage COMMITTED or UNFINISHED: where the move goes."""
    promoted: bool = False
    """It was made the owner without the other's word."""
    since: str | None = None
    """ISO; None: since before anything that the ledger knows."""
    why: str = ""


@dataclass(frozen=True)
class History:
    """Built from the ledger's contents and the control rows that were read."""

    contents: Contents = field(default_factory=Contents)
    rows: ControlRows = field(default_factory=ControlRows)

    # the owner ------------------------------------------------------------------------------------
    @property
    def events(self) -> Sequence[Event]:
        """Oldest first."""
        return self.contents.events

    @cached_property
    def current(self) -> CurrentOwner:
        rows = self.rows.reading
        if rows.stage is SwitchoverStage.UNKNOWN:
            return (
                self._by_ledger if self._fits(self._by_ledger) else _contradicted(self._by_ledger, self.rows)
            )
        text = self._by_ledger
        same = text.epoch == rows.epoch and text.owner is rows.owner
        # the rows do not know whether every server has come along
        stage = (
            text.stage
            if same and text.stage is SwitchoverStage.UNFINISHED and rows.stage is SwitchoverStage.OPEN
            else rows.stage
        )
        why = text.why if same else f"the control rows say so: {', '.join(map(str, self.rows.read))}"
        return CurrentOwner(
            rows.owner,
            rows.epoch,
            True,
            stage,
            RestsOn.ROWS,
            rows.to or (text.to if same else None),
            rows.promoted,
            text.since if same else None,
            why,
        )

    @property
    def epoch_of_owner(self) -> int:
        """The epoch in which the newest owner opened; between commit and open, still the one before."""
        now = self.current
        return (
            now.epoch - 1 if now.stage is SwitchoverStage.COMMITTED and now.epoch > 1 else max(now.epoch, 1)
        )

    @cached_property
    def changes(self) -> list[OwnershipChange]:
        """Every change of who may write, oldest first, by the ledger; it begins with the source."""
        times = [e.time for e in self.events]
        times += [a.started_at for a in self.attempts if a.started_at]
        began = min(times, key=moment, default=None)
        return ownership.ownership_changes(self.contents, began)

    @cached_property
    def attempts(self) -> list[Attempt]:
        """Every attempt to move the writes, oldest first."""
        return ownership.attempts(self.contents)

    @cached_property
    def completed_switchovers(self) -> list[SwitchoverRecord]:
        """The moves that went through, oldest first."""
        return completed(self.contents.load_all(SwitchoverRecord))

    @property
    def promotion(self) -> Promotion | None:
        """The emergency, from the take-over on; None once the writes have moved on after it."""
        newest = max(self.contents.load_all(Promotion), key=lambda p: p.epoch, default=None)
        return newest if newest and newest.epoch >= self.changes[-1].epoch else None

    @property
    def way_back_closed_at(self) -> str | None:
        """When a person ended the source's reverse replication; None while it follows or is the owner."""
        now = self.current
        if now.epoch <= 1:
            return None
        # not `since`: an attempt that was undone after the move is a change too
        done = self.completed_switchovers
        began = (done[-1].started_at or "") if done else now.since or ""
        return closed_since(began, self.events)

    @cached_property
    def _by_ledger(self) -> CurrentOwner:
        last, to = self.changes[-1], self._heads_for
        stage = SwitchoverStage.OPEN
        if self._hangs:
            stage = SwitchoverStage.UNFINISHED if last.owner else SwitchoverStage.COMMITTED
        elif not last.certain or last.owner is None or self._missing:
            stage = SwitchoverStage.UNKNOWN
        certain = last.certain and last.owner is not None and not self._missing
        hangs = stage in (SwitchoverStage.UNFINISHED, SwitchoverStage.COMMITTED)
        return CurrentOwner(
            last.owner,
            last.epoch,
            certain,
            stage,
            RestsOn.LEDGER,
            to if hangs else None,
            self.promotion is not None,
            last.at,
            f"the ledger has what cannot be read: {self._missing[0]}" if self._missing else last.why,
        )

    @property
    def _missing(self) -> list[Unreadable]:
        """What was left out and may be about the owner: then the ledger alone is not certain."""
        kinds = ("", *(kind.model_fields["event"].default for kind in ABOUT_OWNER))
        return [
            u
            for u in self.contents.unreadable
            if u.name.startswith(("switchover/", "promotion/"))
            or (u.name.startswith("events/") and u.event in kinds)
        ]

    @property
    def _newest_words(self) -> list[Attempt]:
        mine = [a for a in self.attempts if a.epoch == self.changes[-1].epoch]
        return [a for a in mine if a.result is not AttemptResult.REFUSED]

    @property
    def _heads_for(self) -> Side | None:
        return self._newest_words[-1].to if self._newest_words else None

    @property
    def _hangs(self) -> bool:
        """The newest word about the move to this epoch is that it was committed and not finished."""
        if not self._newest_words or self._newest_words[-1].result is not AttemptResult.INCOMPLETE:
            return False
        # an attempt that finds everything done leaves no word but its success
        since = str(self._newest_words[-1].ended_at or "")
        done = any(r.state == "success" and r.ended > since and r.id in MOVERS for r in self.task_runs)
        return not (done and self.changes[-1].owner)

    def _fits(self, text: CurrentOwner) -> bool:
        """Whether the rows that were read allow what the ledger says."""
        if not text.certain or text.owner is None:
            return True
        holds = {
            text.owner: (ControlState.OPEN, ControlState.FENCED),
            text.owner.other: (ControlState.FOLLOW, ControlState.CEDED),
        }
        return all(r.state in holds[r.side] and r.epoch == text.epoch for r in self.rows.read)

    # questions ----------------------------------------------------------------------------------------
    @cached_property
    def task_runs(self) -> list[TaskRun]:
        """Every attempt of every task that has ended, in the order of their ends."""
        return task_runs(self.contents)

    @cached_property
    def questions(self) -> list[Question]:
        """Every question, and every order that was given without one, oldest first."""
        return questions(self.events, self.task_runs)

    @property
    def open_questions(self) -> list[Question]:
        return [q for q in self.questions if q.waits]


def _contradicted(text: CurrentOwner, rows: ControlRows) -> CurrentOwner:
    why = (
        f"the ledger ends with the {text.owner}, epoch {text.epoch}; the control rows say"
        f" {', '.join(map(str, rows.read))}"
    )
    return CurrentOwner(
        None, text.epoch, False, SwitchoverStage.UNKNOWN, RestsOn.UNKNOWN, promoted=text.promoted, why=why
    )
