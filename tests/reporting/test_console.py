"""What the console says at each moment of a night, from the ledger alone."""

from __future__ import annotations

import json
import random

import pytest

from livemove.model.ports import Json
from livemove.reporting import console
from livemove.reporting.console import build
from tests.doubles.contents import contents
from tests.ui.ledger_fixtures import (
    MOMENTS,
    RUN,
    SPEC,
    TABLES,
    answers,
    asks,
    at,
    attempt,
    move,
    night,
    note,
    ran,
    stamp,
)


def page(moment: str, **more: str) -> Json:
    return build(SPEC, contents(*night(moment)), **more)


def states(model: Json) -> dict[str, str]:
    return {c["name"]: c["state"] for c in model["chapters"]}


@pytest.mark.parametrize("moment", MOMENTS)
def test_every_moment_gives_a_page_of_json(moment: str) -> None:
    model = page(moment)
    assert json.loads(json.dumps(model)) == model
    assert (model["service"], model["name"]) == ("shop", "www.shop.test")


def test_an_empty_ledger_says_of_each_part_what_it_waits_for() -> None:
    model = page("nothing")
    assert set(model["missing"]) == set(console.WRITES)
    assert all(message.endswith(".") for message in model["missing"].values())
    assert model["owner"]["side"] == "source"
    assert model["way_back"]["tone"] == "good"
    assert set(states(model).values()) == {"ahead"}


@pytest.mark.parametrize(
    "name", sorted(n for n in night("back")[0] if not n.startswith(("ran/", "questions/")))
)
def test_any_document_may_be_missing(name: str) -> None:
    documents, events = night("back")
    del documents[name]
    build(SPEC, contents(documents, events))


def test_the_order_of_the_events_does_not_matter() -> None:
    documents, events = night("back")
    mixed = random.Random(7).sample(events, len(events))
    assert build(SPEC, contents(documents, mixed)) == build(SPEC, contents(documents, events))


# Owner and rollback
@pytest.mark.parametrize(
    ("moment", "side", "epoch"),
    [
        ("load", "source", 1),
        ("dual", "source", 1),
        ("moved", "target", 2),
        ("soaked", "target", 2),
        ("back", "source", 3),
    ],
)
def test_the_owner_flips_with_each_move(moment: str, side: str, epoch: int) -> None:
    owner = page(moment)["owner"]
    assert (owner["side"], owner["epoch"]) == (side, epoch)


COMMITTED = "A move to AWS is committed and not finished"
HOMEWARD = "A move back to the data centre is committed and not finished"
DOUBT = "It is not certain which database is the owner: read both control rows (livemove status)"


@pytest.mark.parametrize(
    ("moment", "to", "epoch", "result", "message"),
    [
        ("dual", "target", 2, "incomplete", COMMITTED),
        ("dual", "target", 2, "unknown", DOUBT),
        ("dual", "target", 2, None, DOUBT),
        ("soaked", "source", 3, "incomplete", HOMEWARD),
        ("soaked", "source", 3, "unknown", DOUBT),
        ("soaked", "source", 3, None, DOUBT),
    ],
)
def test_a_move_that_hangs_names_no_owner_and_promises_no_way_back(
    moment: str, to: str, epoch: int, result: str | None, message: str
) -> None:
    documents, events = night(moment)
    attempt(events, 30, epoch, to, result=result or "", ended=30.2 if result else None)
    model = build(SPEC, contents(documents, events))
    assert (model["owner"]["certain"], model["owner"]["tone"]) == (False, "bad")
    assert model["owner"]["headline"] == message
    assert model["owner"]["side"] == (None if result else "source" if to == "target" else "target")
    assert (model["way_back"]["tone"], model["way_back"]["until"]) == ("warn", None)
    assert "loses nothing" not in json.dumps(model["way_back"])


