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
from dataclasses import dataclass, field
from datetime import datetime

from livemove.history.ownership import moment
from livemove.history.task_runs import TaskRun
from livemove.model.ports import Json
from livemove.model.stages import GATES, GIVE_UP_STAGE

PROMOTE = "promote"
"""The emergency's question, beside the three gates."""
ASKED = ("gate_asked", "promotion_asked")
ANSWERED = ("gate_answered", "promotion_answered")
ENDS_ALL = ("rollback_begun", "promoted")
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
    facts: Json = field(default_factory=dict)
    """What else the answer's form said."""


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


def questions(events: Sequence[Json], runs: Sequence[TaskRun]) -> list[Question]:
    """Oldest first. `events`: oldest first; `runs`: the task attempts that have ended."""
    dags = _Dags({r.run_id: r.dag_id.partition("_")[0] for r in runs}, runs)
    found: list[Question] = []
    used: set[int] = set()
    for n, e in enumerate(events):
        match e.get("event"):
            case "gate_asked" | "promotion_asked":
                found.append(_question(n, events, dags, used))
            case "gate_answered" | "promotion_answered" if n not in used:
                found.append(_ordered(e, _gate(e), _answer(e)))
            case "rollback_begun" if e.get("gate") not in GATES:
                found.append(_ordered(e, str(e.get("gate")), _answer(e, "Roll back"), _undone(e)))
            case "given_up":
                found.append(_ordered(e, GIVE_UP_STAGE.id, _answer(e, "Give up")))
    return found


@dataclass(frozen=True)
class _Dags:
    """Which DAG a run belongs to."""

    known: Mapping[str, str]
    runs: Sequence[TaskRun]

    def of(self, e: Json) -> str:
        """migrate, rollback or promote; "" when nothing tells. An older event does not name
        it; then a task that its run has ended tells, or the task's own id."""
        if dag := str(e.get("dag_id") or "").partition("_")[0] or self.known.get(str(e.get("run_id"))):
            return dag
        group, in_group, _ = str(e.get("task_id") or "").partition(".")
        if in_group:
            return "" if group in SHARED else "migrate"
        return PROMOTE if group in EMERGENCY else ""

    def another_began(self, dag: str, run_id: object, at: str) -> str | None:
        """When a task of another run of this DAG began after `at`."""
        began = (r.began for r in self.runs if r.dag_id.partition("_")[0] == dag and r.run_id != run_id)
        return min((t for t in began if moment(t) > moment(at)), default=None, key=moment)


def _question(n: int, events: Sequence[Json], dags: _Dags, used: set[int]) -> Question:
    asked = events[n]
    gate, dag, at = _gate(asked), _asks(asked), str(asked["time"])
    answered, end = _end(n, events, dags)
    answer = None
    if answered is not None:
        used.add(answered)
        answer = _answer(events[answered])
        end = answer.at
    elif (began := dags.another_began(dag, asked.get("run_id"), at)) and (
        end is None or moment(began) < moment(end)
    ):
        end = began
    return Question(
        gate,
        at,
        asked.get("task_id"),
        asked.get("run_id"),
        dag,
        asked.get("question"),
        asked.get("sha256"),
        asked.get("timeout"),
        list(asked.get("saw") or asked.get("says") or ()),
        answer,
        end,
    )


def _end(n: int, events: Sequence[Json], dags: _Dags) -> tuple[int | None, str | None]:
    """The place of its answer, or when it ended without one; neither while it waits."""
    asked, end = events[n], None
    for m, e in enumerate(events[n + 1 :], n + 1):
        if _of_a_question(e) and _asks(e) == _asks(asked):
            if e["event"] in ANSWERED and _gate(e) == _gate(asked):
                return m, None
            return None, end or str(e["time"])
        if end is None and _ends(asked, e, dags):
            # Airflow may ask on: an answer to it still counts as one
            end = str(e["time"])
    return None, end


def _ends(asked: Json, e: Json, dags: _Dags) -> bool:
    same_run = e.get("run_id") == asked.get("run_id")
    if e.get("event") == "task_failed" and same_run and e.get("task_id") == asked.get("task_id"):
        return bool(asked.get("task_id"))
    return e.get("event") in ENDS_ALL or (not same_run and dags.of(e) == _asks(asked))


def _of_a_question(e: Json) -> bool:
    return e.get("event") in ASKED or e.get("event") in ANSWERED


def _gate(e: Json) -> str:
    return str(e.get("gate") or PROMOTE)


def _asks(e: Json) -> str:
    """The DAG of a question or an answer."""
    return PROMOTE if _gate(e) == PROMOTE else "migrate"


def _answer(e: Json, otherwise: str | None = None) -> Answer:
    if otherwise is None and e.get("event") == "promotion_answered":
        otherwise = "Promote"  # an event of before its option was kept
    own = ("event", "time", "run_id", "task_id", "gate", "sha256", "question", "option", "at", "by")
    facts = {k: v for k, v in e.items() if k not in own}
    return Answer(e.get("option") or otherwise, _when(e), e.get("by"), facts)


def _when(e: Json) -> str:
    """Airflow's time of the answer where it is kept; the event follows by seconds."""
    return moment(str(e.get("at") or e["time"])).isoformat()


def _undone(e: Json) -> list[str]:
    return [f"the writes: {e.get('writes')}", f"the name: {e.get('name')}"]


def _ordered(e: Json, gate: str, answer: Answer, shown: Sequence[str] = ()) -> Question:
    return Question(
        gate,
        None,
        e.get("task_id"),
        e.get("run_id"),
        _asks(e),
        e.get("question"),
        e.get("sha256"),
        shown=shown,
        answer=answer,
        ended_at=answer.at,
    )
