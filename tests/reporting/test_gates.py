from dataclasses import replace
from pathlib import Path

import pytest

from livemove.dns.record import Change
from livemove.history import ControlRows, History
from livemove.model.approvals import checksum
from livemove.model.ledger import Breach, ExpectedPause, Finding, TableComparison, WatchLook, WayBack
from livemove.model.ports import ControlRow, ControlState, Json, RecordSet
from livemove.model.spec import MigrationSpec, Side, load_spec
from livemove.reporting.gates import (
    Evidence,
    RecordEvidence,
    approved,
    body,
    owner_in_short,
    subject,
    table,
)
from tests.doubles.contents import contents

SHOP = load_spec(Path(__file__).parents[2] / "include" / "migrations" / "shop.yaml")
RECORD = RecordSet("www.shop.test", "A", 5, ("127.1.1.10",))
CLOUD = replace(RECORD, values=("127.1.3.10",))
MOVE = {
    "epoch": 2,
    "from": "source",
    "to": "target",
    "started_at": "2026-11-23T18:31:00+00:00",
    "fenced_ms": 123,
}
WARNING = {
    "check": "keys",
    "severity": "warning",
    "measured": "1 table without a key",
    "remedy": "add one",
    "subject": "shop.log",
}


@pytest.fixture
def spec() -> MigrationSpec:
    return SHOP


CLOSED = {"event": "control_removed", "time": "2026-11-24T05:47:40+00:00"}


def after(*moves: Json) -> History:
    return History(contents({f"switchover/{m['epoch']}": m for m in moves}))


def ask(gate: str, evidence: Evidence) -> str:
    return body(gate, SHOP, evidence, "0123456789abcdef" * 4)


@pytest.mark.parametrize("gate", ["switch_dns", "switchover", "retire"])
def test_every_gate_says_who_owns_the_writes_what_roll_back_does_and_how_to_change_an_answer(
    gate: str,
) -> None:
    text = ask(gate, Evidence())
    assert "**Owner now:** the data centre's database (source)" in text
    assert "**Roll back**" in text
    assert "clear this task **with Downstream**" in text
    assert "Nobody answers within 1 h 00 min: nothing is changed" in text
    assert "0123456789abcdef" in text
    assert subject(gate, SHOP)


def test_the_dns_gate_shows_the_record_before_and_after_with_its_ttl() -> None:
    text = ask(
        "switch_dns",
        Evidence(record=RecordEvidence(Change((RECORD,), (CLOUD,)))),
    )
    assert "| now | A | 127.1.1.10 | 5 s |" in text
    assert "| then | A | 127.1.3.10 | 5 s |" in text


def test_warnings_are_counted_and_shown_with_their_remedy() -> None:
    found = [WARNING, {**WARNING, "limit": "a key", "restart": True}, {**WARNING, "severity": "ok"}]
    text = ask("switch_dns", Evidence(findings=[Finding.model_validate(f) for f in found]))
    assert "1 ok, 2 warnings, 0 errors" in text
    assert "| warning | keys | shop.log | 1 table without a key |  | add one | no |" in text
    assert "| warning | keys | shop.log | 1 table without a key | a key | add one | yes |" in text


def test_trouble_while_both_sites_serve_stands_in_the_question_about_the_writes() -> None:
    breach = Breach(at="2026-11-23T18:31:00+00:00", share=100, reasons=["9 s behind"])
    clean = WatchLook(at="2026-11-23T18:32:00+00:00")
    text = ask("switchover", Evidence(breach=breach, watch=clean))
    assert "at 100 % of the answers: 9 s behind. Not so any more at" in text
    bad = WatchLook(at=clean.at, breach=["8 s behind"])
    assert "9 s behind. Still so at" in ask("switchover", Evidence(breach=breach, watch=bad))
    assert "Trouble" not in ask("switchover", Evidence())


def test_a_table_that_differs_or_was_not_compared_stands_out() -> None:
    same = TableComparison(
        epoch=1,
        table="shop.a",
        equal=True,
        rows_source=1234567,
        rows_target=1234567,
        checked_at="2026-11-23T18:31:00.123+09:00",
    )
    differs = same.model_copy(update={"table": "shop.b", "equal": False})
    text = ask(
        "switchover",
        Evidence(comparison={"shop.a": same, "shop.b": differs, "shop.c": None}),
    )
    assert "1 of 3 tables are equal" in text
    assert "| shop.a | 1,234,567 | 1,234,567 | yes | 2026-11-23 09:31:00 UTC |" in text
    assert "**no**" in text
    assert "**not compared**" in text


def test_after_the_move_roll_back_says_that_the_writes_go_back() -> None:
    text = ask("retire", Evidence(history=after(MOVE)))
    assert "RDS (target), epoch 2" in text
    assert "moves the writes back to the data centre in one fenced switchover" in text
    assert "| 2 | source to target | 2026-11-23 18:31:00 UTC | 123 |" in text
    assert (
        Evidence(history=after(MOVE, {**MOVE, "epoch": 3, "from": "target", "to": "source"})).owner
        is Side.SOURCE
    )


def test_the_expected_pause_stands_beside_its_budget() -> None:
    assert "about 84 ms; budget 10 s" in ask("switchover", Evidence(pause=ExpectedPause(ms=84)))


