"""The thin shells: what they write into the ledger, return, and raise, on two real servers."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.adapters.world import World
from livemove.errors import LivemoveError, RefusedError, SchemaError
from livemove.operators.comparison import CompareTableOperator, ListTablesOperator
from livemove.operators.preflight import ShowSettingsOperator
from livemove.operators.schema import CarrySchemaOperator, ParityOperator
from livemove.ports import Json, Link
from livemove.spec import Side, find_spec
from tests.adapters.sides import Sides, sides

__all__ = ["sides"]
pytestmark = pytest.mark.servers
FORTH, BACK = Link("shop", 1, Side.SOURCE), Link("shop", 2, Side.TARGET)
SCRIPT = """
CREATE TABLE listing (id INT PRIMARY KEY, v INT, KEY (v));
INSERT INTO listing VALUES (1, 1), (2, 2);
CREATE TRIGGER counts BEFORE INSERT ON listing FOR EACH ROW SET new.v = 1;
CREATE VIEW seen AS SELECT id FROM listing;
"""


class MemoryLedger:
    def __init__(self) -> None:
        self.documents: dict[str, Json] = {}

    def write(self, name: str, document: Json) -> None:
        self.documents[name] = document

    def note(self, event: str, **facts: Any) -> None: ...


class TestWorld(World):
    """Databases are the test's two servers, the ledger is a dict."""

    __test__ = False

    def __init__(self, sides: Sides, schema: str) -> None:
        spec = find_spec("shop")
        super().__init__(
            spec.model_copy(update={"source": spec.source.model_copy(update={"schemas": (schema,)})})
        )
        self.sides, self.kept = sides, MemoryLedger()

    @property
    def ledger(self) -> Any:  # type: ignore[override]
        return self.kept

    def database(self, side: Side, **options: Any) -> Any:
        return self.sides.source if side is Side.SOURCE else self.sides.target


@pytest.fixture
def world(sides: Sides) -> TestWorld:
    sides.make("shells", SCRIPT)
    return TestWorld(sides, "shells")


def run(operator: Any, world: TestWorld, monkeypatch: pytest.MonkeyPatch, link: Link = FORTH) -> Any:
    monkeypatch.setattr("livemove.adapters.standing.link_in_use", lambda world: link)
    monkeypatch.setattr("livemove.adapters.standing.owner", lambda world: link.reads)
    monkeypatch.setattr(operator, "world", lambda context: world)
    return operator.execute({"params": {}})


def test_the_chapter_from_tables_to_parity(world: TestWorld, sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def carry(phase: str) -> Any:
        return run(CarrySchemaOperator(task_id=f"carry_{phase}", service="shop", phase=phase), world, monkeypatch)  # fmt: skip

    assert carry("tables")["created"] == 1
    sides.copy_rows(["shells"])
    assert carry("keys")["index_statements"] == 1
    assert carry("code")["views_created"] == 1
    assert [t["name"] for t in world.kept.documents["schema/source"]["triggers"]] == ["counts"]

    counts = run(ParityOperator(task_id="parity", service="shop"), world, monkeypatch)
    assert counts["tables"] == 2
    assert world.kept.documents["parity"]["unexplained"] == []

    (table,) = run(ListTablesOperator(task_id="tables", service="shop"), world, monkeypatch)
    assert table == "shells.listing"
    compared = CompareTableOperator(task_id="compare", service="shop", table=table)
    assert run(compared, world, monkeypatch)["rows"] == 2
    kept = world.kept.documents["comparison/1/shells.listing"]
    assert (kept["equal"], kept["rows_source"], kept["rows_target"], kept["differences"]) == (True, 2, 2, [])
    assert kept["checked_at"]


def test_what_differs_is_kept_and_raised(world: TestWorld, sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    for phase in ("tables", "keys", "code"):
        run(CarrySchemaOperator(task_id=phase, service="shop", phase=phase), world, monkeypatch)
    monkeypatch.setattr("livemove.adapters.comparing.compare_table.__kwdefaults__", {**_defaults(), "waits": (0.01, 0.01)})  # fmt: skip
    with pytest.raises(
        LivemoveError,
        match=r"shells\.listing differs on the target from the source, which owns the writes: missing 1; missing 2",
    ):
        run(CompareTableOperator(task_id="compare", service="shop", table="shells.listing"), world, monkeypatch)  # fmt: skip
    assert world.kept.documents["comparison/1/shells.listing"]["differences"] == [
        {"key": ["1"], "kind": "missing"},
        {"key": ["2"], "kind": "missing"},
    ]
    sides.target_server.query("DROP VIEW shells.seen")
    with pytest.raises(SchemaError, match=r"views shells\.seen missing"):
        run(ParityOperator(task_id="parity", service="shop"), world, monkeypatch)
    assert world.kept.documents["parity"]["unexplained"]


def test_on_the_way_back_the_source_is_compared_with_its_owner(
    world: TestWorld, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    for phase in ("tables", "keys"):
        run(CarrySchemaOperator(task_id=phase, service="shop", phase=phase), world, monkeypatch)
    sides.copy_rows(["shells"])
    compare = CompareTableOperator(task_id="compare_back", service="shop", table="shells.listing")
    run(compare, world, monkeypatch, BACK)
    with pytest.raises(RefusedError, match="triggers and events of the source sleep"):
        run(ParityOperator(task_id="parity", service="shop"), world, monkeypatch, BACK)
    for phase in ("tables", "keys", "code"):
        with pytest.raises(RefusedError, match=r"The target owns the writes.*mark it as success"):
            run(CarrySchemaOperator(task_id=phase, service="shop", phase=phase), world, monkeypatch, BACK)
    assert "schema/source" not in world.kept.documents, (
        "the sleeping code must not be kept as the source's own"
    )
    kept = world.kept.documents["comparison/2/shells.listing"]
    assert (kept["equal"], kept["epoch"], kept["owner"]) == (True, 2, "target")
    assert set(kept["definitions"]) == {"source", "target"}
    sides.target_server.query("INSERT INTO shells.listing (id) VALUES (77)")
    monkeypatch.setattr("livemove.adapters.comparing.compare_table.__kwdefaults__", {**_defaults(), "waits": (0.01, 0.01)})  # fmt: skip
    with pytest.raises(LivemoveError, match=r"differs on the source from the target.*missing 77.*2 on the source, 3 on the target.*copy the follower anew"):  # fmt: skip
        run(compare, world, monkeypatch, BACK)
    sides.target_server.query("ALTER TABLE shells.listing ADD COLUMN newer INT")
    with pytest.raises(LivemoveError, match="only on one side newer"):
        run(compare, world, monkeypatch, BACK)


def _defaults() -> dict[str, Any]:
    from livemove.adapters.comparing import compare_table

    return dict(compare_table.__kwdefaults__)


def test_the_settings_are_told_with_their_production_values(world: TestWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:  # fmt: skip
    told = run(ShowSettingsOperator(task_id="settings", service="shop"), world, monkeypatch)
    assert told["soak"] == f"{world.spec.soak:g}"