@pytest.mark.parametrize(("moment", "to", "epoch"), [("dual", "target", 2), ("soaked", "source", 3)])
def test_a_move_that_opened_the_other_side_has_moved_the_owner_and_says_what_is_left(
    moment: str, to: str, epoch: int
) -> None:
    documents, events = night(moment)
    attempt(events, 30, epoch, to, result="incomplete", ended=30.2)
    events[-1]["opened_at"] = at(30.1)
    model = build(SPEC, contents(documents, events))
    owner = model["owner"]
    assert (owner["side"], owner["epoch"], owner["certain"], owner["tone"]) == (to, epoch, True, "warn")
    assert owner["since"] == at(30.1)
    assert "not finished" in owner["message"]
    assert (
        model["way_back"]["headline"]
        == {
            "target": "Reverse replication is being prepared",
            "source": "The writes are back in the data centre",
        }[to]
    )


def test_a_move_whose_retry_found_all_of_it_done_does_not_hang_for_ever() -> None:
    documents, events = night("dual")
    attempt(events, 20, 2, "target", result="incomplete", ended=20.2)
    events[-1]["opened_at"] = at(20.1)
    ran(documents, "switchover.switch_over", 20, 20.2, "failed")
    assert "not finished" in build(SPEC, contents(documents, events))["owner"]["message"]
    ran(documents, "switchover.switch_over", 21, 21.2)
    owner = build(SPEC, contents(documents, events))["owner"]
    assert (owner["tone"], owner["message"]) == ("", "Every web server of both sites writes to RDS.")


def test_a_move_that_is_finished_by_a_later_attempt_has_an_owner_again() -> None:
    documents, events = night("dual")
    attempt(events, 20, 2, "target", result="incomplete", ended=20.2)
    documents["switchover/2"] = move(2, "target", 21)
    note(
        events,
        21.1,
        "switchover",
        "switchover.switch_over",
        epoch=2,
        **{"from": "source"},
        to="target",
        attempt="2-b",
        result="moved",
        started_at=at(21),
        opened_at=at(21.05),
    )
    owner = build(SPEC, contents(documents, events))["owner"]
    assert (owner["side"], owner["certain"], owner["tone"]) == ("target", True, "")


def test_a_move_that_was_undone_moves_nobody() -> None:
    documents, events = night("dual")
    documents["switchover/2"] = {k: v for k, v in move(2, "target", 20).items() if k != "fenced_ms"} | {
        "result": "aborted",
        "reason": "the drain took too long",
    }
    model = build(SPEC, contents(documents, events))
    assert model["owner"]["side"] == "source"
    assert [(m["result"], m["reason"]) for m in model["switchovers"]] == [
        ("aborted", "the drain took too long")
    ]


@pytest.mark.parametrize(
    ("moment", "tone", "words"),
    [
        ("load", "good", "Rollback loses nothing"),
        ("dual", "good", "Rollback loses nothing"),
        ("moved", "warn", "Reverse replication is being prepared"),
        ("soaked", "good", "Rollback loses nothing until you approve Retire"),
        ("back", "good", "The writes are back in the data centre"),
    ],
)
def test_the_way_back_at_each_moment(moment: str, tone: str, words: str) -> None:
    back = page(moment)["way_back"]
    assert (back["tone"], back["headline"]) == (tone, words)


def test_until_when_the_way_back_holds_is_told_with_it() -> None:
    assert page("soaked")["way_back"]["until"] == at(22 + 7 * 24 * 60)
    assert page("moved")["way_back"]["until"] is None


def test_writes_that_would_be_lost_are_said_in_full() -> None:
    documents, events = night("soaked")
    documents["way_back"] |= {
        "losses": ["the task is gone"],
        "message": "A rollback would lose writes: the task is gone. To repair it, copy",
    }
    back = build(SPEC, contents(documents, events))["way_back"]
    assert (back["tone"], back["headline"]) == ("bad", "A rollback would lose writes")
    assert back["message"].endswith("copy")


def test_a_return_path_that_does_not_run_is_no_way_back_for_long() -> None:
    documents, events = night("soaked")
    documents["way_back"] |= {
        "state": "failed",
        "words": "x",
        "message": "Reverse replication is failed: x. A rollback loses nothing if it runs again by then",
    }
    back = build(SPEC, contents(documents, events))["way_back"]
    assert (back["tone"], back["headline"]) == (
        "warn",
        "Rollback loses nothing once reverse replication has caught up",
    )
    assert back["message"].startswith("Reverse replication is failed: x. A rollback")


