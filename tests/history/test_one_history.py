"""Gate, rollback, console, report and CLI agree on one history. Crashed moves in memory, random questions."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from livemove.control.rows import ControlRows, SwitchoverStage
from livemove.history import History, RestsOn
from livemove.model.errors import LivemoveError
from livemove.model.ledger import Contents
from livemove.model.ports import ControlRow, ControlState, Json
from livemove.model.spec import Side, load_spec
from livemove.reporting import console, gates, report
from livemove.reporting.report_model import as_json
from livemove.switchover import manual_recovery
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.next_action import ActionKind, next_action
from livemove.switchover.operators.rollback import writes
from tests.doubles.contents import contents
from tests.doubles.memory import START
from tests.doubles.moving import Died, Universe
from tests.history.test_ownership import Watched
from tests.switchover.test_protocol import CALLS, back, die, lose, move

S, T = Side.SOURCE, Side.TARGET
PLUGINS = Path(__file__).parents[2] / "plugins" / "livemove"
SPEC = load_spec(PLUGINS.parents[1] / "include" / "migrations" / "shop.yaml")
LATER = START + timedelta(days=9)


# What each of them says -----------------------------------------------------------------------------
def by_console(kept: Contents) -> tuple[str | None, bool]:
    owner = console.build(SPEC, kept)["owner"]
    return owner["side"], owner["certain"]


def by_report(kept: Contents, rows: ControlRows) -> tuple[str | None, bool]:
    made = as_json(report.build("Shop", kept, now=LATER, rows=rows))
    return made["owner"], made["certain"]


def by_gate(text: str) -> tuple[str | None, bool]:
    """Read from the question as a person would."""
    (line,) = re.findall(r"^\*\*Owner now:\*\* (.*)$", text, re.M)
    owner = "source" if line.startswith("the data centre's") else "target" if line.startswith("RDS") else None
    return owner, "read both control rows" not in line


def by_cli(rows: ControlRows) -> str | None:
    return (owner := manual_recovery.ControlStates(rows.source, rows.target).owner) and str(owner)


def certainly(told: tuple[str | None, bool]) -> tuple[str | None, bool]:
    """A doubtful owner is nobody's to act on: the gate does not name it at all."""
    return (told[0], True) if told[1] else (None, False)


def agree(kept: Contents, rows: ControlRows) -> None:
    for read in (ControlRows(), rows):
        history = History(kept, read)
        now = history.current
        wanted = certainly((now.owner and str(now.owner), now.certain))
        assert certainly(by_report(kept, read)) == wanted
        for gate in ("switch_dns", "switchover", "retire"):
            assert by_gate(gates.body(gate, SPEC, gates.Evidence(history=history), "0" * 64)) == wanted
        if now.certain and now.owner is S and now.epoch == 1:
            assert writes(now) == "never left the data centre"
        else:
            assert writes(now) != "never left the data centre"
        if read.reading.stage is not SwitchoverStage.UNKNOWN:
            assert (by_cli(read), now.rests_on) == (now.owner, RestsOn.ROWS)
    assert certainly(by_console(kept)) == certainly(by_report(kept, ControlRows()))


def rows_of(world: Universe, unread: set[Side]) -> ControlRows:
    return ControlRows(*(None if side in unread else world.db[side].read() for side in Side))


# Random nights --------------------------------------------------------------------------------------
Act = tuple[str, int, bool]
ACTS = st.lists(
    st.tuples(
        st.sampled_from(["move", "back", "return path", "wait", "abort"]),
        st.one_of(st.none(), st.integers(0, CALLS - 1)),
        st.booleans(),
        st.sampled_from([die, lose]),
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=150)
@given(ACTS, st.sets(st.sampled_from([S, T])))
def test_whatever_strikes_they_say_the_same(
    acts: list[tuple[str, int | None, bool, Callable[[Universe, str], None]]], unread: set[Side]
) -> None:
    world = Watched()
    for n, (what, strike, after, fault) in enumerate(acts):
        if strike is not None:
            world.strike(strike, lambda name, fault=fault: fault(world, name), after=after)  # type: ignore[misc]
        with contextlib.suppress(Died, LivemoveError):
            {
                "move": lambda n=n: move(world, attempt=f"{n}"),
                "back": lambda: back(world),
                "return path": lambda: return_path.run(world.parts()),
                "wait": lambda: world.wait(30),
                "abort": lambda: manual_recovery.abort(world.parts()),
            }[what]()
        world.dead, world.fault, world.at_call = False, None, None
        agree(world.ledger.snapshot(), rows_of(world, unread))


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "gate_asked",
                    "gate_answered",
                    "promotion_asked",
                    "promotion_answered",
                    "task_failed",
                    "rollback_begun",
                    "promoted",
                    "given_up",
                    "ttl_lowered",
                    "task_ran",
                ]
            ),
            st.sampled_from(["switch_dns", "switchover", "retire"]),
            st.sampled_from(["first", "second"]),
        ),
        max_size=12,
    )
)
def test_whatever_is_asked_they_say_the_same(found: list[tuple[str, str, str]]) -> None:
    documents: Json = {}
    events: list[Json] = []
    for n, (what, gate, run) in enumerate(found):
        of_promotion = what.startswith("promot")
        at = (START + timedelta(minutes=n)).isoformat()
        common = {
            "event": what,
            "time": at,
            "run_id": run + " promotion" * of_promotion,
            "task_id": "ask" if of_promotion else f"{gate}.ask",
        }
        if what == "task_ran":
            spans = documents.setdefault("ran/provision.plan", {"spans": []})["spans"]
            spans.append(
                {"began": at, "ended": at, "state": "success", "dag_id": "migrate_shop", "run_id": run}
            )
        elif what == "rollback_begun":
            events.append({**common, "gate": "rollback_shop", "task_id": "rollback.begin", "run_id": "back"})
        elif what == "promoted":
            events.append({**common, "epoch": 2, "owner": "target"})
        else:
            events.append(
                {**common, "gate": "promote" if of_promotion else gate, "option": "Proceed", "error": "X"}
            )
    kept = contents(documents, events)
    seen = console.build(SPEC, kept)
    made = as_json(report.build("Shop", kept, now=LATER))
    open_ones = [(d["gate"], d["asked_at"]) for d in made["decisions"] if d["asked_at"] and not d["ended_at"]]
    question = seen["question"]
    assert (question and (question["gate"], question["asked_at"])) == (open_ones[-1] if open_ones else None)
    of_console = [
        (d["gate"], d["asked_at"], d["at"], d["answer"], d["ended_at"]) for d in reversed(seen["decisions"])
    ]
    of_report = [
        (d["gate"], d["asked_at"], d["answered_at"], d["option"], d["ended_at"]) for d in made["decisions"]
    ]
    assert of_console == of_report
    for d in made["decisions"]:
        if d["asked_at"] and not d["ended_at"]:
            asked = (LATER - START).total_seconds()
            assert d["waited_seconds"] > asked - 3600


