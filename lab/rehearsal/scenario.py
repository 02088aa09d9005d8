"""What the person at the gates does in one rehearsal, as a list of acts in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
PROCEED, ROLL_BACK = "Proceed", "Roll back"
SWITCH_DNS, REPOINT, RETIRE = "switch_dns.ask", "repoint.ask", "retire.ask"
GATES = (SWITCH_DNS, REPOINT, RETIRE)
END = "the end of the run"
ROLLBACKS = ("switch_dns", "repoint", "retire", "clear")
STORIES = ("rollback", "clears", "weights", "breach")


@dataclass(frozen=True)
class Answer:
    """Choose an option at a gate when it asks."""

    gate: str
    option: str

    @property
    def at(self) -> str:
        return self.gate

    def __str__(self) -> str:
        return f"{self.gate}: {self.option}"


@dataclass(frozen=True)
class Clear:
    """Clear a task, or all tasks of a group, with everything downstream, when a gate asks or the run is over."""

    at: str
    what: str

    def tasks(self, known: Sequence[str]) -> list[str]:
        """The task ids to clear among those of the DAG."""
        return sorted({t for t in known if t == self.what or t.startswith(self.what + ".")})

    def __str__(self) -> str:
        return f"at {self.at}: clear {self.what} with downstream"


@dataclass(frozen=True)
class ClearEach:
    """While a gate asks: clear every task that has run, one after the other and each alone, and see it green again."""

    at: str

    def tasks(self, instances: Sequence[Json]) -> list[str]:
        """The task ids in the order in which they ran; gates are left out, they refuse to be cleared alone."""
        done = [t for t in instances if t["state"] == "success" and t["task_id"] not in GATES]
        return list(
            dict.fromkeys(t["task_id"] for t in sorted(done, key=lambda t: str(t.get("start_date") or "")))
        )

    def __str__(self) -> str:
        return f"at {self.at}: clear each task alone"


Act = Answer | Clear | ClearEach


@dataclass(frozen=True)
class Scenario:
    """Acts, and what must stand at their end."""

    name: str
    acts: tuple[Act, ...]
    result: str
    """moved | rolled_back"""
    writes_moved: bool
    """Whether the writes are expected to move at all; only then is there a write pause."""
    variant: str = ""
    """Of the lab's spec: see lab.specs.VARIANTS."""
    dies: str = ""
    """The task that fails on purpose, and alone."""

    @property
    def owner(self) -> str:
        return "target" if self.result == "moved" else "source"


def _proceed(*gates: str) -> tuple[Act, ...]:
    return tuple(Answer(gate, PROCEED) for gate in gates)


def choose(rollback: str | None = None, story: str | None = None) -> Scenario:
    """The scenario of `make rehearse [ROLLBACK=...] [STORY=...]`."""
    back_by_clearing = (*_proceed(SWITCH_DNS, REPOINT), Clear(RETIRE, REPOINT), Answer(REPOINT, ROLL_BACK))
    if story == "rollback":
        again = (Clear(END, "validate"), *_proceed(*GATES))
        return Scenario(
            "move, roll back, move again, retire", (*back_by_clearing, *again), "moved", writes_moved=True
        )
    if story == "clears":
        (dns, writes, retire) = _proceed(*GATES)
        return Scenario(
            "move, and clear every task on the way",
            (dns, ClearEach(REPOINT), writes, ClearEach(RETIRE), retire),
            "moved",
            writes_moved=True,
        )
    if story in DNS_STORIES:
        return DNS_STORIES[story]
    if rollback == "clear":
        return Scenario(
            "move, then clear the repoint gate and roll back",
            back_by_clearing, "rolled_back", writes_moved=True,
        )  # fmt: skip
    if rollback:
        before = GATES[: [g.split(".")[0] for g in GATES].index(rollback)]
        acts = (*_proceed(*before), Answer(f"{rollback}.ask", ROLL_BACK))
        return Scenario(
            f"roll back at {rollback}", acts, "rolled_back", writes_moved=rollback == RETIRE.split(".")[0]
        )
    return Scenario("move", _proceed(*GATES), "moved", writes_moved=True)


DNS_STORIES = {
    "weights": Scenario(
        "the name moves by weights: 5, 25, 100 %", _proceed(*GATES), "moved", writes_moved=True, variant="weights"
    ),
    "breach": Scenario(
        "a bug in the cloud's release: the name goes back by itself", _proceed(SWITCH_DNS), "rolled_back",
        writes_moved=False, variant="weights-breach", dies="switch_dns.shift",
    ),
}  # fmt: skip
"""Stories of the name, each on a spec of its own."""