def test_after_the_teardown_there_is_no_way_back() -> None:
    documents, events = night("soaked")
    note(events, 30, "replication_deleted", "retire.stop_replication", links=[])
    back = build(SPEC, contents(documents, events))["way_back"]
    assert (back["tone"], back["checked_at"]) == ("none", at(30))


def test_after_a_promotion_nobody_is_told_to_go_back() -> None:
    documents, events = night("asked")
    documents["promotion/2"] = {"epoch": 2, "owner": "target", "message": ["3 s at the most"]}
    model = build(SPEC, contents(documents, events))
    assert model["owner"]["side"] is None
    assert model["way_back"]["tone"] == "bad"


def test_a_promotion_counts_from_its_take_over_on() -> None:
    documents, events = night("dual")
    documents["promotion/2"] = {"epoch": 2, "owner": "target", "token": "t", "message": ["3 s at the most"]}
    taken = build(SPEC, contents(documents, events))
    assert (taken["owner"]["certain"], taken["owner"]["headline"]) == (
        False,
        "RDS is promoted and not open yet",
    )
    assert (taken["way_back"]["tone"], taken["way_back"]["headline"]) == ("bad", "A rollback is not possible")
    documents["promotion/2"]["move"] = {"epoch": 2, "from": "source", "to": "target"}
    opened = build(SPEC, contents(documents, events))["owner"]
    assert (opened["side"], opened["certain"], opened["promoted"]) == ("target", True, True)


def test_the_old_ttl_of_a_move_that_was_given_up_moves_no_name() -> None:
    documents, events = night("dual")
    note(events, 30, "record_rolled_back", "rollback.name")
    note(events, 31, "given_up", "give_up.asked", by="kim")
    before = build(SPEC, contents(documents, events))
    note(events, 32, "ttl_restored", "give_up.restore_ttl")
    after = build(SPEC, contents(documents, events))
    assert (after["owner"], after["way_back"]) == (before["owner"], before["way_back"])
    assert after["way_back"]["message"] == "No write and no name has left the data centre."


# The question
@pytest.mark.parametrize(
    ("moment", "gate"),
    [("load", None), ("asked", "switch_dns"), ("dual", None), ("soaked", "retire"), ("back", None)],
)
def test_the_question_waits_until_it_is_answered(moment: str, gate: str | None) -> None:
    asked = page(moment)["question"]
    assert (asked and asked["gate"]) == gate


def test_the_question_comes_with_evidence_and_the_place_where_it_is_answered() -> None:
    asked = page("asked")["question"]
    assert (asked["dag_id"], asked["run_id"], asked["task_id"]) == ("migrate_shop", RUN, "switch_dns.ask")
    assert {e["label"]: (e["value"], e["tone"]) for e in asked["evidence"]} == {
        "tables equal": ("8 of 8", "good"),
        "findings": ("0 errors, 1 warnings", "warn"),
        "rows copied": ("520,490", ""),
    }
    assert asked["question"] in night("asked")[0]
    assert asked["until"] == at(9 + 60)


def test_what_the_trigger_form_said_counts_and_not_the_spec() -> None:
    documents, events = night("moved")
    documents["expected_pause"] |= {"ms": 810, "budget_ms": 500}
    asks(documents, events, 30, "switchover")
    events[-1]["timeout"] = 120
    asked = build(SPEC, contents(documents, events))["question"]
    assert asked["until"] == at(32)
    (pause,) = [e for e in asked["evidence"] if e["label"] == "expected write pause"]
    assert (pause["value"], pause["tone"]) == ("810 ms, budget 500 ms", "bad")
    documents["soak"] = {"epoch": 2, "counted": 61.0, "at": at(22), "current": True, "of": 90}
    assert build(SPEC, contents(documents, events))["soak"]["of"] == 90


def test_the_soak_of_a_move_that_went_back_is_not_shown() -> None:
    assert page("soaked")["soak"]["of"] == SPEC.soak
    assert page("back")["soak"] is None
    documents, events = night("back")
    documents["switchover/4"] = move(4, "target", 60)
    attempt(events, 60, 4, "target", ended=60.1)
    assert build(SPEC, contents(documents, events))["soak"] is None


