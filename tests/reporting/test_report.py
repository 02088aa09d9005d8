"""The report of a migration: what happened, in order, and the owner at each moment."""

from __future__ import annotations

import itertools
import json
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from livemove.model.ledger import moment
from livemove.model.ports import Json
from livemove.reporting import report
from livemove.reporting.html import Page, Table, shown
from livemove.reporting.report_model import Outcome, Report, as_json, schema
from livemove.reporting.report_page import page
from livemove.reporting.summary import precise
from tests.doubles.contents import contents, contents_as_read
from tests.reporting.ledger_builder import START, Ledger

ROOT = Path(__file__).parents[2]


def built(ledger: Ledger, **more: object) -> Report:
    return report.build(
        "Property listings", contents(ledger.documents, ledger.events), now=ledger.now, **more
    )  # type: ignore[arg-type]


def owners(made: Report) -> list[tuple[str | None, int]]:
    return [(i.owner and str(i.owner), i.epoch) for i in made.ownership]


def at_switch_dns() -> Ledger:
    return (
        Ledger()
        .prepared()
        .gate("switch_dns", "Roll back")
        .rolled_back("switch_dns", epoch=1, name_moved=False)
    )


def at_repoint() -> Ledger:
    ledger = Ledger().prepared().gate("switch_dns", "Proceed").name_moves()
    return ledger.gate("switchover", "Roll back").rolled_back("switchover", epoch=1)


def moved() -> Ledger:
    ledger = (
        Ledger().prepared().gate("switch_dns", "Proceed").name_moves().gate("switchover", "Proceed", by="lee")
    )
    return ledger.attempt("target", 2, number="1").compared(2).later(hours=1)


def at_retire() -> Ledger:
    return moved().gate("retire", "Roll back", waited=900).rolled_back("retire", epoch=3)


# The owner at each moment -------------------------------------------------------------------------
@pytest.mark.parametrize("story", [at_switch_dns, at_repoint])
def test_a_rollback_before_the_writes_moved_says_that_they_never_left(story: object) -> None:
    made = built(story())  # type: ignore[operator]
    assert (made.outcome, owners(made)) == (Outcome.ROLLED_BACK, [("source", 1)])
    assert "the writes never left the data centre" in made.summary[0]
    assert made.summary[2] == "Users: the writes were never paused."


def test_a_rollback_at_the_last_gate_tells_both_moves_in_order_to_the_moment() -> None:
    ledger = at_retire()
    made = built(ledger)
    assert made.outcome is Outcome.ROLLED_BACK
    assert owners(made) == [("source", 1), (None, 1), ("target", 2), (None, 2), ("source", 3)]
    forth, back = made.moves
    assert [i.since for i in made.ownership] == [
        START.isoformat(),
        forth.fenced_at,
        forth.opened_at,
        back.fenced_at,
        back.opened_at,
    ]
    assert [made.ownership[n].seconds for n in (1, 3)] == [0.4, 0.4]
    assert made.ownership[-1].until == ledger.now.isoformat(timespec="seconds")
    served = made.ownership[2].seconds or 0
    assert 3600 + 900 < served < 3600 + 1000
    assert "has taken the writes again since" in made.summary[0]
    assert "RDS had taken them for 1 h 15 min" in made.summary[0]
    assert "moved to AWS" not in made.summary[0]


def test_moved_rolled_back_and_moved_again() -> None:
    ledger = (
        at_retire().compared(3).gate("switchover", "Proceed").attempt("target", 4, number="3").later(days=1)
    )
    made = built(ledger)
    assert made.outcome is Outcome.MOVED
    assert owners(made) == [
        ("source", 1),
        (None, 1),
        ("target", 2),
        (None, 2),
        ("source", 3),
        (None, 3),
        ("target", 4),
    ]
    assert [m.epoch for m in made.moves] == [2, 3, 4]
    assert made.summary[0].startswith(
        "Result: Property listings was moved to AWS: RDS has taken the writes since"
    )


