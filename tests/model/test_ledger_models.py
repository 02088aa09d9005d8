"""Every document and event: round trips, and what an older, a newer or a damaged one is."""

from __future__ import annotations

import json
import typing
from types import NoneType, UnionType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from livemove.model.ledger import (
    DOCUMENTS,
    EVENTS,
    Approval,
    AttemptResult,
    ComparisonPass,
    Document,
    Event,
    ExpectedPause,
    GateAsked,
    PartPass,
    Promotion,
    SwitchoverEnded,
    SwitchoverPlan,
    SwitchoverRecord,
    TableComparison,
    UnknownEvent,
    Unreadable,
    kind_of,
    read_event,
)
from livemove.model.spec import Side

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\n"), min_size=1, max_size=8)
TIMES = st.datetimes(timezones=st.timezones()).map(lambda t: t.isoformat())
KINDS = [*DOCUMENTS.values(), *EVENTS.values()]
WHEN = "2026-11-23T17:00:00+00:00"


def values(annotation: Any, metadata: list[Any]) -> st.SearchStrategy[Any]:
    """JSON values that fit a field."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if metadata:
        return TIMES
    if origin is typing.Annotated:
        return TIMES
    if origin in (typing.Union, UnionType):
        return st.one_of(*(values(a, []) for a in args))
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin is list:
        return st.lists(values(args[0], []), max_size=2)
    if origin is tuple:
        return st.tuples(*(values(a, []) for a in args)).map(list)
    if origin is dict:
        return st.dictionaries(TEXT, values(args[1], []), max_size=2)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return contents(annotation)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: TEXT,
        int: st.integers(0, 10**9),
        bool: st.booleans(),
        NoneType: st.none(),
        Side: st.sampled_from([str(s) for s in Side]),
        AttemptResult: st.sampled_from([str(r) for r in AttemptResult]),
        float: st.floats(0, 1e9, allow_nan=False),
        Any: st.none() | TEXT | st.lists(st.integers(), max_size=2),
    }
    return simple[annotation]


def contents(kind: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """What may be stored of a kind, by the stored names."""
    fields = {
        f.serialization_alias or n: values(f.annotation, f.metadata) for n, f in kind.model_fields.items()
    }
    if issubclass(kind, Event):
        fields["event"] = st.just(kind.model_fields["event"].default)
    return st.fixed_dictionaries(fields)


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
@settings(max_examples=15)
@given(data=st.data())
def test_what_is_stored_is_read_again(kind: type[Document | Event], data: st.DataObject) -> None:
    content = data.draw(contents(kind))
    one = kind.model_validate(content)
    text = json.dumps(one.stored(), ensure_ascii=False)
    if isinstance(one, Document):
        name = one.ledger_name
        assert type(one) is kind_of(name)
        assert type(one).read(name, json.loads(text)) == one
    else:
        assert read_event("e", json.loads(text)) == one
    assert content.keys() <= one.stored().keys()


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
@settings(max_examples=5)
@given(data=st.data())
def test_unknown_fields_of_a_newer_version_are_passed_on(
    kind: type[Document | Event], data: st.DataObject
) -> None:
    content = {**data.draw(contents(kind)), "version": 2, "newer": {"deep": [1]}}
    assert kind.model_validate(content).stored()["newer"] == {"deep": [1]}


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_every_field_is_described_where_it_needs_it(kind: type[Document | Event]) -> None:
    assert kind.__doc__


def test_names_hold_whatever_a_table_is_called() -> None:
    name = TableComparison.name_of(epoch=2, table="shop.a/b%2F")
    assert TableComparison.keys_in(name) == {"epoch": "2", "table": "shop.a/b%2F"}
    assert name.count("/") == 2


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("switchover/2", SwitchoverRecord),
        ("switchover/plan", SwitchoverPlan),
        ("expected_pause", ExpectedPause),
        ("comparing/1/shop.a", ComparisonPass),
        ("comparing/1/shop.a/3", PartPass),
        ("approvals/retire", Approval),
        ("never/heard", None),
    ],
)
def test_a_name_tells_its_kind(name: str, kind: type[Document] | None) -> None:
    assert kind_of(name) is kind


def test_a_name_is_made_of_all_its_keys() -> None:
    with pytest.raises(TypeError):
        TableComparison.name_of(epoch=2)
    assert TableComparison.prefix_of(epoch=2) == "comparison/2/"
    with pytest.raises(TypeError):
        TableComparison.prefix_of(table="shop.a")


def test_the_name_counts_not_what_the_content_says() -> None:
    found = Approval.read("approvals/retire", {"gate": "switchover"})
    assert isinstance(found, Approval)
    assert found.gate == "retire"


@pytest.mark.parametrize("content", [None, [], "x", {}, {"equal": "perhaps"}])
def test_a_damaged_document_is_named(content: object) -> None:
    found = TableComparison.read("comparison/2/shop.a", content)
    assert isinstance(found, Unreadable)
    assert found.name == "comparison/2/shop.a"
    assert found.reason


def test_a_time_without_an_offset_is_utc() -> None:
    assert GateAsked(gate="retire", time="2026-11-23T17:00:00").time == "2026-11-23T17:00:00+00:00"
    with pytest.raises(ValidationError):
        GateAsked(gate="retire", time="yesterday")


def test_an_older_event_lacks_its_dag() -> None:
    found = read_event("e", {"event": "gate_asked", "gate": "retire", "time": WHEN})
    assert isinstance(found, GateAsked)
    assert found.dag_id == ""


def test_an_unknown_event_is_kept() -> None:
    found = read_event("e", {"event": "of tomorrow", "time": WHEN, "how": 3})
    assert isinstance(found, UnknownEvent)
    assert found.stored()["how"] == 3


def test_a_damaged_event_is_named() -> None:
    assert isinstance(read_event("events/1", {"event": "switchover"}), Unreadable)
    assert isinstance(read_event("events/1", None), Unreadable)


def test_the_side_that_gave_the_writes_away_is_stored_as_from() -> None:
    ended = SwitchoverEnded(epoch=2, from_=Side.SOURCE, to=Side.TARGET, result="moved")
    assert ended.stored()["from"] == "source"
    assert "from_" not in ended.stored()


def test_a_document_is_no_mapping_so_that_its_fields_can_be_taken_over() -> None:
    kept = Promotion(epoch=2, owner=Side.TARGET, task="t")
    assert Promotion.model_validate({**dict(kept), "epoch": 3}).task == "t"
