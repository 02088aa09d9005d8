"""What the robot at the gates is going to do, for every way to call `make rehearse`."""

from __future__ import annotations

import pytest

from lab.rehearsal.scenario import EARLY, END, STORIES, Answer, Clear, choose
from lab.specs import VARIANTS
from livemove.switchover.promotion import sentence


def told(rollback: str | None = None, story: str | None = None) -> tuple[list[str], str]:
    scenario = choose(rollback, story)
    return [str(a) for a in scenario.acts], scenario.result


def test_plain_rehearsal_proceeds_at_all_three_gates() -> None:
    assert told() == (["switch_dns.ask: Proceed", "switchover.ask: Proceed", "retire.ask: Proceed"], "moved")


@pytest.mark.parametrize(
    ("gate", "proceeded", "writes_moved"),
    [("switch_dns", 0, False), ("switchover", 1, False), ("retire", 2, True)],
)
def test_rollback_answers_that_gate_and_no_later_one(gate: str, proceeded: int, writes_moved: bool) -> None:
    scenario = choose(gate)
    *before, last = scenario.acts
    assert [a.option for a in before if isinstance(a, Answer)] == ["Proceed"] * proceeded
    assert last == Answer(f"{gate}.ask", "Roll back")
    assert (scenario.result, scenario.owner, scenario.writes_moved) == ("rolled_back", "source", writes_moved)


@pytest.mark.parametrize("stage", EARLY)
def test_before_the_gates_the_way_back_is_the_dag_of_its_own(stage: str) -> None:
    scenario = choose(stage)
    assert [str(a) for a in scenario.acts] == [f"after {stage}: mark the run failed"]
    main, back = (leg.of("shop") for leg in scenario.legs)
    assert (main.dag, back.dag, back.conf["confirm"]) == ("migrate_shop", "rollback_shop", "shop")
    assert back.conf.get("give_up", False) is (stage == "replicate")
    assert (scenario.result, scenario.owner, scenario.stands["address"]) == (
        "rolled_back",
        "source",
        "source",
    )


def test_the_emergency_is_answered_with_the_sentence_and_may_lose_what_it_said() -> None:
    scenario = choose(story="promote")
    _, emergency, main = (leg.of("shop") for leg in scenario.legs)
    assert emergency.acts == (Answer("ask", "Promote", {"word": sentence("shop")}),)
    assert (main.dag, scenario.owner, scenario.may_lose) == ("migrate_shop", "target", True)
    assert not any(choose(story=s).may_lose for s in STORIES if s != "promote")


def test_rollback_by_clearing_goes_to_the_retire_gate_first() -> None:
    acts, result = told("clear")
    assert acts[2:] == ["at retire.ask: clear switchover.ask with downstream", "switchover.ask: Roll back"]
    assert result == "rolled_back"


def test_story_of_rollback_moves_a_second_time_in_the_same_run() -> None:
    acts, result = told(story="rollback")
    assert acts[4] == f"at {END}: clear validate with downstream"
    assert acts[5:] == told()[0]
    assert result == "moved"


def test_clearing_a_group_takes_its_tasks_and_no_namesake() -> None:
    known = ["validate.tables", "validate.compare", "validated.tables", "switch_dns.ask", "validate.compare"]
    assert Clear(END, "validate").tasks(known) == ["validate.compare", "validate.tables"]
    assert Clear(END, "switch_dns.ask").tasks(known) == ["switch_dns.ask"]


def test_the_stories_of_the_name_have_specs_of_their_own() -> None:
    weights, breach = choose(story="weights"), choose(story="breach")
    assert (weights.result, weights.variant, weights.expected_failure) == ("moved", "weights", "")
    assert (breach.result, breach.variant, breach.expected_failure) == (
        "rolled_back",
        "weights-breach",
        "switch_dns.shift",
    )
    assert {weights.variant, breach.variant} <= set(VARIANTS)
