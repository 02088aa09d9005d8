"""What every livemove operator shares: the service it works for, and its context at run time."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Collection
from typing import Any, ClassVar

from airflow.sdk import BaseOperator, BaseOperatorLink

from livemove.model.spec import Moment, find_spec
from livemove.model.stages import TITLES
from livemove.runtime.links import ConsoleLink, RunbookLink
from livemove.runtime.service_context import ServiceContext
from livemove.runtime.trigger_form import settle

log = logging.getLogger(__name__)
NOTHING_TO_DO = (
    "nothing was changed; what this task did before the move remains: mark it as success, or answer a gate"
    " with Roll back first"
)
"""The next step of a task of an earlier stage that is cleared alone when the target is the owner."""


class LivemoveOperator(BaseOperator):
    """The base of every task of a service. Subclasses implement `execute` and reach the world by `world`."""

    ui_color = "#e8f1fa"
    operator_extra_links: Collection[BaseOperatorLink] = (ConsoleLink(), RunbookLink())
    runbook_section: str = "when-a-task-fails"
    """Anchor in docs/runbook.md."""
    failure_is: ClassVar[Moment] = "failure"
    """What people are told of when this fails for good."""

    def __init__(self, *, service: str, **kwargs: Any) -> None:
        kwargs.setdefault("doc_md", inspect.getdoc(type(self)))
        kwargs.setdefault("task_display_name", TITLES.get(kwargs["task_id"]))
        super().__init__(**kwargs)
        self.service = service
        self.dms_task: str | None = None
        """Name of the replication task that this one works on, for its link."""

    def world(self, context: Any) -> ServiceContext:
        """The ports of this service, with this run's changes from the trigger form."""
        spec = settle(find_spec(self.service), context["params"])
        return ServiceContext(spec, run_id=context["run_id"], task_id=self.task_id)