def test_an_undone_attempt_fenced_the_writes_and_moved_nothing() -> None:
    ledger = Ledger().prepared().gate("switchover", "Proceed")
    ledger.attempt(
        "target", 2, number="1", result="aborted", reason="differences inside the fence", fence=1.5
    )
    made = built(ledger.later(minutes=3))
    assert (made.outcome, made.moves) == (Outcome.NOT_MOVED, [])
    assert owners(made) == [("source", 1), (None, 1), ("source", 1)]
    assert made.ownership[1].seconds == 1.5
    assert "differences inside the fence" in made.ownership[2].why
    assert made.summary[2] == "Users: an attempt that was undone fenced the writes for 1,500 ms."


def test_an_undone_attempt_is_still_told_when_the_next_one_wrote_over_its_document() -> None:
    ledger = (
        Ledger().prepared().attempt("target", 2, number="1", result="aborted", reason="late").later(minutes=9)
    )
    made = built(ledger.attempt("target", 2, number="2"))
    assert owners(made) == [("source", 1), (None, 1), ("source", 1), (None, 1), ("target", 2)]
    assert [str(a.result) for a in made.attempts] == ["aborted", "moved"]


def test_an_undone_fence_does_not_change_since_when_its_owner_owns() -> None:
    ledger = at_retire().attempt("target", 4, number="3", result="aborted", reason="late")
    made = built(ledger)
    assert made.moves[-1].opened_at is not None
    assert precise(made.moves[-1].opened_at or "")[:19] in made.summary[0]  # type: ignore[index]


def test_a_refused_attempt_left_the_writes_alone() -> None:
    made = built(Ledger().prepared().attempt("target", 2, number="1", result="refused", reason="no backup"))
    assert owners(made) == [("source", 1)]
    assert [(str(a.result), a.reason) for a in made.attempts] == [("refused", "no backup")]


def test_a_run_that_failed_between_commit_and_opening_says_that_nobody_may_write() -> None:
    ledger = Ledger().prepared().gate("switchover", "Proceed")
    ledger.attempt("target", 2, number="1", result="incomplete", reason="the target does not answer")
    failed = {
        "task_id": "switchover.switch_over",
        "error": "SwitchoverIncomplete",
        "found": "the target does not answer",
    }
    made = built(
        ledger.later(minutes=2), failure=failed, standing={"source": "CEDED@2", "target": "FOLLOW@1"}
    )
    assert (made.outcome, made.owner) == (Outcome.UNFINISHED, None)
    assert owners(made)[:2] == [("source", 1), (None, 1)]
    assert not made.ownership[-1].certain  # it may have opened without an answer
    assert "nobody may write since" in made.summary[0]
    assert "The run failed at switchover.switch_over: the target does not answer" in made.summary[0]
    retried = built(ledger.attempt("target", 2, number="2"))
    assert owners(retried)[-1] == ("target", 2)


def test_an_attempt_that_was_killed_is_told_as_not_certain_until_somebody_looked() -> None:
    ledger = Ledger().prepared().attempt("target", 2, number="1", lost=True).later(minutes=2)
    made = built(ledger)
    assert [(i.owner, i.certain) for i in made.ownership] == [("source", True), ("source", False)]
    assert "an attempt left no word of its end" in made.summary[4]
    again = built(ledger.attempt("target", 2, number="2"))
    assert [(i.owner, i.certain) for i in again.ownership][1:] == [
        ("source", False),
        ("source", True),
        (None, True),
        ("target", True),
    ]


