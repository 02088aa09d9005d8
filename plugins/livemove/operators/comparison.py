"""Our own comparison of every table, beside DMS's validation."""

from __future__ import annotations

from typing import Any

from livemove.core import way_back
from livemove.core.comparison import Effort, differs
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
    """Compare all rows of one table in the direction in use, writes going on; raises with the rows that differ."""

    template_fields = ("table",)

    def __init__(self, *, table: str, **kwargs: Any) -> None:
        kwargs.setdefault("map_index_template", "{{ task.table }}")
        super().__init__(**kwargs)
        self.table = table

    def execute(self, context: Any) -> dict[str, Any]:
        from livemove.adapters.compared_tables import compare_in_use
        from livemove.adapters.standing import link_in_use

        world = self.world(context)
        link = link_in_use(world)
        verdict = compare_in_use(world, link, self.table, progress=self.log.info, effort=Effort())
        if not verdict.equal:
            raise LivemoveError(
                differs(self.table, verdict, link),
                wanted=f"the same rows on both sides ({verdict.rows_source} on the source, {verdict.rows_target} on the target)",
                next_step=REPAIR if link.epoch == 1 else way_back.REPAIR,
            )
        self.log.info("%s: %s rows equal in %.1f s. %s", self.table, verdict.rows_source, verdict.seconds, verdict.note)  # fmt: skip
        return {"table": self.table, "rows": verdict.rows_source, "seconds": verdict.seconds}


REPAIR = "look at these keys on both sides; `livemove repair` copies single rows again, ReloadTables of DMS a whole table; then clear this task"
