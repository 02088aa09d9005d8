"""The report of a migration: what it tells from the ledger, and that its page is safe to open."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

from livemove.core import report
from livemove.core.page import Page, Table, shown
from livemove.ports import Json

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
FORTH = {"epoch": 2, "from": "source", "to": "target", "fenced_ms": 240, "steps": [{"name": "fence", "ms": 31}]}  # fmt: skip
BACK = {"epoch": 3, "from": "target", "to": "source", "fenced_ms": 310, "steps": []}
DOCUMENTS: dict[str, Json] = {
    "full_load": {"rows": 300123, "seconds": 12.5, "tables": ["shop.a", "shop.b"]},
    "comparison/1/shop.a": {"equal": True, "rows_source": 3, "rows_target": 3},
    "comparison/1/shop.b": {"equal": False, "rows_source": 3, "rows_target": 2, "differences": ["id 7"]},
    "propagation": {"rows": [{"server": "127.1.6.1", "flipped_at": "x"}, {"server": "127.1.6.4", "flipped_at": None}]},
    "switchover/2": FORTH,
}  # fmt: skip


def built(documents: dict[str, Json], events: list[Json] | None = None) -> Json:
    return report.build("Property listings", documents, events or [], now=NOW)


def test_numbers_come_from_the_ledger() -> None:
    made = built(DOCUMENTS)
    assert (made["rows_copied"], made["tables_compared"], made["tables_equal"]) == (300123, 2, 1)
    assert (made["owner"], made["outcome"]) == ("target", "moved")


def test_the_last_comparison_counts_and_all_are_listed() -> None:
    made = built({**DOCUMENTS, "comparison/2/shop.a": {"equal": True}})
    assert (made["tables_compared"], made["tables_equal"]) == (1, 1)
    assert [(c["epoch"], c["table"]) for c in made["comparison"]] == [
        (1, "shop.a"),
        (1, "shop.b"),
        (2, "shop.a"),
    ]


def test_the_way_back_is_told_as_it_was_seen_last() -> None:
    seen = {"epoch": 2, "task": "shop-e2-target-to-source", "state": "running", "lag_ms": 12, "until": "2026-11-30T03:12:00+00:00", "checked_at": "x", "says": "Going back loses nothing"}  # fmt: skip
    made = built({**DOCUMENTS, "way_back": seen})
    assert made["way_back"] == seen
    assert "Going back loses nothing" in report.page(made).html()


def test_what_was_not_reached_is_null_and_not_zero() -> None:
    made = built({})
    assert (made["rows_copied"], made["tables_compared"], made["tables_equal"]) == (None, None, None)
    assert (made["owner"], made["outcome"], made["moves"]) == ("source", "not moved", [])


def test_a_way_back_is_a_rollback_and_the_source_owns_again() -> None:
    made = built({**DOCUMENTS, "switchover/3": BACK})
    assert (made["owner"], made["outcome"]) == ("source", "rolled_back")
    assert [m["epoch"] for m in made["moves"]] == [2, 3]


def test_epochs_are_ordered_as_numbers() -> None:
    many = {f"switchover/{n}": {**(FORTH if n % 2 == 0 else BACK), "epoch": n} for n in (10, 9, 2)}
    assert [m["epoch"] for m in built(many)["moves"]] == [2, 9, 10]


def test_an_undone_switchover_is_no_move() -> None:
    undone = {key: value for key, value in FORTH.items() if key != "fenced_ms"}
    assert built({"switchover/2": undone})["owner"] == "source"


def test_a_rollback_before_the_writes_moved_is_told_by_the_events() -> None:
    assert built({}, [{"event": "rollback.name", "time": "t"}])["outcome"] == "rolled_back"


FAILED = {"event": "task_failed", "run_id": "r", "task_id": "repoint.smoke", "error": "UnreachableError", "found": "no answer", "time": "1"}  # fmt: skip
BEGUN = {"event": "rollback_begun", "run_id": "r", "gate": "repoint.smoke", "by": "the spec (rollback.automatic)", "time": "2"}  # fmt: skip


def test_a_rollback_that_began_by_itself_says_why_although_the_run_is_green() -> None:
    other = {**FAILED, "run_id": "earlier", "found": "of another run"}
    made = built({**DOCUMENTS, "switchover/3": BACK}, [other, FAILED, BEGUN])
    says = made["rollback"]["says"]
    assert (
        "by the spec (rollback.automatic) at repoint.smoke, because repoint.smoke failed with UnreachableError: no answer"
        in says
    )
    assert "of another run" not in says
    assert "The run is green all the same" in report.page(made).lead
    by_hand = built(DOCUMENTS, [FAILED, {**BEGUN, "gate": "retire", "by": "kim"}])["rollback"]
    assert (by_hand["says"], by_hand["failed"]) == ("Rolled back by kim at retire", [])
    assert built(DOCUMENTS)["rollback"] is None


def test_an_emergency_tells_what_may_be_missing_and_why_there_is_no_dump() -> None:
    promoted = {"epoch": 2, "says": ["every write that the source acknowledged before that is here"]}
    dump = {"skipped": "the source does not answer", "made_at": "x"}
    made = built({**DOCUMENTS, "promotion/2": promoted, "final_dump": dump})
    assert made["promotion"] == promoted
    page = report.page(made).html()
    assert "acknowledged before that is here" in page
    assert "skipped: the source does not answer" in page


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
        self.links += [v for k, v in attrs if k in ("src", "href") and v]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_whole_and_loads_nothing_from_elsewhere() -> None:
    html = report.page(built({**DOCUMENTS, "switchover/3": BACK}, [{"event": "gate", "time": "t"}])).html()
    tags = Tags(html)
    assert tags.open == []
    assert tags.links == []
    assert "script" not in tags.seen
    assert "1 of 2" in html


def test_text_from_the_world_cannot_become_markup() -> None:
    html = Page(
        "<em>t</em>", "<q>", {"<s>": "<i>"}, [Table("<p1>", ["<u>"], [("<script>alert(1)</script>",)])]
    ).html()
    assert not {"em", "q", "s", "i", "p1", "u", "script"} & Tags(html).seen
    assert "&lt;script&gt;" in html


def test_values_are_shown_as_people_write_them() -> None:
    assert shown("2026-11-23T05:29:08.466710+00:00") == "2026-11-23 05:29:08 UTC"
    assert shown("2026-11-23T05:29:08 is part of a text") == "2026-11-23T05:29:08 is part of a text"
    assert [shown(v) for v in (None, "", 0, 1234567, 2.25, True, ["a", 1])] == ["–", "–", "0", "1,234,567", "2.2", "yes", "a, 1"]  # fmt: skip