def test_a_promotion_says_since_when_nothing_arrived() -> None:
    ledger = Ledger().prepared()
    last = (ledger.now + timedelta(minutes=7)).isoformat()
    ledger.later(minutes=20).note(
        "promotion_asked", "ask", gate="promote", message=["missing may be 30 s at the most"]
    )
    ledger.later(minutes=1).note("promotion_answered", "ask", gate="promote", option="Promote", by="lee")
    ledger.attempt("target", 2, number="p")
    ledger.events = [e for e in ledger.events if e["event"] != "switchover_began"]
    for told in (ledger.events[-1], ledger.documents["switchover/2"]):
        told.pop("fenced_at")
    ledger.documents["promotion/2"] = {
        "epoch": 2,
        "owner": "target",
        "last_watermark": last,
        "message": ["missing may be 30 s at the most"],
    }
    made = built(ledger.note("promoted", "promote", epoch=2, owner="target"))
    assert made.outcome is Outcome.PROMOTED
    assert owners(made) == [("source", 1), (None, 1), ("target", 2)]
    assert (made.ownership[1].since, made.ownership[1].certain) == (last, False)
    assert made.summary[0].startswith("Result: Emergency: the data centre was gone")
    assert [(d.gate, d.option, d.by, d.saw) for d in made.decisions] == [
        ("promote", "Promote", "lee", ["missing may be 30 s at the most"])
    ]
    assert "missing may be 30 s" in page(made).html()


def test_given_up_says_so_until_somebody_begins_anew() -> None:
    ledger = at_switch_dns().note("given_up", "give_up.asked", by="kim")
    ledger.note("control_removed", "give_up.remove_control").later(minutes=1)
    made = built(ledger, standing={"source": "without a control row", "target": "without a control row"})
    assert (made.outcome, owners(made)) == (Outcome.GIVEN_UP, [("source", 1)])
    assert (made.decisions[-1].option, made.decisions[-1].by) == ("Give up", "kim")
    assert built(ledger.later(days=3).prepared()).outcome is not Outcome.GIVEN_UP


@pytest.mark.parametrize("given_up", [False, True])
def test_a_run_after_a_rollback_is_told_as_its_own(given_up: bool) -> None:
    ledger = at_repoint()
    if given_up:
        ledger.note("given_up", "give_up.asked", by="kim")
    ledger.run_id = "another"
    ledger.later(hours=20).prepared()
    assert built(ledger).outcome is Outcome.NOT_MOVED
    ledger.gate("switch_dns", "Proceed").name_moves()
    assert "has not moved" in built(ledger).summary[0]
    assert built(ledger.rolled_back("switchover", epoch=1)).outcome is Outcome.ROLLED_BACK


def test_a_question_asked_again_after_a_rollback_begins_nothing_until_it_is_proceeded() -> None:
    ledger = at_repoint().gate("switch_dns", "Roll back")
    assert built(ledger).outcome is Outcome.ROLLED_BACK
    assert built(ledger.gate("switch_dns", "Proceed")).outcome is Outcome.NOT_MOVED


def test_intervals_leave_no_gap_and_never_overlap() -> None:
    for story in (at_switch_dns, at_repoint, moved, at_retire):
        made = built(story())
        for before, after in itertools.pairwise(made.ownership):
            assert before.until == after.since
            assert moment(before.since or "") <= moment(before.until or "")


def test_where_ledger_and_databases_disagree_the_report_says_that_the_databases_decide() -> None:
    made = built(moved(), standing={"source": "OPEN@3", "target": "FOLLOW@3"})
    assert "ATTENTION: the ledger ends with target as the owner of the writes" in made.summary[4]
    assert "ATTENTION" not in built(moved(), standing={"source": "FOLLOW@2", "target": "OPEN@2"}).summary[4]


def test_the_way_back_is_quoted_while_it_is_that_of_this_move_and_open() -> None:
    ledger = moved()
    assert "A rollback loses nothing" in built(ledger).summary[4]
    # the teardown that follows may fail, and then nothing but this event tells
    ledger.later(hours=1).note("replication_deleted", "retire.stop_replication", links=["x"])
    closed = built(ledger).summary[4]
    assert "A rollback loses nothing" not in closed
    assert f"no rollback is possible since {ledger.now:%Y-%m-%d %H:%M:%S} UTC" in closed


