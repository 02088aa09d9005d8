"""Follows one run to its end and does at the gates what a person would do.

It reads what Airflow shows and answers through the same REST calls as the UI; it knows nothing of the lab.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lab.rehearsal.scenario import END, Abandon, Act, Answer, Clear, ClearEach, KillSource, Resume

Json = dict[str, Any]
PATIENCE = 8.0
"""Seconds between a gate's question and the answer: sooner, Airflow 3.3.2 may mark the gate failed."""
POLL = 1.0
ASKING = "awaiting_input"
AT_WORK = ("running", "queued", "restarting")
ENDED = 120.0
"""Seconds in which the tasks of a run that was marked failed end: Airflow signals them, they clean up."""
OVER = ("success", "failed")
CLEARED = 300.0
"""Seconds for a task that was cleared alone to be green again; it finds its work done."""
DEAD = ("failed", "upstream_failed")


class Api(Protocol):
    """The calls of `lab.rehearsal.api.AirflowApi` that the robot makes."""

    def run(self, dag_id: str, run_id: str) -> Json: ...
    def task_instances(self, dag_id: str, run_id: str) -> list[Json]: ...
    def question(self, dag_id: str, run_id: str, task_id: str) -> Json: ...
    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, params: Json) -> None: ...
    def clear(
        self, dag_id: str, run_id: str, task_ids: list[str], note: str, *, downstream: bool = True
    ) -> int: ...
    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int, map_index: int = -1) -> list[str]: ...
    def mark_success(self, dag_id: str, run_id: str, task_id: str) -> None: ...
    def fail_run(self, dag_id: str, run_id: str) -> None: ...


class StoryError(RuntimeError):
    """The run did not go as the scenario says."""


