"""Our own comparison of every table, beside DMS's validation."""

from __future__ import annotations

from typing import Any

from livemove.errors import LivemoveError
from livemove.operators.base import LivemoveOperator
from livemove.spec import Side


class ListTablesOperator(LivemoveOperator):
    """The base tables of the spec's schemas, as "schema.table"."""

    def execute(self, context: Any) -> list[str]:
        from livemove.adapters.schema import list_tables

        world = self.world(context)
        with world.database(Side.SOURCE) as source:
            return [f"{t['schema']}.{t['name']}" for t in list_tables(source, world.spec.source.schemas)]


class CompareTableOperator(LivemoveOperator):
    """Compare all rows of one table on both sides, writes going on; raises with the rows that differ."""

    template_fields = ("table",)

    def __init__(self, *, table: str, **kwargs: Any) -> None:
        kwargs.setdefault("map_index_template", "{{ task.table }}")
        super().__init__(**kwargs)
        self.table = table

    def execute(self, context: Any) -> dict[str, Any]:
        from livemove.adapters.comparing import compare_table

        world = self.world(context)
        schema, _, table = self.table.partition(".")
        with world.database(Side.SOURCE) as source, world.database(Side.TARGET) as target:
            verdict = compare_table(source, target, schema, table, clock=world.clock, progress=self.log.info)
        result = {**verdict.as_json(), "checked_at": world.clock.now().isoformat(timespec="seconds")}
        world.ledger.write(f"comparison/{self.table}", result)
        if not verdict.equal:
            raise LivemoveError(
                f"{self.table} differs: {'; '.join(str(d) for d in verdict.differences[:20]) or verdict.note}",
                wanted=f"the same rows on both sides ({verdict.rows_source} on the source, {verdict.rows_target} on the target)",
                next_step="look at these keys on both sides; ReloadTables of DMS brings one table again, then clear this task",
            )
        self.log.info("%s: %s rows equal in %.1f s. %s", self.table, verdict.rows_source, verdict.seconds, verdict.note)  # fmt: skip
        return {"table": self.table, "rows": verdict.rows_source, "seconds": verdict.seconds}