@pytest.mark.parametrize(
    "left",
    [
        None,
        {"epoch": 2, "state": "running", "message": "A rollback loses nothing"},
        {"epoch": 4, "state": "running"},
    ],
)
def test_a_way_back_of_an_older_move_is_not_that_of_this_one(left: Json | None) -> None:
    ledger = at_retire().gate("switchover", "Proceed").attempt("target", 4, number="3")
    ledger.documents.pop("way_back")
    ledger.documents |= {"way_back": left} if left else {}
    now = built(ledger).summary[4]
    assert "reverse replication does not run yet" in now
    assert "A rollback" not in now


# Decisions, data, users, costs ----------------------------------------------------------------------
def test_decisions_tell_who_when_what_they_saw_and_how_long_it_waited() -> None:
    made = built(at_retire())
    assert [(d.gate, d.option, d.by, d.waited_seconds, d.saw) for d in made.decisions] == [
        ("switch_dns", "Proceed", "kim", 60.0, ["2 of 2 tables equal"]),
        ("switchover", "Proceed", "lee", 60.0, ["2 of 2 tables equal"]),
        ("retire", "Roll back", "kim", 900.0, ["2 of 2 tables equal"]),
    ]
    assert made.decisions[0].question == "**Proceed** at switch_dns <b>"
    assert made.costs.waited_for_people_seconds == 1020.0


def test_a_question_that_nobody_answered_is_a_decision_without_an_option() -> None:
    made = built(Ledger().prepared().gate("switch_dns", None, waited=7200).later(hours=3))
    assert [(d.option, d.answered_at, d.waited_seconds) for d in made.decisions] == [(None, None, 7200.0)]
    assert "nobody answered" in made.summary[3]


def test_a_question_of_a_run_that_was_ended_waits_until_the_next_run_begins() -> None:
    ledger = Ledger("ended").prepared()
    ledger.documents["questions/switchover/1"] = {"subject": "repoint?", "body": "b"}
    ledger.note("gate_asked", "switchover.ask", gate="switchover", saw=[], question="questions/switchover/1")
    ledger.later(minutes=30)
    for elsewhere in ("rollback.begin", "ask", "livemove", ""):
        ledger.run_id = f"by {elsewhere}"
        ledger.note("waited", elsewhere, since=ledger.now.isoformat(), seconds=1)
    assert built(ledger.later(minutes=30)).decisions[-1].waited_seconds == 3600
    ledger.run_id = "next"
    made = built(ledger.prepared().later(days=3))
    assert [(d.option, d.answered_at, d.waited_seconds) for d in made.decisions] == [(None, None, 3600.0)]


@pytest.mark.parametrize("gate", [{"gate": "promote"}, {}])
def test_an_emergency_that_was_left_as_it_is_waits_no_more(gate: Json) -> None:
    ledger = Ledger().prepared().note("promotion_asked", "ask", message=["3 s"], **gate).later(seconds=90)
    ledger.note("promotion_answered", "ask", option="Leave everything as it is", by="kim", **gate)
    (decision,) = built(ledger.later(days=3)).decisions
    assert (decision.gate, decision.option, decision.waited_seconds) == (
        "promote",
        "Leave everything as it is",
        90.0,
    )
    assert decision.answered_at


def test_an_emergency_asked_again_by_another_run_waits_there_only() -> None:
    ledger = Ledger("first").note("promotion_asked", "ask", gate="promote").later(seconds=90)
    ledger.run_id = "second"
    ledger.note("task_failed", "ask", error="E", found="refused", harmless=False).later(days=1)
    assert [d.waited_seconds for d in built(ledger).decisions] == [90.0]


def test_an_order_without_a_gate_is_a_decision_too() -> None:
    ledger = moved().rolled_back("rollback_shop", by="lee", epoch=3)
    assert [(d.gate, d.option, d.by) for d in built(ledger).decisions][-1] == (
        "rollback_shop",
        "Roll back",
        "lee",
    )