@dataclass
class Robot:
    """`follow` returns when the last act is done and the run is over; StoryError when it cannot get there."""

    api: Api
    dag_id: str
    run_id: str
    acts: Sequence[Act]
    say: Callable[[str], None]
    seen: Callable[[Json, Sequence[Json]], None] = lambda run, tasks: None
    """Called at every look with the run and its task instances."""
    kill_source: Callable[[], None] = lambda: None
    note: str = "rehearsal"
    """What Airflow keeps beside each clear."""
    expected_failure: str = ""
    """The task that the story makes fail."""
    patience: float = PATIENCE
    """Seconds that it reads each question."""
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _asked: dict[tuple[str, int], float] = field(default_factory=dict)
    _answered: set[tuple[str, int]] = field(default_factory=set)

    def follow(self, *, timeout: float) -> None:
        acts = list(self.acts)
        deadline = self.clock() + timeout
        while True:
            run = self.api.run(self.dag_id, self.run_id)
            tasks = self.api.task_instances(self.dag_id, self.run_id)
            self.seen(run, tasks)
            if run["state"] == "failed" and not (acts and isinstance(acts[0], Resume)):
                raise StoryError(f"The run failed: {_failed(tasks)}")
            if run["state"] == "success" and not acts:
                self._nothing_died(tasks)
                return
            if run["state"] == "success" and acts[0].at != END:
                raise StoryError(f"The run ended before this could be done: {acts[0]}")
            if acts and self._due(acts[0], run, tasks):
                if isinstance(acts[0], Abandon):
                    self._abandon()
                    return
                self._do(acts.pop(0), tasks)
                deadline = max(deadline, self.clock() + timeout / 2)
            elif (gate := self._unexpected(acts, tasks)) is not None:
                raise StoryError(f"{gate} asks, but what comes next is: {acts[0] if acts else END}")
            if self.clock() > deadline:
                raise StoryError(f"No end after {timeout:.0f} s; {_busy(tasks)}")
            self.sleep(POLL)

    def _due(self, act: Act, run: Json, tasks: Sequence[Json]) -> bool:
        """Whether the act's moment has come, and has lasted as long as a person needs to read."""
        if act.at == END:
            return bool(run["state"] == "success")
        if isinstance(act, Resume):
            return bool(run["state"] == "failed")
        if chapter := [t["state"] for t in tasks if t["task_id"].startswith(act.at + ".")]:
            return all(state == "success" for state in chapter)
        gate = _find(tasks, act.at)
        if gate is None or gate["state"] != ASKING:
            return False
        key = (act.at, int(gate["try_number"]))
        if key in self._answered:
            return False
        if key not in self._asked:
            self._asked[key] = self.clock()
            self.say(f"{act.at} asks: {self.api.question(self.dag_id, self.run_id, act.at)['subject']}")
        # a machine dies without waiting for anybody
        return isinstance(act, KillSource) or self.clock() - self._asked[key] >= self.patience

    def _do(self, act: Act, tasks: Sequence[Json]) -> None:
        if isinstance(act, Answer):
            gate = _find(tasks, act.gate)
            assert gate is not None
            asked = self.api.question(self.dag_id, self.run_id, act.gate).get("params") or {}
            params = {name: True if name == "accept_warnings" else _value(p) for name, p in asked.items()}
            params |= act.words
            self.api.answer(self.dag_id, self.run_id, act.gate, act.option, params)
            self._answered.add((act.gate, int(gate["try_number"])))
            self.say(f"{act.gate}: {act.option}")
            return
        if isinstance(act, ClearEach):
            for task_id in act.tasks(tasks):
                self._clear_alone(task_id)
            self._asked.clear()
            return
        if isinstance(act, KillSource):
            self.kill_source()
            self.say("kill -9 of everything in the data centre")
            return
        if isinstance(act, Resume):
            for task_id in act.tasks(tasks):
                self.api.mark_success(self.dag_id, self.run_id, task_id)
            self.say(f"marked as success: {', '.join(act.tasks(tasks))}")
            ids, what = [act.gate], act.gate
        else:
            assert isinstance(act, Clear)
            ids, what = act.tasks([t["task_id"] for t in tasks]), act.what
        if not ids:
            raise StoryError(f"Nothing in the DAG is called {what}")
        count = self.api.clear(self.dag_id, self.run_id, ids, self.note)
        self._asked.clear()
        self.say(f"cleared {what} with downstream: {count} task instances")

    def _abandon(self) -> None:
        """Mark the run failed and wait until none of its tasks is at work."""
        self.api.fail_run(self.dag_id, self.run_id)
        self.say("the run was marked failed")
        deadline = self.clock() + ENDED
        while busy := [t for t in self.api.task_instances(self.dag_id, self.run_id) if t["state"] in AT_WORK]:
            if self.clock() > deadline:
                raise StoryError(f"The run was marked failed, and after {ENDED:.0f} s {_busy(busy)}")
            self.sleep(POLL)

    def _clear_alone(self, task_id: str) -> None:
        """One task again, nothing after it; StoryError unless it ends green, or refuses with its reason.

        A refusal is marked as success, as a person would who sees that what the task did once still stands.
        """
        before = {t["map_index"]: t["try_number"] for t in self._instances(task_id)}
        self.api.clear(self.dag_id, self.run_id, [task_id], self.note, downstream=False)
        deadline = self.clock() + CLEARED
        while True:
            tasks = self.api.task_instances(self.dag_id, self.run_id)
            self.seen(self.api.run(self.dag_id, self.run_id), tasks)
            mine = [t for t in tasks if t["task_id"] == task_id]
            if dead := [t for t in mine if t["state"] in DEAD]:
                if not (why := self._refused(dead[0])):
                    raise StoryError(f"{task_id} was green, and failed when it was cleared alone")
                self.api.mark_success(self.dag_id, self.run_id, task_id)
                self.say(f"cleared {task_id} alone: {why}")
                return
            again = all(t["try_number"] > before.get(t["map_index"], 0) for t in mine)
            if again and all(t["state"] == "success" for t in mine):
                self.say(f"cleared {task_id} alone: green again")
                return
            if self.clock() > deadline:
                raise StoryError(f"{task_id} was cleared alone and is not done after {CLEARED:.0f} s")
            self.sleep(POLL)

    def _refused(self, task: Json) -> str:
        """The words with which it refused; empty when it failed otherwise."""
        lines = self.api.log(
            self.dag_id, self.run_id, task["task_id"], int(task["try_number"]), int(task.get("map_index", -1))
        )
        return next((line for line in reversed(lines) if line.startswith("RefusedError")), "")

    def _instances(self, task_id: str) -> list[Json]:
        return [t for t in self.api.task_instances(self.dag_id, self.run_id) if t["task_id"] == task_id]

    def _unexpected(self, acts: Sequence[Act], tasks: Sequence[Json]) -> str | None:
        """A gate that asks although the next act belongs to another gate."""
        awaited = acts[0].at if acts else None
        for t in tasks:
            key = (t["task_id"], int(t["try_number"]))
            if t["state"] == ASKING and t["task_id"] != awaited and key not in self._answered:
                # after a clear the old question may still be on its way out
                self._asked.setdefault(key, self.clock())
                if self.clock() - self._asked[key] > 4 * self.patience:
                    return str(t["task_id"])
        return None

    def _nothing_died(self, tasks: Sequence[Json]) -> None:
        # a run is green when its last tasks are, whatever failed on the way
        failed = {t["task_id"] for t in tasks if t["state"] == "failed"}
        if self.expected_failure and self.expected_failure not in failed:
            raise StoryError(f"{self.expected_failure} was to fail, and did not")
        if self.expected_failure and failed == {self.expected_failure}:
            return
        if any(t["state"] in DEAD for t in tasks):
            raise StoryError(f"The run is green, but tasks died: {_failed(tasks)}")


def _find(tasks: Sequence[Json], task_id: str) -> Json | None:
    return next((t for t in tasks if t["task_id"] == task_id), None)


def _value(param: Any) -> Any:
    """A gate's param as the API shows it: {"value": ...} or the value itself."""
    return param["value"] if isinstance(param, dict) and "value" in param else param


def _failed(tasks: Sequence[Json]) -> str:
    names = [t["task_id"] for t in tasks if t["state"] == "failed"]
    return ", ".join(names) or "no task did; see the scheduler's log"


def _busy(tasks: Sequence[Json]) -> str:
    names = [
        f"{t['task_id']} {t['state']}" for t in tasks if t["state"] not in (*OVER, None, "skipped", "removed")
    ]
    return "at work: " + (", ".join(names) or "nothing")
