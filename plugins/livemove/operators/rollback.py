"""The first task of a rollback: who ordered it, and what it will undo."""

from __future__ import annotations

from typing import Any

from livemove.adapters.public_record import live_record, original
from livemove.core.gates import PROCEED, ROLL_BACK
from livemove.core.record import as_document, same_answer
from livemove.core.way_back import REPAIR
from livemove.errors import RefusedError
from livemove.operators.base import LivemoveOperator
from livemove.operators.gate import moves, way_back_closed, way_back_now
from livemove.ports import Json
from livemove.spec import Side

GATES = ("switch_dns", "repoint", "retire")


class BeginRollbackOperator(LivemoveOperator):
    """Notes what is to be undone. Refuses when the newest answer at a gate was not "Roll back"."""

    def execute(self, context: Any) -> Json:
        world = self.world(context)
        asked = [world.ledger.read(f"approvals/{gate}") or {} for gate in GATES]
        newest = max((a for a in asked if a.get("at")), key=lambda a: str(a["at"]), default={})
        if newest.get("option") != ROLL_BACK:
            raise RefusedError(
                f"The newest answer is {newest.get('option') or 'none'}",
                wanted=f"{ROLL_BACK!r} at one of the gates",
                next_step="clear the gate you want to answer anew with downstream; cleared alone, this task undoes nothing",
            )
        owner = moves(world)[-1]["to"] if moves(world) else str(Side.SOURCE)
        closed = way_back_closed(world)
        if closed and owner == Side.TARGET:
            raise RefusedError(
                f"The way back closed at {closed}: the data centre's database no longer follows",
                wanted="a source that has every write",
                next_step="nothing was changed, RDS owns the writes; a return is a new migration, from RDS to a data centre",
            )
        seen = way_back_now(world) if owner == Side.TARGET else None
        if seen and seen.get("losses"):
            raise RefusedError(
                f"Going back would lose writes: {'; '.join(seen['losses'])}",
                wanted="a source that has every write",
                next_step=f"nothing was changed, RDS owns the writes. To repair it, {REPAIR}; then clear this task",
            )
        for answer in asked:
            # a task of the story that is cleared by itself later must not act on what was true before this
            if answer.get("option") == PROCEED:
                world.ledger.write(
                    f"approvals/{answer['gate']}", {**answer, "option": None, "withdrawn": "rolled back"}
                )
        name_moved = world.ledger.read("dns/before") is not None and not same_answer(
            live_record(world), original(world)
        )
        found = {
            "gate": newest["gate"],
            "by": newest.get("by"),
            "owner": owner,
            "writes": "go back to the data centre" if owner == Side.TARGET else "never left the data centre",
            "name": "goes back" if name_moved else "never left",
            "record": as_document(live_record(world)),
        }
        world.ledger.note("rollback_begun", **found)
        self.log.info(
            "%s rolls back at %s. The writes: %s. The name: %s.",
            found["by"] or "Somebody",
            found["gate"],
            found["writes"],
            found["name"],
        )
        return found
