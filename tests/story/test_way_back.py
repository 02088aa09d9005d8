"""A whole rehearsal with a rollback: moved, cleared at "Switch over?", rolled back, with the console open."""

from __future__ import annotations

import pytest

from tests.story.playing import Told, play
from tests.ui.console_observer import Onlooker

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return play(tmp_path_factory.mktemp("back"), "--rollback", "clear")


@pytest.fixture
def onlooker(story: Told) -> Onlooker:
    return story.somebody_who_looked()


def test_it_was_rolled_back_and_nothing_is_lost(story: Told) -> None:
    assert (story.report["result"], story.report["errors"], story.code) == ("rolled_back", [], 0)
    assert (story.report["owner"], story.report["writes_lost"], story.report["writes_duplicated"]) == (
        "source",
        0,
        0,
    )


def test_the_owner_flipped_there_and_back_on_one_page(onlooker: Onlooker) -> None:
    said = [g["owner"].startswith("AWS") for g in onlooker.seen if "is the owner" in g["owner"]]
    assert [a for a, b in zip(said, [None, *said], strict=False) if a != b] == [False, True, False]
    assert {g["loads"] for g in onlooker.seen} == {1}


def test_after_the_rollback_the_page_says_so(onlooker: Onlooker) -> None:
    last = onlooker.seen[-1]
    assert last["back"] == "The writes are back in the data centre"
    assert last["chapters"]["Roll back"] == "done"
    assert last["moves"] == 2
    assert "writes moved back" in last["moments"]


def test_axe_finds_nothing_grave_after_the_rollback(onlooker: Onlooker) -> None:
    assert onlooker.axe["back"] == []