def test_a_question_that_failed_or_was_overtaken_does_not_wait() -> None:
    documents, events = night("asked")
    note(
        events,
        70,
        "task_failed",
        "switch_dns.ask",
        error="AirflowFailException",
        found="Nobody answered",
        harmless=True,
    )
    assert build(SPEC, contents(documents, events))["question"] is None
    asks(documents, events, 80, "switch_dns")
    assert build(SPEC, contents(documents, events))["question"]["asked_at"] == at(80)


def test_the_emergencys_question_shows_what_may_be_missing() -> None:
    documents, events = night("asked")
    note(events, 12, "promotion_asked", "promote.ask", message=["7 s at the most"])
    asked = build(SPEC, contents(documents, events))["question"]
    assert (asked["gate"], asked["dag_id"]) == ("promote", "promote_shop")
    assert asked["evidence"] == [{"label": "may be missing", "value": "7 s at the most", "tone": "warn"}]


def ran_elsewhere(
    documents: dict[str, Json], task: str, minutes: float, dag: str, run: str, state: str = "success"
) -> None:
    """A task of another run than the night's own."""
    ran(documents, task, minutes, minutes + 1, state)
    documents[f"ran/{task}"]["spans"][-1] |= {"dag_id": dag, "run_id": run}


def test_a_question_of_a_run_that_another_one_has_followed_does_not_wait() -> None:
    documents, events = night("asked")
    ran_elsewhere(documents, "provision.plan", 300, "rollback_shop", "r")
    assert build(SPEC, contents(documents, events))["question"]["gate"] == "switch_dns"
    ran_elsewhere(documents, "preflight.settings", 310, "migrate_shop", "second")
    model = build(SPEC, contents(documents, events))
    assert (model["run"]["run_id"], model["question"]) == ("second", None)


def test_an_event_of_a_later_run_ends_a_question_as_well() -> None:
    documents, events = night("asked")
    ran_elsewhere(documents, "preflight.settings", -10, "migrate_shop", "second")
    note(events, 300, "ttl_lowered", "replicate.lower_ttl")
    assert build(SPEC, contents(documents, events))["question"]["gate"] == "switch_dns"
    events[-1]["run_id"] = "second"
    assert build(SPEC, contents(documents, events))["question"] is None


def test_a_later_question_of_another_run_takes_the_place_of_the_one_before() -> None:
    documents, events = night("asked")
    asks(documents, events, 300, "switch_dns")
    events[-1]["run_id"] = "second"
    assert build(SPEC, contents(documents, events))["question"]["run_id"] == "second"


def test_who_leaves_everything_as_it_is_leaves_the_gate_waiting() -> None:
    documents, events = night("asked")
    note(events, 12, "promotion_asked", "ask", gate="promote", message=["7 s at the most"])
    note(
        events, 13, "promotion_answered", "ask", gate="promote", option="Leave everything as it is", by="kim"
    )
    model = build(SPEC, contents(documents, events))
    assert model["question"]["gate"] == "switch_dns"
    assert (model["decisions"][0]["answer"], model["decisions"][0]["tone"]) == (
        "Leave everything as it is",
        "",
    )


# The story
@pytest.mark.parametrize(
    ("moment", "now", "done"),
    [
        ("load", "replicate", ["preflight", "provision"]),
        ("asked", "switch_dns", ["preflight", "provision", "replicate", "validate"]),
        ("moved", "switchover", ["preflight", "provision", "replicate", "validate", "switch_dns"]),
        ("soaked", "retire", ["preflight", "provision", "replicate", "validate", "switch_dns", "switchover"]),
    ],
)
def test_the_chapter_of_what_happened_last_is_told_as_now(moment: str, now: str, done: list[str]) -> None:
    found = states(page(moment))
    assert [n for n, s in found.items() if s == "now"] == [now]
    assert [n for n, s in found.items() if s == "done"] == done
    assert "rollback" not in found


def test_a_story_that_turned_back_says_where() -> None:
    found = states(page("back"))
    assert found["retire"] == "left"
    assert (found["rollback"], found["finish"]) == ("done", "done")
    assert "now" not in found.values()


