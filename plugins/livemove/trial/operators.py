"""The task group `trial`: each part is a task, what they made is removed by one, another judges."""

from __future__ import annotations

from typing import Any

from livemove.model.ports import Json
from livemove.runtime.operator import LivemoveOperator


class TrialOperator(LivemoveOperator):
    """One part of the trial, on scratch objects of its own; it begins afresh whenever it is cleared.

    :param part: databases, replication, servers or record
    """

    runbook_section = "the-trial"

    def __init__(self, *, part: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.part = part

    def execute(self, context: Any) -> Json:
        from livemove.trial.adapters.parts import try_part

        return dict(try_part(self.world(context), self.part).measured)


class RemoveTrialOperator(LivemoveOperator):
    """Removes everything that the trial made, also after one of its parts failed."""

    runbook_section = "the-trial"

    def execute(self, context: Any) -> list[str]:
        from livemove.trial.adapters.parts import remove

        gone = remove(self.world(context))
        for line in gone:
            self.log.info("gone: %s", line)
        return gone


class JudgeTrialOperator(LivemoveOperator):
    """Lists what the trial found and measured; the expected write pause is kept for the gates."""

    runbook_section = "the-trial"

    def execute(self, context: Any) -> list[str]:
        from livemove.trial.adapters.parts import judge

        lines = judge(self.world(context))
        for line in lines:
            self.log.info("%s", line)
        return lines
