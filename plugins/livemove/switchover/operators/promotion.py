"""Emergency promotion of the follower to owner. Its question: reporting/operators/promotion_gate.py."""

from __future__ import annotations

import secrets
from typing import Any

from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.model.stages import PROMOTION
from livemove.switchover import promotion
from livemove.switchover.operators.switchover import MovingOperator, no_blind_retry


class PromoteOperator(MovingOperator):
    """Makes the target the owner; refuses without the sentence. A retry continues where it stopped."""

    runbook_section = PROMOTION.runbook

    def __init__(self, *, asked_by: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.asked_by = asked_by

    def execute(self, context: Any) -> Json:
        from livemove.switchover.adapters.wiring import build_dependencies

        answer = context["ti"].xcom_pull(task_ids=self.asked_by) or {}
        token = f"{context['ti'].try_number}-{secrets.token_hex(8)}"
        with build_dependencies(self.world(context)) as parts, no_blind_retry():
            done = promotion.promote(
                parts,
                Side.TARGET,
                str(answer.get("word", "")),
                token,
                lambda to: self.switchover(parts, to, context),
            )
        for line in done.message:
            self.log.warning("%s", line)
        shown = {"epoch", "last_watermark", "nothing_since_seconds", "old_owner_came_back"}
        return done.model_dump(mode="json", include=shown)
