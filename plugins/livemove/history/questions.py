"""The questions of a migration, answered, ended or waiting, and what people ordered without a question.

A question ends with the first of these:
- it is answered
- a question of the same DAG is asked or answered after it: Airflow asks one at a time
- its own task fails: nobody answered in time, or a person marked it failed
- another run of its DAG is at work
- a rollback begins or RDS is promoted: what it asked about is no more
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from livemove.history.task_runs import TaskRun
from livemove.model.ledger import (
    Event,
    GateAnswered,
    GateAsked,
    GivenUp,
    Promoted,
    PromotionAnswered,
    PromotionAsked,
    RollbackBegun,
    TaskFailed,
    moment,
)
from livemove.model.stages import GATES, GIVE_UP_STAGE

PROMOTE = "promote"
"""The emergency's question, beside the three gates."""
ASKED = (GateAsked, PromotionAsked)
ANSWERED = (GateAnswered, PromotionAnswered)
type Asked = GateAsked | PromotionAsked
type Answering = GateAnswered | PromotionAnswered | RollbackBegun | GivenUp
ENDS_ALL = (RollbackBegun, Promoted)
"""Events after which no question of before waits."""
SHARED = ("rollback", "finish", "give_up")
"""Task groups of more than one DAG."""
EMERGENCY = ("ask", "promote", "name", "smoke", "propagation", "report")
"""Tasks of `promote_<service>`, which has no task groups."""


@dataclass(frozen=True)
class Answer:
    option: str | None
    """None: an older event does not name it."""
    at: str
    by: str | None
    accept_warnings: bool | None = None
    """Whether the answer's form accepts the warnings; None where it did not ask."""


@dataclass(frozen=True)
class Question:
    """One question, or an answer or order that no question was seen of (`asked_at` is None)."""

    gate: str
    asked_at: str | None
    task_id: str | None = None
    run_id: str | None = None
    dag: str = "migrate"
    """migrate or promote."""
    document: str | None = None
    """Name of the ledger's document with the text that was shown."""
    sha256: str | None = None
    timeout: float | None = None
    """Seconds for which it waits; None: the event does not say."""
    shown: Sequence[str] = ()
    """The evidence in short, as it was shown."""
    answer: Answer | None = None
    ended_at: str | None = None
    """When it stopped waiting, answered or not; None while it waits."""

    @property
    def waits(self) -> bool:
        return self.ended_at is None

    def waited(self, now: datetime) -> float | None:
        """Seconds from the question to its end, or to now."""
        if self.asked_at is None:
            return None
        until = moment(self.ended_at) if self.ended_at else now
        return max(0.0, round((until - moment(self.asked_at)).total_seconds(), 1))


def questions(events: Sequence[Event], runs: Sequence[TaskRun]) -> list[Question]:
    """Oldest first. `events`: oldest first; `runs`: the task attempts that have ended."""
    dags = _Dags({r.run_id: r.dag_id.partition("_")[0] for r in runs}, runs)
    found: list[Question] = []
    used: set[int] = set()
    for n, e in enumerate(events):
        match e:
            case GateAsked() | PromotionAsked():
                found.append(_question(n, e, events, dags, used))
            case GateAnswered() | PromotionAnswered() if n not in used:
                found.append(_ordered(e, e.gate))
            case RollbackBegun() if e.gate not in GATES:
                found.append(_ordered(e, e.gate, [f"the writes: {e.writes}", f"the name: {e.name}"]))
            case GivenUp():
                found.append(_ordered(e, GIVE_UP_STAGE.id))
    return found


@dataclass(frozen=True)
class _Dags:
    """Which DAG a run belongs to."""

    known: Mapping[str, str]
    runs: Sequence[TaskRun]

    def of(self, e: Event) -> str:
        """migrate, rollback or promote; "" when nothing tells. An older event does not name
        it; then a task that its run has ended tells, or the task's own id."""
        if dag := e.dag_id.partition("_")[0] or self.known.get(e.run_id):
            return dag
        group, in_group, _ = e.task_id.partition(".")
        if in_group:
            return "" if group in SHARED else "migrate"
        return PROMOTE if group in EMERGENCY else ""

    def another_began(self, dag: str, run_id: object, at: str) -> str | None:
        """When a task of another run of this DAG began after `at`."""
        began = (r.began for r in self.runs if r.dag_id.partition("_")[0] == dag and r.run_id != run_id)
        return min((t for t in began if moment(t) > moment(at)), default=None, key=moment)


def _question(n: int, asked: Asked, events: Sequence[Event], dags: _Dags, used: set[int]) -> Question:
    dag = _dag_of(asked)
    answered, end = _end(n, asked, events, dags)
    answer = None
    if answered is not None:
        used.add(answered)
        if isinstance(given := events[answered], ANSWERED):
            answer = _answer(given)
            end = answer.at
    elif (began := dags.another_began(dag, asked.run_id, asked.time)) and (
        end is None or moment(began) < moment(end)
    ):
        end = began
    return Question(
        asked.gate,
        asked.time,
        asked.task_id or None,
        asked.run_id or None,
        dag,
        asked.question if isinstance(asked, GateAsked) else None,
        (asked.sha256 or None) if isinstance(asked, GateAsked) else None,
        asked.timeout if isinstance(asked, GateAsked) else None,
        asked.saw if isinstance(asked, GateAsked) else asked.message,
        answer,
        end,
    )


def _end(n: int, asked: Asked, events: Sequence[Event], dags: _Dags) -> tuple[int | None, str | None]:
    """The place of its answer, or when it ended without one; neither while it waits."""
    end = None
    for m, e in enumerate(events[n + 1 :], n + 1):
        if isinstance(e, (*ASKED, *ANSWERED)) and _dag_of(e) == _dag_of(asked):
            if isinstance(e, ANSWERED) and e.gate == asked.gate:
                return m, None
            return None, end or e.time
        if end is None and _ends(asked, e, dags):
            # Airflow may ask on: an answer to it still counts as one
            end = e.time
    return None, end


def _ends(asked: Asked, e: Event, dags: _Dags) -> bool:
    same_run = e.run_id == asked.run_id
    if isinstance(e, TaskFailed) and same_run and e.task_id == asked.task_id:
        return bool(asked.task_id)
    return isinstance(e, ENDS_ALL) or (not same_run and dags.of(e) == _dag_of(asked))


def _dag_of(e: Event) -> str:
    """Of a question, an answer or an order: migrate or promote."""
    return PROMOTE if getattr(e, "gate", None) == PROMOTE else "migrate"


def _answer(e: Answering) -> Answer:
    """Airflow's time of the answer where it is kept; the event follows by seconds."""
    match e:
        case GateAnswered():
            return Answer(e.option, moment(e.at or e.time).isoformat(), e.by, e.accept_warnings)
        case PromotionAnswered():
            return Answer(e.option or "Promote", moment(e.time).isoformat(), e.by)
        case RollbackBegun():
            return Answer("Roll back", moment(e.time).isoformat(), e.by)
        case GivenUp():
            return Answer("Give up", moment(e.time).isoformat(), e.by)


def _ordered(e: Answering, gate: str, shown: Sequence[str] = ()) -> Question:
    answer = _answer(e)
    return Question(
        gate,
        None,
        e.task_id or None,
        e.run_id or None,
        _dag_of(e),
        e.question if isinstance(e, GateAnswered) else None,
        e.sha256 if isinstance(e, GateAnswered) else None,
        shown=shown,
        answer=answer,
        ended_at=answer.at,
    )
