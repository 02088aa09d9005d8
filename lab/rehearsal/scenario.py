"""What the person at the gates does in one rehearsal, as a list of acts in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from livemove.model.approvals import PROCEED, PROMOTE, ROLL_BACK

Json = dict[str, Any]
SWITCH_DNS, SWITCH_OVER, RETIRE = "switch_dns.ask", "switchover.ask", "retire.ask"
GATES = (SWITCH_DNS, SWITCH_OVER, RETIRE)
END = "the end of the run"
EARLY = ("preflight", "provision", "trial", "replicate", "validate")
"""Chapters without a gate: they are rolled back by the rollback DAG, and the main run is ended."""
ROLLBACKS = (*EARLY, "switch_dns", "switchover", "retire", "clear")
STORIES = ("rollback", "clears", "promote", "weights", "breach")


@dataclass(frozen=True)
class Answer:
    """Choose an option at a gate when it asks."""

    gate: str
    option: str
    words: Mapping[str, str] = field(default_factory=dict)
    """What is typed beside the option."""

    def of(self, service: str) -> Answer:
        return replace(self, words={k: v.format(service=service) for k, v in self.words.items()})

    @property
    def at(self) -> str:
        return self.gate

    def __str__(self) -> str:
        return f"{self.gate}: {self.option}"


@dataclass(frozen=True)
class Clear:
    """Clear a task or a group, with everything downstream, when a gate asks or the run is over."""

    at: str
    what: str

    def tasks(self, known: Sequence[str]) -> list[str]:
        """The task ids to clear among those of the DAG."""
        return sorted({t for t in known if t == self.what or t.startswith(self.what + ".")})

    def __str__(self) -> str:
        return f"at {self.at}: clear {self.what} with downstream"


@dataclass(frozen=True)
class ClearEach:
    """While a gate asks: clear every task that has run, one by one, and wait until it is green again."""

    at: str

    def tasks(self, instances: Sequence[Json]) -> list[str]:
        """The task ids in the order in which they ran, without gates, which refuse to be cleared alone."""
        done = [t for t in instances if t["state"] == "success" and t["task_id"] not in GATES]
        return list(
            dict.fromkeys(t["task_id"] for t in sorted(done, key=lambda t: str(t.get("start_date") or "")))
        )

    def __str__(self) -> str:
        return f"at {self.at}: clear each task alone"


@dataclass(frozen=True)
class KillSource:
    """While a gate asks: the whole host of the data centre dies, kill -9."""

    at: str

    def __str__(self) -> str:
        return f"at {self.at}: kill -9 of everything in the data centre"


@dataclass(frozen=True)
class Abandon:
    """Mark the run failed, when every task of a chapter is done or while a gate asks. The run's last act."""

    at: str

    def __str__(self) -> str:
        return f"after {self.at}: mark the run failed"


@dataclass(frozen=True)
class Resume:
    """In a failed run: mark the rest of a chapter as success, and clear the gate after it with downstream."""

    done: str
    gate: str
    at: str = "the failed run"
    beside: str = "switch_dns.watch"
    """A task outside the chapter that is marked too; left failed, it would fail the run at its end."""

    def tasks(self, instances: Sequence[Json]) -> list[str]:
        """The ids of the tasks that are to be marked."""
        mine = (t for t in instances if t["task_id"].startswith((self.done + ".", self.beside)))
        return sorted({t["task_id"] for t in mine if t["state"] != "success"})

    def __str__(self) -> str:
        return f"mark {self.done} and {self.beside} as success, clear {self.gate} with downstream"


Act = Answer | Clear | ClearEach | KillSource | Abandon | Resume


@dataclass(frozen=True)
class Leg:
    """One DAG's part of a story: a new run, or the run that this story began before."""

    dag: str
    """migrate | rollback | promote"""
    acts: tuple[Act, ...] = ()
    conf: Mapping[str, Any] = field(default_factory=dict)
    """What the trigger form says."""

    def of(self, service: str) -> Leg:
        """The same with {service} replaced by the service's name."""
        said = {k: v.format(service=service) if isinstance(v, str) else v for k, v in self.conf.items()}
        acts = tuple(a.of(service) if isinstance(a, Answer) else a for a in self.acts)
        return Leg(f"{self.dag}_{service}", acts, said)


@dataclass(frozen=True)
class Scenario:
    """Acts, and what must stand at their end."""

    name: str
    acts: tuple[Act, ...]
    result: str
    """moved | rolled_back"""
    writes_moved: bool
    """Whether the writes are expected to move at all; only then is there a write pause."""
    then: tuple[Leg, ...] = ()
    """What is done with other DAGs after the acts, in order."""
    stands: Mapping[str, Any] = field(default_factory=dict)
    """What `Evidence.standing` must say at the end, as far as it is named here."""
    may_lose: bool = False
    """Acknowledged writes may be missing, within the bound that the promotion stated."""
    variant: str = ""
    """Of the lab's spec: see lab.specs.VARIANTS."""
    expected_failure: str = ""
    """The task that fails on purpose, and alone."""

    @property
    def legs(self) -> tuple[Leg, ...]:
        return (Leg("migrate", self.acts), *self.then)

    @property
    def owner(self) -> str:
        return "target" if self.result == "moved" else "source"