def test_data_and_its_proof_come_from_the_ledger() -> None:
    made = built(moved())
    assert (made.rows_copied, made.tables_compared, made.tables_equal) == (300123, 2, 2)
    assert [(t.table, t.rows_loaded, t.equal, t.epoch) for t in made.tables] == [
        ("shop.a", 300000, True, 2),
        ("shop.b", 123, True, 2),
    ]
    assert "2 of 2 tables were equal, row by row, when compared last (epoch 2)" in made.summary[1]
    assert (
        "inside the fence, every row that could have changed of 2 of 2 tables was compared again"
        in made.summary[1]
    )


def test_a_proof_that_covered_less_is_told_as_less() -> None:
    ledger = moved()
    step = ledger.documents["switchover/2"]["steps"][0]
    step["seen"] = (
        "equal: every row that could have changed of 1 of 2 tables; only the newest rows of shop.b (too long)"
    )
    assert "every row that could have changed of 1 of 2 tables" in built(ledger).summary[1]
    step["seen"] = "equal: small tables"
    assert "what was compared again inside the fence is listed below" in built(ledger).summary[1]


def test_a_table_that_differs_is_named_in_the_summary() -> None:
    made = built(moved().compared(2, differs="shop.b"))
    assert (made.tables_equal, "DIFFERENT: shop.b" in made.summary[1]) == (1, True)


def test_requests_around_the_move_are_the_servers_own_counts() -> None:
    ledger = moved()
    assert "requests in" not in built(ledger).summary[2]
    ledger.documents["users/2"] = {"requests": 1234, "errors": 3, "seconds": 9.5, "not_counted": ["idc_web"]}
    assert (
        "closed the database to writes for 400 ms (1,234 requests in the 9.5 s around it, 3 failed at the"
        " servers; not counted: idc_web)" in built(ledger).summary[2]
    )


def test_both_sides_are_paid_until_the_data_centre_is_stopped() -> None:
    ledger = moved()
    seconds = (ledger.now - START).total_seconds()
    assert built(ledger).costs.both_sides_seconds == seconds
    ledger.note("servers_stopped", "retire.stop_idc", site="source").later(days=9)
    made = built(ledger)
    assert made.costs.both_sides_seconds == seconds
    assert made.costs.aws_seconds == seconds + 9 * 86400
    assert "the data centre was retired at" in made.summary[0]


def test_what_cannot_be_read_is_named_and_leaves_the_owner_in_doubt() -> None:
    ledger = moved()
    ledger.documents["switchover/3"] = {"epoch": 3}
    kept = contents_as_read(ledger.documents, [*ledger.events, "no object"])
    made = report.build("Shop", kept, now=ledger.now)
    assert not made.certain
    assert [u.partition(":")[0] for u in made.unreadable] == [
        "switchover/3",
        f"events/{len(ledger.events):06}",
    ]
    assert "switchover/3: from: Field required" in page(made).html()


def test_what_was_not_reached_is_null_and_not_zero() -> None:
    made = built(Ledger())
    assert (made.rows_copied, made.tables_compared, made.tables_equal, made.costs.aws_seconds) == (None,) * 4
    assert (made.owner, made.outcome, made.moves, made.decisions) == ("source", Outcome.NOT_MOVED, [], [])
    assert page(made).html()


def test_epochs_are_ordered_as_numbers() -> None:
    ledger = Ledger()
    for n in (10, 9, 2):
        ledger.documents[f"switchover/{n}"] = {"epoch": n, "from": "source", "to": "target", "fenced_ms": 1}
    assert [m.epoch for m in built(ledger).moves] == [2, 9, 10]


# A rollback that began by itself --------------------------------------------------------------------
def test_a_rollback_that_began_by_itself_says_why_although_the_run_is_green() -> None:
    ledger = (
        Ledger("earlier")
        .prepared()
        .note("task_failed", "switchover.smoke", error="E", found="of another run")
    )
    ledger.run_id = "night"
    ledger.attempt("target", 2, number="1").note(
        "task_failed", "switchover.smoke", error="UnreachableError", found="no answer"
    )
    made = built(ledger.rolled_back("switchover.smoke", by="the spec (rollback.automatic)", epoch=3))
    assert made.rollback
    message = made.rollback.message
    assert (
        "by the spec (rollback.automatic) at switchover.smoke, because switchover.smoke failed with"
        " UnreachableError: no answer" in message
    )
    assert "of another run" not in message
    assert "The run is green all the same" in made.summary[0]
    ordered = built(at_retire()).rollback
    assert ordered
    assert (ordered.message, ordered.failed) == ("Rolled back by kim at retire", [])
    assert built(moved()).rollback is None


