"""Carrying the schema to the target, and proving that it arrived whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from livemove.model.errors import RefusedError
from livemove.model.ledger import Definers, Parity, SchemaCarried, StoredCode
from livemove.model.spec import Side
from livemove.runtime.operator import NOTHING_TO_DO, LivemoveOperator
from livemove.schema.objects import Phase

if TYPE_CHECKING:
    from livemove.runtime.mariadb import MariaDb


class CarrySchemaOperator(LivemoveOperator):
    """Creates what the target lacks: tables, indexes, foreign keys or code. Refuses once the target owns."""

    template_fields = ("phase",)

    def __init__(self, *, phase: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phase = phase

    def execute(self, context: Any) -> dict[str, Any]:
        from livemove.control.adapters.state import owner
        from livemove.schema.adapters.copy_schema import code_of, copy_schema
        from livemove.schema.adapters.ddl_watch import keep

        world = self.world(context)
        if owner(world) is Side.TARGET:
            # the source's triggers are dropped now: kept as its code, they would be missing after a rollback
            raise RefusedError(
                "The target is the owner: its own schema counts; triggers and events of the source are off",
                wanted="the source as the owner",
                next_step=NOTHING_TO_DO,
            )
        schemas = world.spec.source.schemas
        with world.database(Side.SOURCE) as source, world.database(Side.TARGET) as target:
            # before the reading: a DDL that comes in between is told once too often, never once too little
            if self.phase in (Phase.TABLES, Phase.CODE):
                keep(world, source, code_only=self.phase == Phase.CODE)
            done = copy_schema(source, target, schemas, Phase(self.phase), progress=self.log.info)
            if self.phase == Phase.TABLES:
                done["lob_helpers"] = self._help(target, schemas)
            if self.phase == Phase.CODE:
                code = code_of(source, schemas)
                world.ledger.save(StoredCode(side=Side.SOURCE, triggers=code.triggers, events=code.events))
                world.ledger.save(Definers(definers=done.pop("definers")))
        world.ledger.note(SchemaCarried.model_validate(done))
        return done

    def _help(self, target: MariaDb, schemas: Sequence[str]) -> int:
        """The follower's helpers for LOBs, made while its row says that it follows."""
        from livemove.control.adapters.control_row import Control
        from livemove.model.ports import ControlState
        from livemove.schema.adapters.lob_helpers import help_follower

        control, made = Control(target), []
        try:
            out = control.while_in(
                ControlState.FOLLOW,
                control.read().epoch,
                lambda: made.extend(help_follower(control.holding, schemas)),
            )
        finally:
            control.close_connection()
        if not out.done:
            raise RefusedError(
                f"The target's tables were not prepared for LOBs: {out.answered}, it is"
                f" {out.state}@{out.epoch}",
                wanted="the target as the follower",
                next_step="clear this task",
            )
        return len(made)


class ParityOperator(LivemoveOperator):
    """Compare the definitions of both sides in every category; SchemaError lists what has no explanation."""

    def execute(self, context: Any) -> dict[str, Any]:
        from livemove.control.adapters.state import owner
        from livemove.schema.adapters.catalogue import check_parity
        from livemove.schema.adapters.ddl_watch import keep

        world = self.world(context)
        if owner(world) is Side.TARGET:
            raise RefusedError(
                "The target is the owner: triggers and events of the source are off, so its definitions"
                " differ by design",
                wanted=(
                    "the source as the owner; afterwards switchover.compare_back and the guards of the"
                    " switchover compare both sides"
                ),
                next_step=NOTHING_TO_DO,
            )
        with world.database(Side.SOURCE) as source, world.database(Side.TARGET) as target:
            keep(world, source)
            report = check_parity(source, target, world.spec.source.schemas, world.spec.source.accounts)
        world.ledger.save(Parity.model_validate(report.as_json()))
        for line in report.lines():
            self.log.info(line)
        report.refuse()
        return report.counts
