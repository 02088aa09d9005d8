"""Which rows the final check looks at, and which tables' changed rows the binlog tells; no server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from livemove.comparison import binlog_layout, row_events
from livemove.comparison.adapters.changed_keys import ChangedKeys
from livemove.comparison.adapters.final_check import BATCH, SMALL_ROWS, FinalComparison
from livemove.comparison.canonical import Column, Shape
from livemove.comparison.row_events import TableMap


def table(name: str) -> Shape:
    columns = (Column("id", "int", "int", nullable=False), Column("v", "int", "int"))
    return Shape("shop", name, columns, {"PRIMARY": ("id",)}, estimate=SMALL_ROWS)


@pytest.mark.parametrize("changed", [1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 203])
def test_every_changed_key_is_looked_at_once(changed: int) -> None:
    proof: Any = object.__new__(FinalComparison)
    proof.rows = 0
    proof._changed = SimpleNamespace(keys={"shop.a": {(n,) for n in range(changed)}})
    pair: Any = SimpleNamespace(ask_source=lambda *_: [])
    asked = list(proof._to_prove(pair, table("a")))
    assert sorted(n for _, args in asked for n in args) == list(range(changed))
    assert proof.rows == changed


def changed_keys(**since: str) -> ChangedKeys:
    db: Any = None
    return ChangedKeys(db, {f"shop.{t}": table(t) for t in since}, {f"shop.{t}": p for t, p in since.items()})


def test_the_binlog_is_read_from_the_earliest_position_on() -> None:
    assert (
        changed_keys(a="bin.000002:4", b="bin.000001:1000", c="bin.000001:999").position == "bin.000001:999"
    )


@pytest.mark.parametrize(
    ("statement", "unknown"),
    [
        ("UPDATE a SET v = 1", {"shop.a", "shop.b"}),
        ("XA COMMIT X'61',X'',1", {"shop.a", "shop.b"}),
        ("ALTER TABLE shop.a ADD w INT", {"shop.a"}),
        ("ALTER TABLE shop.other ADD w INT", set()),
        ("COMMIT", set()),
    ],
)
def test_what_a_statement_may_have_changed_is_not_known(statement: str, unknown: set[str]) -> None:
    changed = changed_keys(a="bin.000001:4", b="bin.000001:4")
    changed._query("shop", statement)
    assert set(changed.unknown) == unknown


@pytest.mark.parametrize(("end", "keys"), [(900, set()), (1000, set()), (1100, {(7,)})])
def test_only_rows_behind_the_tables_own_position_count(
    end: int, keys: set[tuple[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = changed_keys(a="bin.000001:1000", b="bin.000001:4")
    raw = bytes(13) + end.to_bytes(4, "little") + bytes(20)
    changed._maps = {binlog_layout.table_id(raw): TableMap("shop", "a", ())}
    monkeypatch.setattr(row_events, "keys", lambda *_: {(7,)})
    changed._rows("bin.000001", raw)
    assert changed.keys["shop.a"] == keys
