"""The first task of a rollback: who ordered it (a gate, a person, the spec), and what it will undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from livemove.dns.adapters.public_record import live_record, original
from livemove.dns.record import as_document, same_answer
from livemove.history import CurrentOwner, SwitchoverStage
from livemove.history.adapters.history_reader import read_history
from livemove.model.approvals import PROCEED, ROLL_BACK
from livemove.model.errors import RefusedError
from livemove.model.ledger import Approval, GivenUp, OriginalRecord, RollbackBegun, TaskFailed, moment
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.model.stages import GATES, GIVE_UP_STAGE
from livemove.replication.dms_rules import REPAIR_FOLLOWER
from livemove.runtime.operator import LivemoveOperator
from livemove.switchover.rollback import not_automatic

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


class BeginRollbackOperator(LivemoveOperator):
    """Notes what is to be undone. Refuses when the newest answer at a gate was not "Roll back"."""

    runbook_section = "rolling-back"

    def execute(self, context: Any) -> Json:
        from livemove.switchover.adapters.reverse_replication_status import way_back_now

        world = self.world(context)
        order = self.order(world, context)
        history = read_history(world)
        now = history.current
        closed = history.way_back_closed_at
        if closed and now.owner is Side.TARGET:
            raise RefusedError(
                f"A rollback is not possible since {closed}: the data centre's database no longer follows",
                wanted="a source that has every write",
                next_step=(
                    "nothing was changed, RDS is the owner; a return is a new migration, from RDS to a"
                    " data centre"
                ),
            )
        seen = way_back_now(world) if now.owner is Side.TARGET else None
        if seen and seen.losses:
            raise RefusedError(
                f"A rollback would lose writes: {'; '.join(seen.losses)}",
                wanted="a source that has every write",
                next_step=(
                    f"nothing was changed, RDS is the owner. To repair it, {REPAIR_FOLLOWER}; then clear"
                    " this task"
                ),
            )
        for answer in answers(world):
            # a task of the story that is cleared by itself later must not act on what was true before this
            if answer.option == PROCEED:
                world.ledger.save(answer.model_copy(update={"option": None, "withdrawn": "rolled back"}))
        name_moved = world.ledger.load(OriginalRecord) is not None and not same_answer(
            live_record(world), original(world)
        )
        found = {
            **order,
            "owner": now.owner and str(now.owner),
            "writes": writes(now),
            "name": "goes back" if name_moved else "never left",
            "record": as_document(live_record(world)),
        }
        world.ledger.note(RollbackBegun.model_validate(found))
        self.log.info(
            "%s rolls back at %s. The writes: %s. The name: %s.",
            found["by"] or "Somebody",
            found["gate"],
            found["writes"],
            found["name"],
        )
        return found

    def order(self, world: ServiceContext, context: Any) -> Json:
        """{"gate", "by"}: who ordered this; RefusedError when nobody did."""
        given = [(moment(a.at), a) for a in answers(world) if a.at]
        newest = max(given, key=lambda g: g[0])[1] if given else None
        if newest is None or newest.option != ROLL_BACK:
            raise RefusedError(
                f"The newest answer is {(newest and newest.option) or 'none'}",
                wanted=f"{ROLL_BACK!r} at one of the gates",
                next_step=(
                    "clear the gate you want to answer again with downstream; cleared alone, this task undoes"
                    " nothing"
                ),
            )
        return {"gate": newest.gate, "by": newest.by}


def writes(now: CurrentOwner) -> str:
    """What the rollback does with the writes, as far as it is known when it begins."""
    if (now.stage, now.to) == (SwitchoverStage.COMMITTED, Side.TARGET):
        return "the move to RDS is committed: it is finished, then they go back to the data centre"
    if (now.stage, now.to) == (SwitchoverStage.COMMITTED, Side.SOURCE):
        return "the move back to the data centre is committed: it is finished"
    if now.owner is Side.TARGET:
        return "go back to the data centre"
    if not now.certain or now.owner is None:
        return "go back to the data centre if they left it; who owns them is not certain"
    return "never left the data centre" if now.epoch <= 1 else "are back in the data centre already"


class OrderedRollbackOperator(BeginRollbackOperator):
    """The rollback that a person triggered by the DAG of its own: the trigger form is the order."""

    def order(self, world: ServiceContext, context: Any) -> Json:
        return {"gate": f"rollback_{self.service}", "by": ordered_by(context)}


def ordered_by(context: Any) -> str | None:
    """Who triggered this run."""
    return getattr(context.get("dag_run"), "triggering_user_name", None)


class GiveUpOperator(LivemoveOperator):
    """Runs only if the form asks for it, else skips the branch; RefusedError after any switchover."""

    def execute(self, context: Any) -> Json:
        from livemove.switchover.adapters.wiring import refuse_after_a_move

        if not context["params"].get(GIVE_UP_STAGE.id):
            raise AirflowSkipException(
                "Not asked for: replication, short TTL and livemove's schema stay, so that one can go on"
            )
        world = self.world(context)
        refuse_after_a_move(world)
        world.ledger.note(GivenUp(by=ordered_by(context)))
        return {"ends": "replication, the short TTL, livemove's schema and accounts on both databases"}


class AutomaticRollbackOperator(BeginRollbackOperator):
    """Orders a rollback when a task upstream has failed for good, unless its failure changed nothing.

    Its rule is one_failed, which also fires when something long before them failed: then none of them did.
    """

    def order(self, world: ServiceContext, context: Any) -> Json:
        ti = context["ti"]
        watched = sorted(ti.task.upstream_task_ids)
        states = ti.get_task_states(dag_id=ti.dag_id, task_ids=watched, run_ids=[ti.run_id]).get(
            ti.run_id, {}
        )
        facts = {
            e.task_id: e.stored() for e in world.ledger.snapshot().all_of(TaskFailed) if e.run_id == ti.run_id
        }
        failed = {t: facts.get(t) for t in watched if states.get(t) == "failed"}
        if reason := not_automatic(failed):
            raise AirflowSkipException(f"No rollback: {reason}")
        return {"gate": ", ".join(sorted(failed)), "by": "the spec (rollback.automatic)"}


def answers(world: ServiceContext) -> list[Approval]:
    """What was answered at each gate, as the ledger keeps it."""
    kept = [world.ledger.load(Approval, gate=gate) for gate in GATES]
    return [a for a in kept if a]