def _proceed(*gates: str) -> tuple[Act, ...]:
    return tuple(Answer(gate, PROCEED) for gate in gates)


SOURCE_SERVES = {"address": "source"}
UNTOUCHED = {"source": "none", "target": "none", "replication": [], "ttl": "old"}
FOLLOWED = {"source": "OPEN@1", "target": "FOLLOW@1", "replication": ["e1 running"], "ttl": "short"}
AFTER_ROLLBACK: Mapping[str, Json] = {
    "preflight": UNTOUCHED,
    "provision": UNTOUCHED,
    "trial": UNTOUCHED,
    "replicate": UNTOUCHED,  # the form said "Give up"
    "validate": FOLLOWED,
    "switch_dns": FOLLOWED,
    "switchover": {**FOLLOWED, "replication": ["e1 running", "e2 ready"]},
    "retire": {"source": "OPEN@3", "target": "FOLLOW@3", "ttl": "short"},
}
"""What a rollback from each stage leaves behind; docs/runbook.md says the same in words."""
GIVES_UP = ("replicate",)


def choose(rollback: str | None = None, story: str | None = None) -> Scenario:
    """The scenario of `make rehearse [ROLLBACK=...] [STORY=...]`."""
    if story:
        scenarios = {
            "rollback": _there_and_back,
            "clears": _clears,
            "promote": _promote,
            "weights": _weights,
            "breach": _breach,
        }
        return scenarios[story]()
    if rollback in EARLY:
        return _early(rollback)
    if rollback == "clear":
        return Scenario(
            "move, then clear the gate of the switchover and roll back",
            BACK_BY_CLEARING,
            "rolled_back",
            writes_moved=True,
            stands=SOURCE_SERVES,
        )
    if rollback:
        before = GATES[: [g.split(".")[0] for g in GATES].index(rollback)]
        acts = (*_proceed(*before), Answer(f"{rollback}.ask", ROLL_BACK))
        return Scenario(
            f"roll back at {rollback}",
            acts,
            "rolled_back",
            writes_moved=rollback == RETIRE.split(".")[0],
            stands=SOURCE_SERVES | AFTER_ROLLBACK[rollback],
        )
    return Scenario("move", _proceed(*GATES), "moved", writes_moved=True)


BACK_BY_CLEARING = (
    *_proceed(SWITCH_DNS, SWITCH_OVER),
    Clear(RETIRE, SWITCH_OVER),
    Answer(SWITCH_OVER, ROLL_BACK),
)


def _early(stage: str) -> Scenario:
    conf = {"confirm": "{service}", **({"give_up": True} if stage in GIVES_UP else {})}
    return Scenario(
        f"roll back after {stage}, by the DAG of its own" + (", and give up" if stage in GIVES_UP else ""),
        (Abandon(stage),),
        "rolled_back",
        writes_moved=False,
        then=(Leg("rollback", conf=conf),),
        stands=SOURCE_SERVES | AFTER_ROLLBACK[stage],
    )


def _there_and_back() -> Scenario:
    again = (Clear(END, "validate"), *_proceed(*GATES))
    return Scenario(
        "move, roll back, move again, retire", (*BACK_BY_CLEARING, *again), "moved", writes_moved=True
    )


def _clears() -> Scenario:
    dns, writes, retire = _proceed(*GATES)
    acts = (dns, ClearEach(SWITCH_OVER), writes, ClearEach(RETIRE), retire)
    return Scenario("move, and clear every task on the way", acts, "moved", writes_moved=True)


def _promote() -> Scenario:
    """The name has moved, both sites' servers write to the data centre, and its only machine dies."""
    said = Answer("ask", PROMOTE, {"word": "the source of {service} is off"})
    return Scenario(
        "the data centre dies for good before the writes moved: promote, then retire what is left",
        (*_proceed(SWITCH_DNS), KillSource(SWITCH_OVER), Abandon(SWITCH_OVER)),
        "moved",
        writes_moved=True,
        then=(
            Leg("promote", (said,)),
            Leg("migrate", (Resume("switchover", RETIRE), *_proceed(RETIRE))),
        ),
        may_lose=True,
        stands={"address": "target", "ttl": "old"},
    )


def _weights() -> Scenario:
    return Scenario(
        "the name moves by weights: 5, 25, 100 %",
        _proceed(*GATES),
        "moved",
        writes_moved=True,
        variant="weights",
        stands={"address": "target", "ttl": "old"},
    )


def _breach() -> Scenario:
    return Scenario(
        "a bug in the cloud's release: the name goes back by itself",
        _proceed(SWITCH_DNS),
        "rolled_back",
        writes_moved=False,
        variant="weights-breach",
        expected_failure="switch_dns.shift",
        stands=SOURCE_SERVES,
    )
