"""Our own comparison of every table, beside DMS's validation."""

from __future__ import annotations

from typing import Any

from livemove.comparison.key_ranges import ROWS, KeyRange
from livemove.comparison.row_comparison import Effort, differs
from livemove.model.errors import LivemoveError
from livemove.model.ledger import StoredKeyRange
from livemove.model.spec import Side
from livemove.replication.dms_rules import REPAIR_FOLLOWER
from livemove.runtime.operator import LivemoveOperator


class ListTablesOperator(LivemoveOperator):
    """Lists the spec's base tables to compare, as {"table": "schema.table"}; a huge one in key ranges.

    :param rows_each: rows for which a table gets a task of its own, up to sixteen.
    """

    def __init__(self, *, rows_each: int = ROWS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rows_each = rows_each

    def execute(self, context: Any) -> list[dict[str, Any]]:
        from livemove.comparison.adapters.table_comparison import cut
        from livemove.schema.adapters.copy_schema import list_tables

        world, found = self.world(context), []
        with world.database(Side.SOURCE) as source:
            for t in list_tables(source, world.spec.source.schemas):
                name = f"{t['schema']}.{t['name']}"
                shares = cut(source, t["schema"], t["name"], self.rows_each)
                found += [
                    {"table": name} if s.whole else {"table": name, "share": s.packed.model_dump()}
                    for s in shares
                ]
                if len(shares) > 1:
                    self.log.info("%s is compared in %s parts", name, len(shares))
        return found


class CompareTableOperator(LivemoveOperator):
    """Compares all rows of one table of owner and follower while writes continue; fails with differing rows.

    :param share: of a huge table the range of keys that this task compares, from `ListTablesOperator`; the
    last one that
        is done writes the verdict of the whole table.
    """

    template_fields = ("table",)

    def __init__(self, *, table: str, share: dict[str, Any] | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("map_index_template", "{{ task.shown }}")
        super().__init__(**kwargs)
        self.table, self.share = table, share

    @property
    def _range(self) -> KeyRange:
        return KeyRange.unpacked(StoredKeyRange.model_validate(self.share) if self.share else None)

    @property
    def shown(self) -> str:
        return f"{self.table} {self._range}".rstrip()

    def execute(self, context: Any) -> dict[str, Any]:
        from livemove.comparison.adapters.compared_tables import compare_in_use
        from livemove.control.adapters.state import link_in_use

        world = self.world(context)
        link = link_in_use(world)
        verdict = compare_in_use(
            world,
            link,
            self.table,
            progress=self.log.info,
            effort=Effort(),
            share=self._range,
        )
        if not verdict.equal:
            raise LivemoveError(
                differs(self.table, verdict, link),
                wanted=(
                    f"the same rows on both sides ({verdict.rows_source} on the source, {verdict.rows_target}"
                    " on the target)"
                ),
                next_step=REPAIR if link.epoch == 1 else REPAIR_FOLLOWER,
            )
        self.log.info(
            "%s: %s rows equal in %.1f s. %s", self.shown, verdict.rows_source, verdict.seconds, verdict.note
        )
        return {"table": self.shown, "rows": verdict.rows_source, "seconds": verdict.seconds}


REPAIR = (
    "look at these keys on both sides; `livemove repair` copies single rows again, ReloadTables of DMS a"
    " whole table; then clear this task"
)