def test_a_cell_cannot_break_the_table() -> None:
    assert table(["a"], [["x | y\nz"]]).splitlines()[2] == "| x \\| y<br>z |"


def test_the_checksum_does_not_depend_on_the_order_of_keys() -> None:
    assert checksum({"a": 1, "b": [2]}) == checksum({"b": [2], "a": 1}) != checksum({"a": 1, "b": [3]})


def test_a_cleared_gate_says_what_is_done_already() -> None:
    assert "**The name has moved already.**" in ask(
        "switch_dns", Evidence(record=RecordEvidence(Change((RECORD,), (RECORD,))))
    )
    assert "**The writes have moved already.**" in ask("switchover", Evidence(history=after(MOVE)))
    assert "already" not in ask("switchover", Evidence())


def test_once_the_source_no_longer_follows_roll_back_is_not_offered() -> None:
    text = ask("retire", Evidence(history=History(contents({"switchover/2": MOVE}, [CLOSED]))))
    assert "**Roll back is refused:**" in text
    assert "since 2026-11-24T05:47:40+00:00" in text


SAID = (
    "A rollback loses nothing until 2026-11-30 03:12 UTC if reverse replication stops now; while it runs,"
    " until you approve Retire"
)


def test_the_retire_gate_says_until_when_going_back_loses_nothing() -> None:
    text = ask(
        "retire", Evidence(history=after(MOVE), way_back=WayBack(epoch=2, state="running", message=SAID))
    )
    assert f"**Rollback:** {SAID}." in text
    assert "moves the writes back to the data centre" in text


def test_a_broken_way_back_is_told_first_and_roll_back_is_refused() -> None:
    text = ask(
        "retire",
        Evidence(
            history=after(MOVE),
            way_back=WayBack(
                epoch=2, state="running", losses=["x"], message="A rollback would lose writes: x"
            ),
        ),
    )
    assert "**Reverse replication is broken.** A rollback would lose writes: x." in text
    assert "**Roll back is refused** as long as it would lose writes" in text
    assert "Clear `switchover.compare_back`" in text


def test_a_change_by_hand_is_printed_as_it_is_to_be_entered_and_what_stops_it_is_said() -> None:
    record = RecordEvidence(
        Change((RECORD,), (CLOUD,), (5, 100)), ["authority a: lame"], ["test delegates"], "a panel", True
    )
    text = ask("switch_dns", Evidence(record=record))
    assert "    www.shop.test. 5 A 127.1.3.10" in text
    assert "In steps of the answers: 5 %, 100 %" in text
    assert "**Proceed will be refused:** authority a: lame" in text
    assert "- test delegates" in text
    assert set(approved(record)) == {"name", "before", "after", "steps"}


ROLL_BACK_TO = {"committed": "finishes the move to RDS first", "lost": "if they left it"}
BEGAN = {
    "event": "switchover_began",
    "epoch": 2,
    "from": "source",
    "to": "target",
    "attempt": "a",
    "time": "2026-11-23T18:30:00+00:00",
}
ENDED = {
    **BEGAN,
    "event": "switchover",
    "started_at": BEGAN["time"],
    "fenced_at": BEGAN["time"],
    "committed_at": BEGAN["time"],
    "result": "incomplete",
    "reason": "gone",
    "time": "2026-11-23T18:30:02+00:00",
}


def test_a_question_after_a_committed_unfinished_move_names_no_owner() -> None:
    evidence = Evidence(history=History(contents({}, [BEGAN, ENDED])))
    text = ask("switchover", evidence)
    assert evidence.owner is None
    assert "data centre's database (source)" not in text
    assert "the move to RDS is committed" in text
    assert "Proceed finishes it" in text
    assert ROLL_BACK_TO["committed"] in text
    assert ROLL_BACK_TO["lost"] in ask("switchover", Evidence(history=History(contents({}, [BEGAN]))))


def test_an_owner_in_doubt_is_named_by_no_question() -> None:
    evidence = Evidence(history=History(contents({}, [BEGAN])))
    assert (evidence.owner, evidence.current.certain) == (Side.SOURCE, False)
    assert "source" not in owner_in_short(evidence.current)
    assert "data centre's database (source)" not in ask("switchover", evidence)


@pytest.mark.parametrize(
    ("source", "target", "owner"),
    [
        (ControlState.OPEN, ControlState.FOLLOW, Side.SOURCE),
        (ControlState.CEDED, ControlState.OPEN, Side.TARGET),
    ],
)
def test_rows_that_were_read_decide_over_what_the_ledger_left(
    source: ControlState, target: ControlState, owner: Side
) -> None:
    epoch = 1 if owner is Side.SOURCE else 2
    rows = ControlRows(ControlRow(Side.SOURCE, source, epoch), ControlRow(Side.TARGET, target, epoch))
    evidence = Evidence(history=History(contents({}, [BEGAN, ENDED]), rows))
    assert (evidence.owner, evidence.current.certain) == (owner, True)


def test_no_move_is_offered_back_past_a_promotion() -> None:
    promoted = {"promotion/2": {"epoch": 2, "owner": "target", "move": MOVE}}
    assert "**Roll back is refused:**" in ask("retire", Evidence(history=History(contents(promoted))))
