"""Notify whom the spec names: a question waits, a budget is exceeded, a task failed, the report is ready.

Any of Airflow's notifiers may be named (its own interface, BaseNotifier); the package that it lives in and
its connection are the user's. Its templated arguments see the moment as `livemove`: title, subject, text,
link, moment, dag_id, run_id, task_id. A notifier that fails is logged and never fails a task.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from airflow.sdk import BaseNotifier

from livemove.model.ports import Json
from livemove.model.spec import Moment, Notify, find_spec
from livemove.runtime.airflow_pages import absolute, console_page, task_page


class SpecNotifier(BaseNotifier):
    """Calls every notifier of the spec that wants to hear of this moment.

    :param service: whose spec
    :param moment: question, breach, failure or finish
    :param subject, text, link: what is said; none: from the task and its error
    """

    def __init__(
        self, *, service: str, moment: Moment, subject: str = "", text: str = "", link: str = ""
    ) -> None:
        super().__init__()
        self.service, self.moment = service, moment
        self.subject, self.text, self.link = subject, text, link

    def notify(self, context: Any) -> None:
        spec = find_spec(self.service)
        for wanted in spec.notify:
            if self.moment not in wanted.when:
                continue
            try:
                text = self.message(context, spec.title)
                tell(made(wanted), {**context, "livemove": text})
                self.log.info("%s was notified of the %s: %s", wanted.name, self.moment, text["link"])
            except Exception as e:
                # it may quote its arguments or its address: only the kind of error is safe to log
                self.log.warning(
                    "%s could not be notified of the %s: %s", wanted.name, self.moment, type(e).__name__
                )

    def message(self, context: Any, title: str) -> Json:
        """What a notifier's templates see as `livemove`."""
        ti, error = context["ti"], context.get("exception")
        where = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id}
        facts: Json = {"title": title, "moment": self.moment, "service": self.service, **where}
        if self.moment == "question":
            facts |= {
                "subject": str(context["task"].subject),
                "text": f"{title}: a question waits for an answer.",
                "link": absolute(f"{task_page(**where)}/required_actions"),
            }
        elif self.moment == "finish":
            facts |= {
                "subject": f"{title}: the report is there",
                "text": "",
                "link": absolute(console_page(**where)),
            }
        else:
            word = "the budget was broken" if self.moment == "breach" else "a task failed"
            facts |= {
                "subject": f"{title}: {word} at {ti.task_id}",
                "text": str(error or ""),
                "link": absolute(task_page(**where)),
            }
        own = {"subject": self.subject, "text": self.text, "link": self.link}
        return facts | {k: v for k, v in own.items() if v}


def tell_failure(context: Any) -> None:
    """on_failure_callback of every task; a breach of the budget while both sites serve is one too."""
    task = context["ti"].task
    SpecNotifier(service=task.service, moment=task.failure_is)(context)


def made(wanted: Notify) -> BaseNotifier:
    """The notifier itself, with the spec's arguments."""
    module, _, name = wanted.notifier.rpartition(".")
    found: BaseNotifier = getattr(importlib.import_module(module), name)(**wanted.arguments)
    return found


def tell(notifier: BaseNotifier, context: Any) -> None:
    """Airflow's own call without its log, which would quote the error and with it a webhook's address."""
    notifier._update_context(context)
    notifier.render_template_fields(context)
    notifier.notify(context)


def check(notify: Iterable[Notify]) -> list[str]:
    """Why a notifier cannot be used here, checked beforehand; of an error only its kind, as above."""
    wrong = []
    for wanted in notify:
        try:
            one = made(wanted)
        except Exception as e:
            wrong.append(f"{wanted.notifier}: {type(e).__name__}")
            continue
        if not isinstance(one, BaseNotifier):
            wrong.append(f"{wanted.notifier} is no notifier of Airflow")
    return wrong