# What they said differently before ------------------------------------------------------------------
def struck_after_the_commit() -> Watched:
    world = Watched()
    began = len(world.calls)
    move(world)
    names = world.calls[began:]
    world = Watched()
    world.strike(names.index("target claim"), lambda name: lose(world, name), after=False)
    world.db[T].reachable = True
    with contextlib.suppress(LivemoveError):
        move(world)
    return world


def test_after_a_commit_that_was_not_finished_nobody_is_named_as_the_owner() -> None:
    world = struck_after_the_commit()
    assert world.db[S].state is ControlState.CEDED
    for rows, certain in ((ControlRows(), False), (rows_of(world, set()), True)):
        now = History(world.ledger.snapshot(), rows).current
        assert (now.owner, now.stage, now.to, now.certain) == (None, SwitchoverStage.COMMITTED, T, certain)
        assert "committed" in writes(now)


def test_a_take_over_that_was_not_opened_has_no_owner_for_anybody() -> None:
    documents = {"promotion/2": {"epoch": 2, "owner": "target", "last_watermark": START.isoformat()}}
    agree(contents(documents), ControlRows())
    assert by_report(contents(documents), ControlRows()) == (None, False)
    opened = {"event": "promoted", "epoch": 2, "owner": "target", "time": LATER.isoformat()}
    assert by_report(contents(documents, [opened]), ControlRows()) == ("target", True)
    assert by_console(contents(documents, [opened])) == ("target", True)


def test_rows_that_contradict_the_ledger_leave_nothing_certain() -> None:
    alone = ControlRows(target=ControlRow(T, ControlState.FOLLOW, 3))
    now = History(rows=alone).current
    assert (now.owner, now.certain, now.rests_on) == (None, False, RestsOn.UNKNOWN)
    fits = ControlRows(target=ControlRow(T, ControlState.FOLLOW, 1))
    now = History(rows=fits).current
    assert (now.owner, now.certain, now.rests_on) == (S, True, RestsOn.LEDGER)


def test_the_rows_owner_is_that_of_the_next_action() -> None:
    """control/rows.py and switchover/next_action.py read the same rows: they must name the same owner."""
    for fs, fe, ts, te in itertools.product(ControlState, (1, 2, 3), ControlState, (1, 2, 3)):
        for f, t in (
            (ControlRow(S, fs, fe), ControlRow(T, ts, te)),
            (ControlRow(S, fs, fe), None),
            (None, ControlRow(T, ts, te)),
            (ControlRow(S, fs, fe), ControlRow(T, ts, te, promoted=True)),
        ):
            message = ControlRows(f, t).reading
            there, home = next_action(f, t, to=T), next_action(t, f, to=S)
            assert message.owner == (there.owner or home.owner), (f, t)
            if message.stage is SwitchoverStage.COMMITTED and message.to is T:
                assert there.do in (ActionKind.GO_ON, ActionKind.REBUILD), (f, t)


# One place ------------------------------------------------------------------------------------------
READERS = re.compile(
    r"completed_switchovers import|history\.ownership import (?!.*\b(?:Result|moment|OwnershipChange)\b)"
    r"""|["'](?:switchover|promotion)/["']|read\(f?["'](?:switchover|promotion)/"""
    r"|ownership_changes\(|\bcompleted\(|closed_since\("
)


def test_nobody_but_history_derives_the_owner_from_the_ledger() -> None:
    allowed = {
        "reporting/console/__init__.py": 2,  # the list of documents that it reads
        "reporting/console/attempts.py": 1,  # the steps of each attempt
        "servers/operators/servers.py": (
            1
        ),  # whether anybody promoted at all: his word that the machine is off
        "switchover/promotion.py": 2,  # what it kept itself, to go on from
        "reporting/report.py": 1,  # the bound of what a promotion may have lost
    }
    for path in sorted(PLUGINS.rglob("*.py")):
        name = str(path.relative_to(PLUGINS))
        if not name.startswith("history/"):
            hits = READERS.findall(path.read_text(encoding="utf-8"))
            assert len(hits) <= allowed.get(name, 0), (name, hits)
