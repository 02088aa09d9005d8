"""Our own comparison of every table, beside DMS's validation."""

from __future__ import annotations

from typing import Any

from livemove.core import way_back
from livemove.core.comparison import taken_apart
from livemove.core.guards import compared
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
        from livemove.adapters.comparing import compare_table
        from livemove.adapters.standing import link_in_use

        world = self.world(context)
        link = link_in_use(world)
        schema, table = taken_apart(self.table, world.spec.source.schemas)
        with world.database(link.reads) as owner, world.database(link.writes) as follower:
            verdict = compare_table(owner, follower, schema, table, clock=world.clock, progress=self.log.info)
        when = world.clock.now().isoformat(timespec="seconds")
        result = {**verdict.as_json(), "epoch": link.epoch, "owner": str(link.reads), "checked_at": when}
        world.ledger.write(compared(link.epoch, self.table), result)
        if not verdict.equal:
            raise LivemoveError(
                f"{self.table} differs on the {link.writes} from the {link.reads}, which owns the writes: {'; '.join(str(d) for d in verdict.differences[:20]) or verdict.note}",
                wanted=f"the same rows on both sides ({verdict.rows_source} on the source, {verdict.rows_target} on the target)",
                next_step=REPAIR if link.epoch == 1 else way_back.REPAIR,
            )
        self.log.info("%s: %s rows equal in %.1f s. %s", self.table, verdict.rows_source, verdict.seconds, verdict.note)  # fmt: skip
        return {"table": self.table, "rows": verdict.rows_source, "seconds": verdict.seconds}


REPAIR = "look at these keys on both sides; ReloadTables of DMS brings one table again, then clear this task"