# The published shape --------------------------------------------------------------------------------
def test_the_published_schema_is_that_of_the_code() -> None:
    kept = json.loads((ROOT / "include" / "schema" / "report.schema.json").read_text())
    assert kept == schema(), "run `make schema`"


@pytest.mark.parametrize("story", [Ledger, at_switch_dns, at_repoint, moved, at_retire])
def test_every_report_is_of_the_published_shape(story: object) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.Draft202012Validator(schema()).validate(as_json(built(story())))  # type: ignore[operator]


# The page -------------------------------------------------------------------------------------------
class Tags(HTMLParser):
    """Collects tags and their attributes; unbalanced ones show in `open`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.seen: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [v for k, v in attrs if k in ("src", "href", "xlink:href") and v]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_whole_and_loads_nothing_from_elsewhere() -> None:
    html = page(built(at_retire())).html()
    tags = Tags(html)
    assert tags.open == ["br"] * tags.open.count("br")
    assert tags.links == []
    assert "script" not in tags.seen
    assert "@import" not in html
    assert "http" not in html.replace("https://", "http").split("<main>")[0]


def test_page_begins_with_five_lines_and_shows_each_interval_in_picture_and_table() -> None:
    made = built(at_retire())
    html = page(made).html()
    assert html.index("<ol class=lines>") < html.index("<svg") < html.index("<h2>Decisions")
    assert html.split("<ol class=lines>")[1].split("</ol>")[0].count("<li>") == 5
    assert "1: source for" in html
    assert "2: nobody for 400 ms" in html
    assert 'class="mark"' in html
    for interval in made.ownership:
        assert str(precise(interval.since)) in html
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_every_event_carries_the_owner_of_its_moment() -> None:
    made = built(at_retire())
    rows = next(
        b for b in page(made).blocks if isinstance(b, Table) and b.title.startswith("What happened")
    ).rows
    owner = {row[3]: row[1] for row in rows}
    assert owner["the name was put back"] == "source"
    asked = [row[1] for row in rows if row[3] == "question asked"]
    assert asked == ["source", "source", "target"]


def test_text_from_the_world_cannot_become_markup() -> None:
    html = Page(
        "<em>t</em>",
        "<q>",
        {"<s>": "<i>"},
        [Table("<p1>", ["<u>"], [("<script>alert(1)</script>",)])],
        ["<var>"],
    ).html()
    assert not {"em", "q", "s", "i", "p1", "u", "var", "script"} & Tags(html).seen
    assert "&lt;script&gt;" in html
    made = at_retire()
    made.events[0]["found"] = "<script>1</script>"
    assert "script" not in Tags(page(built(made)).html()).seen
    asked = page(built(Ledger().prepared().gate("switch_dns", "Proceed"))).html()
    assert "<pre>**Proceed** at switch_dns &lt;b&gt;</pre>" in asked


def test_values_are_shown_as_people_write_them() -> None:
    assert shown("2026-11-23T05:29:08.466710+00:00") == "2026-11-23 05:29:08 UTC"
    assert shown("2026-11-23T05:29:08 is part of a text") == "2026-11-23T05:29:08 is part of a text"
    assert [shown(v) for v in (None, "", 0, 1234567, 2.25, True, ["a", 1])] == [
        "–",
        "–",
        "0",
        "1,234,567",
        "2.2",
        "yes",
        "a, 1",
    ]


def test_the_json_is_plain_and_carries_the_version_of_its_shape() -> None:
    told: Json = json.loads(json.dumps(as_json(built(at_retire()))))
    assert told["schema_version"] == "1"
    assert told["moves"][0]["from"] == "source"
