"""The thin shells: what they write into the ledger, return, and raise, on two real servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from livemove.comparison.operators import CompareTableOperator, ListTablesOperator
from livemove.control.adapters.setup import install
from livemove.dag import OBSERVERS
from livemove.model.errors import LivemoveError, RefusedError, ReplicationError, SchemaError
from livemove.model.ports import Json, Link
from livemove.model.spec import Side, find_spec
from livemove.preflight.operators import ShowSettingsOperator
from livemove.replication.dms_rules import REPAIR_FOLLOWER
from livemove.runtime.operator import NOTHING_TO_DO
from livemove.runtime.polling import PollResult
from livemove.runtime.sensor import look_and_notice
from livemove.runtime.service_context import ServiceContext
from livemove.schema.adapters.ddl_watch import keep
from livemove.schema.operators import CarrySchemaOperator, ParityOperator
from tests.doubles.memory import MemoryLedger
from tests.doubles.sides import Sides, sides
from tests.raising import raises

__all__ = ["sides"]
pytestmark = pytest.mark.servers
FORTH, BACK = Link("shop", 1, Side.SOURCE), Link("shop", 2, Side.TARGET)
SCRIPT = """
CREATE TABLE listing (id INT PRIMARY KEY, v INT, KEY (v));
INSERT INTO listing VALUES (1, 1), (2, 2);
CREATE TRIGGER counts BEFORE INSERT ON listing FOR EACH ROW SET new.v = 1;
CREATE VIEW seen AS SELECT id FROM listing;
"""


class TestWorld(ServiceContext):
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


def nothing_yet(world: ServiceContext, state: Json) -> PollResult:
    return PollResult(False, "nothing yet", {})


def fails(world: ServiceContext, state: Json) -> PollResult:
    raise ReplicationError("the task failed", wanted="running", next_step="fix it")


@pytest.fixture
def world(sides: Sides) -> Iterator[TestWorld]:
    sides.make("shells", SCRIPT)
    # a follower is prepared for LOBs while its row says that it follows
    install(sides.target, ("shop_app",), ("shells",))
    yield TestWorld(sides, "shells")
    sides.target.run("DROP DATABASE livemove")


def run(operator: Any, world: TestWorld, monkeypatch: pytest.MonkeyPatch, link: Link = FORTH) -> Any:
    monkeypatch.setattr("livemove.control.adapters.state.link_in_use", lambda world: link)
    monkeypatch.setattr("livemove.control.adapters.state.owner", lambda world: link.reads)
    # these sides have no control schema, and so no watermarks
    monkeypatch.setattr(
        "livemove.comparison.adapters.compared_tables.by_watermark", lambda *_: lambda limit: True
    )
    monkeypatch.setattr(operator, "world", lambda context: world)
    return operator.execute({"params": {}})


def test_the_chapter_from_tables_to_parity(
    world: TestWorld, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    def carry(phase: str) -> Any:
        return run(
            CarrySchemaOperator(task_id=f"carry_{phase}", service="shop", phase=phase), world, monkeypatch
        )

    assert carry("tables")["created"] == 1
    sides.copy_rows(["shells"])
    assert carry("indexes")["index_statements"] == 1
    assert carry("foreign_keys")["foreign_key_statements"] == 0
    assert carry("code")["views_created"] == 1
    assert [t["name"] for t in world.kept.kept["schema/source"]["triggers"]] == ["counts"]

    assert world.kept.kept["definitions/source"]["changed"] == []
    definers = world.kept.kept["schema/definers"]["definers"]
    seen = next(d for d in definers if d["object"] == "view shells.seen")
    assert (seen["source"], seen["target"][:16]) == ("root@localhost", "definer_of_root_")

    counts = run(ParityOperator(task_id="parity", service="shop"), world, monkeypatch)
    assert counts["tables"] == 2
    assert world.kept.kept["parity"]["unexplained"] == []

    listed = run(ListTablesOperator(task_id="tables", service="shop"), world, monkeypatch)
    assert listed == [{"table": "shells.listing"}]
    compared = CompareTableOperator(task_id="compare", service="shop", **listed[0])
    assert run(compared, world, monkeypatch)["rows"] == 2
    kept = world.kept.kept["comparison/1/shells.listing"]
    assert (kept["equal"], kept["rows_source"], kept["rows_target"], kept["differences"]) == (True, 2, 2, [])
    assert kept["checked_at"]


def test_what_differs_is_kept_and_raised(
    world: TestWorld, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    for phase in ("tables", "indexes", "foreign_keys", "code"):
        run(CarrySchemaOperator(task_id=phase, service="shop", phase=phase), world, monkeypatch)
    with raises(LivemoveError, "shells.listing", "missing 1", "missing 2"):
        run(
            CompareTableOperator(task_id="compare", service="shop", table="shells.listing"),
            world,
            monkeypatch,
        )
    kept = world.kept.kept["comparison/1/shells.listing"]["differences"]
    assert [(d["key"], d["kind"]) for d in kept] == [(["1"], "missing"), (["2"], "missing")]
    sides.target_server.query("DROP VIEW shells.seen")
    with raises(SchemaError, "shells.seen"):
        run(ParityOperator(task_id="parity", service="shop"), world, monkeypatch)
    assert world.kept.kept["parity"]["unexplained"]


def test_a_huge_table_is_compared_in_parts_and_judged_as_one(
    world: TestWorld, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides.source_server.query("INSERT INTO shells.listing (id) SELECT seq * 2 FROM shells.seq_5_to_904")
    sides.source_server.query("ANALYZE TABLE shells.listing")
    for phase in ("tables", "indexes", "foreign_keys"):
        run(CarrySchemaOperator(task_id=phase, service="shop", phase=phase), world, monkeypatch)
    sides.copy_rows(["shells"])
    listed = run(ListTablesOperator(task_id="tables", service="shop", rows_each=300), world, monkeypatch)
    assert [t["share"]["number"] for t in listed] == [1, 2, 3]
    tasks = [CompareTableOperator(task_id="compare", service="shop", **t) for t in listed]
    assert tasks[1].shown == "shells.listing 2 of 3"

    whole = "comparison/1/shells.listing"
    done = [run(t, world, monkeypatch) for t in tasks[:2]]
    assert whole not in world.kept.kept
    done.append(run(tasks[2], world, monkeypatch))
    assert all(d["rows"] > 200 for d in done)
    kept = world.kept.kept[whole]
    assert (kept["equal"], kept["rows_source"], kept["rows_target"]) == (True, 902, 902)
    assert kept["rows_source"] == sum(d["rows"] for d in done)
    assert kept["note"] == "compared in 3 parts"

    # a row that was never there, at the end: the last part is open, and the whole is not equal at once
    sides.target_server.query("INSERT INTO shells.listing (id) VALUES (99999)")
    run(tasks[0], world, monkeypatch)
    assert world.kept.kept[whole]["equal"]
    with raises(LivemoveError, "shells.listing", "extra 99999"):
        run(tasks[2], world, monkeypatch)
    kept = world.kept.kept[whole]
    assert (kept["equal"], kept["extra"]) == (False, 1)
    assert [(d["key"], d["kind"]) for d in kept["differences"]] == [(["99999"], "extra")]


@pytest.mark.parametrize(
    ("ddl", "told"),
    [
        ("ALTER TABLE shells.listing ADD COLUMN newer INT", "table shells.listing was changed"),
        ("ALTER TABLE shells.listing ALTER v SET DEFAULT 9", "table shells.listing was changed"),
        ("ALTER TABLE shells.listing ADD KEY both_of_them (v, id)", "table shells.listing was changed"),
        (
            "ALTER TABLE shells.listing ADD CONSTRAINT positive CHECK (v > 0)",
            "table shells.listing was changed",
        ),
        ("ALTER TABLE shells.listing COMMENT 'x'", "table shells.listing was changed"),
        (
            "ALTER TABLE shells.listing PARTITION BY HASH (id) PARTITIONS 2",
            "table shells.listing was changed",
        ),
        ("CREATE TABLE shells.newer (id INT)", "table shells.newer is new"),
        ("DROP VIEW shells.seen", "view shells.seen is gone"),
        (
            "CREATE OR REPLACE VIEW shells.seen AS SELECT id, v FROM shells.listing",
            "view shells.seen was changed",
        ),
        ("CREATE PROCEDURE shells.p() SELECT 1", "procedure shells.p is new"),
        ("DROP TRIGGER shells.counts", "trigger shells.counts is gone"),
        ("CREATE EVENT shells.e ON SCHEDULE EVERY 1 DAY DO SELECT 1", "event shells.e is new"),
    ],
)
def test_ddl_on_the_source_is_told_by_the_next_look(
    world: TestWorld, sides: Sides, monkeypatch: pytest.MonkeyPatch, ddl: str, told: str
) -> None:
    look = f"{__name__}.nothing_yet"
    monkeypatch.setattr("livemove.schema.adapters.ddl_watch.owner", lambda world: Side.SOURCE)
    monkeypatch.setattr("livemove.schema.adapters.ddl_watch.SHARE", 0)
    with sides.source as source:
        keep(world, source)
    # what the application, the switchover and a fence do is no DDL
    for usual in (
        "INSERT INTO shells.listing (id) VALUES (7)",
        "ALTER TABLE shells.listing AUTO_INCREMENT = 500",
        "ANALYZE TABLE shells.listing",
    ):
        sides.source_server.query(usual)
    assert look_and_notice(world, {}, look=look, observers=OBSERVERS).message == "nothing yet"
    sides.source_server.query(ddl)
    seen = look_and_notice(world, {}, look=look, observers=OBSERVERS)
    assert f"which is not replicated: {told}. Do the same on the target" in seen.message
    assert look_and_notice(world, {}, look=look, observers=OBSERVERS).message == seen.message
    assert [e["objects"] for e in world.kept.events() if e["event"] == "ddl"] == [[told]]
    with raises(ReplicationError, "the task failed", told, next_step="fix it"):
        look_and_notice(world, {}, look=f"{__name__}.fails", observers=OBSERVERS)


def test_the_schema_is_not_carried_any_more_once_the_target_owns(
    world: TestWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.kept.write("schema/source", {"triggers": ["kept"]})
    with raises(RefusedError, next_step=NOTHING_TO_DO):
        run(CarrySchemaOperator(task_id="again", service="shop", phase="code"), world, monkeypatch, BACK)
    assert world.kept.read("schema/source") == {"triggers": ["kept"]}


def test_on_the_way_back_the_source_is_compared_with_its_owner(
    world: TestWorld, sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    for phase in ("tables", "indexes", "foreign_keys"):
        run(CarrySchemaOperator(task_id=phase, service="shop", phase=phase), world, monkeypatch)
    sides.copy_rows(["shells"])
    compare = CompareTableOperator(task_id="compare_back", service="shop", table="shells.listing")
    run(compare, world, monkeypatch, BACK)
    with raises(RefusedError, next_step=NOTHING_TO_DO):
        run(ParityOperator(task_id="parity", service="shop"), world, monkeypatch, BACK)
    for phase in ("tables", "indexes", "foreign_keys", "code"):
        with raises(RefusedError, next_step=NOTHING_TO_DO):
            run(CarrySchemaOperator(task_id=phase, service="shop", phase=phase), world, monkeypatch, BACK)
    assert "schema/source" not in world.kept.kept, "the sleeping code must not be kept as the source's own"
    kept = world.kept.kept["comparison/2/shells.listing"]
    assert (kept["equal"], kept["epoch"], kept["owner"]) == (True, 2, "target")
    assert set(kept["definitions"]) == {"source", "target"}
    sides.target_server.query("INSERT INTO shells.listing (id) VALUES (77)")
    with raises(LivemoveError, "missing 77", "2 on the source, 3 on the target", REPAIR_FOLLOWER):
        run(compare, world, monkeypatch, BACK)
    sides.target_server.query("ALTER TABLE shells.listing ADD COLUMN newer INT")
    with raises(LivemoveError, "newer"):
        run(compare, world, monkeypatch, BACK)


def test_the_settings_are_told_with_their_production_values(
    world: TestWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told = run(ShowSettingsOperator(task_id="settings", service="shop"), world, monkeypatch)
    assert told["soak"] == f"{world.spec.soak:g}"
