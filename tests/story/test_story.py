"""The story from nothing to nothing, as `make rehearse` tells it, judged by its report and by what is left.

One full rehearsal in real Airflow takes minutes; so it runs once for all tests here, and somebody looks at
the console meanwhile.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from lab.addresses import octet
from lab.lock import holder
from tests.story.playing import Told, play
from tests.ui.console_observer import Onlooker

pytestmark = pytest.mark.story


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return play(tmp_path_factory.mktemp("story"))


@pytest.fixture
def onlooker(story: Told) -> Onlooker:
    return story.somebody_who_looked()


def test_the_service_is_moved(story: Told) -> None:
    assert (story.report["result"], story.report["errors"]) == ("moved", [])
    assert story.code == 0
    assert story.report["owner"] == "target"


def test_no_acknowledged_write_is_lost_or_there_twice(story: Told) -> None:
    r = story.report
    assert r["writes_acknowledged"] > 500
    assert (r["writes_lost"], r["writes_duplicated"]) == (0, 0)
    assert f"acknowledged writes {r['writes_acknowledged']}, lost 0, duplicated 0" in story.output


def test_every_row_and_table_arrived(story: Told) -> None:
    assert story.report["rows_copied"] >= 300_000
    assert story.report["tables_equal"] == story.report["tables_compared"] > 3


def test_the_writes_moved_once_and_their_pause_was_measured(story: Told) -> None:
    (move,) = story.report["moves"]
    assert (move["epoch"], move["direction"]) == (2, "source_to_target")
    assert story.report["write_pause_ms"] == move["write_pause_ms"] > 0


def test_every_chapter_of_the_story_ran_in_its_order(story: Told) -> None:
    names = [c["name"] for c in story.report["chapters"]]
    assert names == [
        "preflight",
        "provision",
        "trial",
        "replicate",
        "validate",
        "switch_dns",
        "switchover",
        "retire",
        "finish",
    ]


def test_the_trial_is_in_the_report(story: Told) -> None:
    for check in ("trial.database", "trial.rows_there", "trial.rows_back", "trial.timestamp", "trial.pause"):
        assert check in story.page
    assert "record until Route 53 says INSYNC" in story.page


def test_users_were_served_throughout(story: Told) -> None:
    assert story.report["requests_ok"] > 2000
    assert story.report["requests_failed"] <= story.report["requests_ok"] // 200


def test_all_resolvers_were_seen_switching(story: Told) -> None:
    assert story.report["resolvers_switched"] == story.report["resolvers_watched"] >= 4


def test_terraform_finds_nothing_to_change_and_nothing_of_dms_is_left(story: Told) -> None:
    assert story.report["plan_clean"] is True
    assert story.report["replication_leftovers"] == []


def test_the_page_tells_the_audit(story: Told) -> None:
    assert f"{story.report['writes_acknowledged']:,}" in story.page


def test_nothing_is_left_behind(story: Told) -> None:
    assert not story.state.exists()
    mark = str(story.state).encode()
    left = [
        p
        for p in Path("/proc").glob("[0-9]*/environ")
        if mark in _read(p) and p.parent.name != str(os.getpid())
    ]
    assert left == []
    assert holder(octet()) is None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


# What somebody saw who had the console open all the time --------------------------------------------------
def test_without_a_login_airflow_shows_nothing_of_livemove(onlooker: Onlooker) -> None:
    assert set(onlooker.closed.values()) == {401}, onlooker.closed
    assert len(onlooker.closed) >= 6


def test_airflows_navigation_leads_to_the_console(onlooker: Onlooker) -> None:
    assert "livemove" in onlooker.navigation


def test_every_tab_of_airflow_that_is_ours_was_clicked_and_shows_our_page(onlooker: Onlooker) -> None:
    for place in ("navigation", "DAG", "run"):
        assert "is the owner" in onlooker.tabs[place], onlooker.tabs
    for place in ("run's preflight", "task's preflight"):
        assert "Preflight" in onlooker.tabs[place], onlooker.tabs


def test_the_page_was_loaded_once_and_never_lost_its_ledger(onlooker: Onlooker) -> None:
    assert {glance["loads"] for glance in onlooker.seen} == {1}
    # at its end the rehearsal takes Airflow away from under the page
    assert {glance["problem"] for glance in onlooker.seen} <= {"", "Failed to fetch"}
    asked = [glance for glance in onlooker.seen if glance["title"].startswith("A question")]
    assert {glance["problem"] for glance in asked} == {""}


def test_the_load_was_seen_without_loading_the_page_again(onlooker: Onlooker) -> None:
    rows = [glance["rows"] for glance in onlooker.seen]
    over = min(n for n, r in enumerate(rows) if "rows loaded in" in r)
    # a load of three seconds may lie between two looks of the page; where it was seen, it was seen before its
    # end
    before = [r for r in rows[:over] if "rows loaded in" not in r]
    assert before, rows
    assert all(n < over for n, r in enumerate(rows) if "%" in r)


def test_tasks_at_work_are_called_as_in_the_grid(onlooker: Onlooker) -> None:
    assert any("Terraform apply" in g["card"] and "provision.apply" in g["card"] for g in onlooker.seen)


def test_each_question_was_seen_with_its_evidence_and_the_place_to_answer_it(onlooker: Onlooker) -> None:
    asked = {g["now"]: g for g in onlooker.seen if g["title"].startswith("A question")}
    assert list(asked) == ["Switch DNS?", "Switch over?", "Retire the data centre?"]
    for gate, glance in zip(("switch_dns", "switchover", "retire"), asked.values(), strict=True):
        assert glance["answer"].endswith(f"/tasks/{gate}.ask/required_actions")
        assert "tables equal" in glance["card"]


def test_the_owner_flipped_once_and_the_way_back_stood_until_retire(onlooker: Onlooker) -> None:
    said = [g["owner"] for g in onlooker.seen if "is the owner" in g["owner"]]
    flips = [b for a, b in itertools.pairwise(said) if a != b]
    assert (said[0], flips) == ("The data centre is the owner", ["AWS: RDS is the owner"])
    back = [g["back"] for g in onlooker.seen]
    assert "Rollback loses nothing until you approve Retire" in back
    assert back.index("Rollback loses nothing until you approve Retire") < back.index(
        "A rollback is no longer possible"
    )


def test_axe_finds_nothing_grave_in_the_real_page(onlooker: Onlooker) -> None:
    assert {"question", "dual", "moved", "soaked"} <= set(onlooker.axe)
    assert [f for found in onlooker.axe.values() for f in found] == []
