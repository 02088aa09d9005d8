"""The question of the emergency: how much may be lost, and the sentence that only a person can say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from livemove.model.approvals import PROMOTE
from livemove.model.errors import RefusedError
from livemove.model.ledger import PromotionAnswered, PromotionAsked
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.model.stages import PROMOTION
from livemove.reporting.gates import promotion_body
from livemove.runtime.notifications import SpecNotifier
from livemove.runtime.operator import LivemoveOperator
from livemove.switchover import promotion

LEAVE = "Leave everything as it is"


class PromotionGate(LivemoveOperator, HITLOperator):
    """Shows what stands and what may be missing, and asks for the sentence that only a person can say.

    Refuses to ask while the source answers. Unanswered for `gates.timeout` seconds it fails and nothing is
    changed.
    """

    ui_color = "#f7d9e3"
    runbook_section = PROMOTION.runbook

    def __init__(self, **kwargs: Any) -> None:
        kwargs["params"] = {
            "word": Param("", type="string", title="Word for word, what you know to be so", source="task")
        }
        kwargs["execution_timeout"] = None  # the wait has a limit of its own
        kwargs["notifiers"] = [SpecNotifier(service=kwargs["service"], moment="question")]
        super().__init__(subject=PROMOTION.title, options=[PROMOTE, LEAVE], **kwargs)

    def execute(self, context: Any) -> Any:
        from livemove.switchover.adapters.wiring import build_dependencies

        world = self.world(context)
        wanted = promotion.sentence(self.service)
        with build_dependencies(world) as parts:
            if found := list(promotion.reasons(parts, Side.TARGET, wanted)):
                raise AirflowFailException(
                    str(RefusedError("; ".join(found), next_step="nothing was changed; livemove status"))
                )
            row = parts.control[Side.TARGET].read()
            seen = promotion.bound(parts, row)
            servers = [f"{r.server}: {'answers' if r.ok else r.message}" for r in parts.servers.status()]
        self.subject = f"{PROMOTION.title} The source of {self.service} is gone"
        self.body = promotion_body(world.spec, str(row), list(seen.lines()), servers, wanted)
        self.response_timeout = timedelta(seconds=world.spec.gates.timeout)
        world.ledger.note(PromotionAsked(**dict(seen.document)))
        super().execute(context)

    def execute_complete(self, context: Any, event: Json) -> Json:
        if event.get("error_type") == "timeout":
            raise AirflowFailException(
                "Nobody answered. Nothing was changed; clear this task to be asked again."
            )
        super().execute_complete(context, event)
        user = event.get("responded_by_user") or {}
        self.world(context).ledger.note(
            PromotionAnswered(
                option=", ".join(event["chosen_options"]),
                by=user.get("name") if isinstance(user, dict) else None,
            )
        )
        if event["chosen_options"] != [PROMOTE]:
            raise AirflowSkipException("Everything stays as it is")
        return {"word": str((event.get("params_input") or {}).get("word", ""))}
