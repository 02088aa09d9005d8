"""The questions of the story: a human-in-the-loop branch whose evidence is collected when it asks.

Two things differ from the provider's branch operator. It leaves no record of skipped tasks in XCom: that
record survives clearing, and a later gate's old answer would skip a rollback that an earlier gate ordered.
And it refuses to ask when the tasks below have already run, because clearing a gate without downstream
would change nothing, silently and in green.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import HITLBranchOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowFailException

from livemove.model.approvals import ACCEPT_WARNINGS, PROCEED, ROLL_BACK, checksum
from livemove.model.errors import RefusedError
from livemove.model.formatting import duration
from livemove.model.ledger import Approval, GateAnswered, GateAsked, Question
from livemove.model.ports import Json
from livemove.model.stages import QUESTIONS
from livemove.reporting import gates
from livemove.reporting.adapters.evidence import collect
from livemove.runtime.notifications import SpecNotifier
from livemove.runtime.operator import LivemoveOperator

if TYPE_CHECKING:
    from livemove.model.spec import MigrationSpec
    from livemove.runtime.service_context import ServiceContext


log = logging.getLogger(__name__)


class MigrationGate(LivemoveOperator, HITLBranchOperator):
    """Asks one of the three questions; Proceed continues to `proceed`, Roll back to `rollback`.

    :param gate: switch_dns, switchover or retire

    Unanswered for `gates.timeout` seconds, the task fails without a retry, and nothing is changed.
    """

    ui_color = "#f7d9e3"
    inherits_from_skipmixin = False

    def __init__(self, *, gate: str, proceed: str, rollback: str, **kwargs: Any) -> None:
        if gate == "switch_dns":
            kwargs["params"] = {
                ACCEPT_WARNINGS: Param(
                    False, type="boolean", title="I have read the warnings and accept them", source="task"
                )
            }
        # the wait has a limit of its own, the trigger form's; a timeout here would be taken for it at parse
        # time
        kwargs["execution_timeout"] = None
        kwargs["notifiers"] = [SpecNotifier(service=kwargs["service"], moment="question")]
        super().__init__(
            subject=gate,
            options=[PROCEED, ROLL_BACK],
            options_mapping={PROCEED: proceed, ROLL_BACK: rollback},
            **kwargs,
        )
        self.gate = gate
        self.runbook_section = QUESTIONS[gate].runbook

    def execute(self, context: Any) -> Any:
        self._refuse_when_cleared_alone(context)
        world = self.world(context)
        evidence = collect(
            world,
            self._tables(context),
            record=self.gate == "switch_dns",
            failures=self.gate != "retire",
        )
        shown = (
            gates.approved(evidence.record)
            if self.gate == "switch_dns"
            else {"moves": [m.stored() for m in evidence.history.completed_switchovers]}
        )
        sha = checksum(shown)
        self.response_timeout = timedelta(seconds=world.spec.gates.timeout)
        self.subject = gates.subject(self.gate, world.spec)
        self.body = gates.body(self.gate, world.spec, evidence, sha)
        now = world.clock.now()
        shown_at = f"{now:%Y%m%dT%H%M%S.%fZ}"
        question = Question(gate=self.gate, asked=shown_at, subject=self.subject, body=self.body, sha256=sha)
        # approvals are written over at the next question; what somebody saw is not
        world.ledger.save(question)
        world.ledger.save(
            Approval(
                gate=self.gate,
                question=question.ledger_name,
                sha256=sha,
                shown=shown,
                warnings=len(evidence.warnings),
                asked_at=now.isoformat(),
                outdated=self._shows_an_older_text(context),
            )
        )
        world.ledger.note(
            GateAsked(
                gate=self.gate,
                sha256=sha,
                question=question.ledger_name,
                timeout=world.spec.gates.timeout,
                saw=gates.seen(self.gate, world.spec, evidence),
            )
        )
        super().execute(context)

    def _shows_an_older_text(self, context: Any) -> bool:
        """Store the question; True if Airflow still shows that of an earlier try (livemove.ui.questions)."""
        stored = store_question(
            ti_id=context["ti"].id,
            options=self.options,
            subject=self.subject,
            body=self.body,
            params=self.serialized_params,
            assigned_users=[],
        )
        if stored == self.body:
            return False
        self.log.warning(
            "Airflow shows the text of an earlier try. This is the evidence of now:\n%s", self.body
        )
        return True

    def execute_complete(self, context: Any, event: Json) -> Any:
        world = self.world(context)
        if event.get("error_type") == "timeout":
            raise AirflowFailException(str(_unanswered(self.task_id, world.spec)))
        if "error" not in event:
            answer = self._keep_answer(world, event)
            if answer.option == PROCEED and answer.outdated:
                raise AirflowFailException(str(_unread(self.task_id)))
        return super().execute_complete(context, event)

    def skip_all_except(self, ti: Any, branch_task_ids: str | Iterable[str] | None) -> None:
        """Skip what the answer does not lead to, as the provider does but without its record in XCom."""
        chosen = [branch_task_ids] if isinstance(branch_task_ids, str) else list(branch_task_ids or ())
        dag = ti.task.dag
        followed = set(chosen)
        for task_id in chosen:
            followed |= dag.get_task(task_id).get_flat_relative_ids(upstream=False)
        skipped = sorted(ti.task.downstream_task_ids - followed)
        self.log.info(
            "The answer leads to %s; skipped: %s", ", ".join(chosen), ", ".join(skipped) or "nothing yet"
        )
        self._set_state_to_skipped([(t, ti.map_index) for t in skipped], ti.map_index)

    def _refuse_when_cleared_alone(self, context: Any) -> None:
        ti = context["ti"]
        below = sorted(ti.task.downstream_task_ids)
        states = ti.get_task_states(dag_id=ti.dag_id, task_ids=below, run_ids=[ti.run_id]).get(ti.run_id, {})
        ran = [f"{t} is {states[t]}" for t in below if states.get(t)]
        if ran:
            raise AirflowFailException(
                str(
                    RefusedError(
                        f"{self.task_id} was cleared without downstream: {', '.join(ran)}",
                        wanted="every task below it cleared too; otherwise an answer would change nothing",
                        next_step=f"clear {self.task_id} again, with Downstream",
                    )
                )
            )

    def _tables(self, context: Any) -> list[str]:
        listed = context["ti"].xcom_pull(task_ids="validate.tables") or ()
        return list(dict.fromkeys(t["table"] for t in listed))

    def _keep_answer(self, world: ServiceContext, event: Json) -> Approval:
        user = event.get("responded_by_user") or {}
        answer = {
            "option": event["chosen_options"][0],
            "by": user.get("name") if isinstance(user, dict) else getattr(user, "name", None),
            "at": _iso(event.get("responded_at") or world.clock.now()),
            **(event.get("params_input") or {}),
        }
        asked = world.ledger.load(Approval, gate=self.gate) or Approval(gate=self.gate)
        kept = Approval.model_validate({**asked.stored(), **answer})
        world.ledger.save(kept)
        facts = {"gate": self.gate, "sha256": asked.sha256, "question": asked.question}
        world.ledger.note(GateAnswered.model_validate({**facts, **answer}))
        return kept


def _iso(at: Any) -> str:
    """As every other time of the ledger, so that they can be compared: Airflow gives a datetime here."""
    return str(at.isoformat() if isinstance(at, datetime) else at)


def _unanswered(task_id: str, spec: MigrationSpec) -> RefusedError:
    # raised as a failure without retry: a second question would wait as long again, and nobody asked for it
    return RefusedError(
        f"Nobody answered {task_id} within {duration(spec.gates.timeout)}",
        wanted=f"{PROCEED} or {ROLL_BACK}",
        next_step=(
            "nothing was changed and everything stays as it is; clear this task with downstream to be asked"
            " again"
        ),
    )


def _unread(task_id: str) -> RefusedError:
    return RefusedError(
        f"{task_id} was answered {PROCEED}, but Airflow showed the evidence of an earlier question",
        wanted="an answer to the present evidence",
        next_step=(
            f"read the evidence in this task's log. {ROLL_BACK} works by clearing this task with downstream;"
            " to proceed, let the API server load plugins/livemove_plugin.py and clear it then, or trigger"
            " the DAG again: a new run asks anew"
        ),
    )


def store_question(**question: Any) -> str | None:
    """Store a question for this task as the provider does; returns the text that Airflow will show for it."""
    from airflow.sdk.execution_time.comms import CreateHITLDetailPayload
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    reply: Any = SUPERVISOR_COMMS.send(CreateHITLDetailPayload(**question))
    return getattr(reply, "body", None)