def test_chapters_last_from_their_first_to_their_last_task_without_the_time_between() -> None:
    seconds = {c["name"]: c["seconds"] for c in page("soaked")["chapters"]}
    assert seconds["preflight"] == 36
    assert seconds["provision"] == 210
    assert seconds["finish"] is None


def test_a_cleared_chapter_is_now_again_and_what_came_after_it_lies_ahead() -> None:
    documents, events = night("soaked")
    asks(documents, events, 40, "switchover")
    found = states(build(SPEC, contents(documents, events)))
    assert (found["switchover"], found["retire"]) == ("now", "ahead")
    # what the attempts before took stays in the sum
    assert (
        next(c for c in build(SPEC, contents(documents, events))["chapters"] if c["name"] == "switchover")[
            "seconds"
        ]
        > 0
    )


def test_a_failed_task_shows_in_its_chapter() -> None:
    documents, events = night("asked")
    ran(documents, "switch_dns.change_record", 14, 14.2, "failed")
    assert states(build(SPEC, contents(documents, events)))["switch_dns"] == "failed"


def test_another_run_has_chapters_of_its_own() -> None:
    documents, events = night("back")
    later = {
        "began": at(100),
        "ended": at(101),
        "state": "success",
        "dag_id": "migrate_shop",
        "run_id": "second",
    }
    documents["ran/preflight.checks"]["spans"].append(later)
    newest, asked = (
        build(SPEC, contents(documents, events)),
        build(SPEC, contents(documents, events), run_id=RUN),
    )
    assert (newest["run"]["run_id"], asked["run"]["run_id"]) == ("second", RUN)
    assert states(newest)["provision"] == "now"
    assert states(asked)["finish"] == "done"


def test_a_rollback_by_its_own_dag_belongs_to_the_story_that_it_ends() -> None:
    documents, events = night("dual")
    for n, task in enumerate(("rollback.begin", "rollback.smoke", "finish.report")):
        span = {
            "began": at(20 + n),
            "ended": at(21 + n),
            "state": "success",
            "dag_id": "rollback_shop",
            "run_id": "other",
        }
        documents[f"ran/{task}"] = {"spans": [span]}
    found = states(build(SPEC, contents(documents, events)))
    assert (found["switch_dns"], found["switchover"], found["rollback"], found["finish"]) == (
        "left",
        "skipped",
        "done",
        "done",
    )


@pytest.mark.parametrize(("state", "wanted"), [("success", "now"), ("failed", "failed"), ("retried", "now")])
def test_an_emergency_under_way_leaves_the_story_in_its_chapter(state: str, wanted: str) -> None:
    documents, events = night("dual")
    ran_elsewhere(documents, "ask", 20, "promote_shop", "p")
    ran_elsewhere(documents, "promote", 21, "promote_shop", "p", "failed" if state == "retried" else state)
    if state == "retried":
        ran_elsewhere(documents, "promote", 25, "promote_shop", "p")
    found = states(build(SPEC, contents(documents, events)))
    assert (found["switch_dns"], found["switchover"], found["retire"]) == (wanted, "ahead", "ahead")


def test_an_emergency_that_is_through_has_ended_the_story_where_it_stood() -> None:
    documents, events = night("dual")
    for n, task in enumerate(("ask", "promote", "name", "smoke", "propagation", "report")):
        ran_elsewhere(documents, task, 20 + n, "promote_shop", "p")
    found = states(build(SPEC, contents(documents, events)))
    assert (found["validate"], found["switch_dns"], found["switchover"]) == ("done", "ended", "ahead")
    assert "now" not in found.values()


def test_giving_up_belongs_to_the_rollback_that_it_follows() -> None:
    documents, events = night("dual")
    for n, task in enumerate(("rollback.begin", "rollback.smoke", "give_up.asked")):
        ran_elsewhere(documents, task, 20 + n, "rollback_shop", "r")
    assert states(build(SPEC, contents(documents, events)))["rollback"] == "now"
    ran_elsewhere(documents, "finish.report", 30, "rollback_shop", "r")
    found = states(build(SPEC, contents(documents, events)))
    assert (found["rollback"], found["finish"]) == ("done", "done")


def test_the_instances_of_a_mapped_task_count_for_their_chapter() -> None:
    documents, events = night("load")
    for task, began, ended in (
        ("validate.tables", 7, 7.1),
        ("validate.compare/0", 7.2, 8.2),
        ("validate.compare/3", 7.2, 9.2),
    ):
        ran(documents, task, began, ended)
    chapter = next(c for c in build(SPEC, contents(documents, events))["chapters"] if c["name"] == "validate")
    assert (chapter["state"], chapter["seconds"], chapter["ended"]) == ("now", 126, at(9.2))
    assert all(console.reads(n) for n in documents)


def test_one_failed_instance_fails_the_chapter_until_it_has_run_again() -> None:
    documents, events = night("load")
    ran(documents, "validate.compare/3", 7, 8, "failed")
    ran(documents, "validate.compare/4", 7, 9)
    assert states(build(SPEC, contents(documents, events)))["validate"] == "failed"
    ran(documents, "validate.compare/3", 10, 11)
    assert states(build(SPEC, contents(documents, events)))["validate"] == "now"


# Tables
def test_a_load_under_way_tells_rows_rate_and_what_is_left() -> None:
    model = page("load")
    assert {k: model["load"][k] for k in ("done", "rows", "percent", "rate", "seconds_left")} == {
        "done": False,
        "rows": 312_400,
        "percent": 62,
        "rate": 41_250.0,
        "seconds_left": 5.2,
    }
    assert [t["of"] for t in model["tables"]] == [45_000] * len(TABLES)


def test_a_comparison_under_way_tells_how_long_it_takes_and_its_verdict_replaces_it() -> None:
    documents, events = night("load")
    documents["comparing/1/shop.users"] = {
        "done": False,
        "rows": [250, 250],
        "of": 1000,
        "rate": 50.0,
        "began_at": at(7),
        "kept_at": stamp(7.5),
    }

    def line() -> Json:
        return next(
            t["check"]
            for t in build(SPEC, contents(documents, events))["tables"]
            if t["name"] == "shop.users"
        )

    assert (line()["state"], line()["seconds_left"]) == ("comparing", 15)
    documents["comparison/1/shop.users"] = {
        "equal": False,
        "rows_source": 1000,
        "rows_target": 999,
        "missing": 1,
        "checked_at": at(7),
        "note": "resumed",
    }
    assert (line()["state"], line()["note"]) == ("differs", "1 missing, resumed")


def test_a_huge_table_that_is_compared_in_parts_is_one_line() -> None:
    documents, events = night("load")
    for n, done in ((1, True), (2, False)):
        documents[f"comparing/1/shop.visits/{n}"] = {
            "done": done,
            "share": {"number": n, "of": 4},
            "rows": [300, 300],
            "of": 500,
            "rate": 20.0,
            "began_at": at(7),
            "kept_at": stamp(7.5),
        }
    model = build(SPEC, contents(documents, events))
    (line,) = [t for t in model["tables"] if t["name"].startswith("shop.visits")]
    assert (line["check"]["rows"], line["check"]["of"], line["check"]["seconds_left"]) == (600, 1000, 20)
    assert model["comparison"]["comparing"] == ["shop.visits"]


def test_after_the_move_the_comparisons_of_the_new_epoch_count() -> None:
    documents, events = night("soaked")
    documents["comparison/2/shop.users"] = {
        "equal": True,
        "rows_source": 1,
        "rows_target": 1,
        "checked_at": at(21),
    }
    found = build(SPEC, contents(documents, events))["comparison"]
    assert (found["epoch"], found["equal"], found["of"]) == (2, 1, len(TABLES))


# The name
def test_name_servers_count_down_to_the_last_old_answer() -> None:
    found = page("dual")["resolvers"]
    assert (found["flipped"], found["of"]) == (
        4,
        6,
    ), "one that serves its own customers only is not waited for"
    assert found["last_until"] == at(14.4)
    assert page("moved")["resolvers"]["last_until"] is None


def test_requests_are_rates_and_a_long_silence_is_a_flat_mean() -> None:
    found = page("dual")["traffic"]
    assert set(found) == {"t", "source", "target"}
    assert (
        len({len(c) for site in ("source", "target") for c in found[site].values()} | {len(found["t"])}) == 1
    )
    assert found["source"]["rate"][0] == pytest.approx(31, rel=0.2)
    gap = max(range(1, len(found["t"])), key=lambda n: found["t"][n] - found["t"][n - 1])
    assert found["t"][gap] - found["t"][gap - 1] > 200
    assert found["source"]["rate"][gap] == found["source"]["rate"][gap - 1]
    assert found["source"]["ms"][0] == pytest.approx(11, rel=0.01)


def test_a_line_of_the_lag_breaks_where_nobody_looked() -> None:
    behind = page("dual")["lag"]["behind"]
    assert [p for p in behind if p[1] is None]
    assert behind[0][1] is not None


def test_the_nights_moments_in_their_order() -> None:
    assert [m["message"] for m in page("back")["moments"]] == [
        "TTL lowered to 5 s",
        "name moved",
        "writes moved",
        "rollback begun",
        "writes moved back",
        "name moved back",
    ]


@pytest.mark.parametrize(
    ("result", "marked"),
    [
        ("moved", ("move", "writes moved")),
        ("aborted", ("bad", "switchover undone")),
        ("incomplete", ("bad", "switchover not finished")),
        ("unknown", ("bad", "switchover not finished")),
        ("refused", None),
    ],
)
def test_an_attempt_is_marked_as_what_came_of_it(result: str, marked: tuple[str, str] | None) -> None:
    documents, events = night("dual")
    attempt(events, 30, 2, "target", result=result, ended=30.2)
    found = [
        (m["kind"], m["message"])
        for m in build(SPEC, contents(documents, events))["moments"]
        if m["at"] == at(30.2)
    ]
    assert found == ([marked] if marked else [])


# The switchover
def test_the_timeline_begins_at_the_lease_and_adds_up() -> None:
    (found,) = page("moved")["switchovers"]
    at_ms = {s["word"]: s["at"] for s in found["steps"]}
    assert (at_ms["lease"], at_ms["fence"], at_ms["hold"]) == (0, 9, -1210)
    last = found["steps"][-1]
    assert last["at"] + last["ms"] == found["ms"] == 695
    assert found["fenced_ms"] == 402


def test_plan_and_expectation_are_no_moves() -> None:
    assert [m["epoch"] for m in page("back")["switchovers"]] == [3, 2]


# Findings and decisions
def test_findings_begin_with_what_is_worst() -> None:
    assert [f["severity"] for f in page("load")["findings"]["rows"]] == ["warning", "ok", "ok"]


def test_each_decision_says_who_what_when_and_what_they_saw() -> None:
    documents, _ = night("back")
    newest, *_, oldest = page("back")["decisions"]
    assert (newest["title"], newest["answer"], newest["by"], newest["tone"]) == (
        "Retire the data centre?",
        "Roll back",
        "hana.kim",
        "warn",
    )
    assert (newest["asked_at"], newest["at"]) == (at(22.3), at(26.3))
    assert oldest["title"] == "Switch DNS?"
    assert all(d["question"] in documents for d in page("back")["decisions"])


def test_a_gate_that_was_answered_twice_stands_there_twice() -> None:
    documents, events = night("dual")
    asks(documents, events, 30, "switch_dns")
    answers(documents, events, 31, "switch_dns", "Roll back")
    assert [d["answer"] for d in build(SPEC, contents(documents, events))["decisions"]] == [
        "Roll back",
        "Proceed",
    ]


def test_a_rollback_without_a_gate_is_a_decision_as_well() -> None:
    documents, events = night("dual")
    note(events, 30, "rollback_begun", "rollback.begin", gate="rollback_shop", by="jun.park")
    newest = build(SPEC, contents(documents, events))["decisions"][0]
    assert (newest["title"], newest["answer"], newest["by"]) == ("rollback_shop", "Roll back", "jun.park")


def test_terraforms_outputs_and_questions_are_not_read_for_the_page() -> None:
    assert not [
        n
        for n in ("outputs", "plan", "schema/source", "definitions/source", "questions/a/b")
        if console.reads(n)
    ]
    documents, _ = night("back")
    assert all(console.reads(n) for n in documents if not n.startswith("questions/"))
