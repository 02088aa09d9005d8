"""The end of every run: the report, kept beside the ledger."""

from __future__ import annotations

import json
from typing import Any

from livemove.core import report
from livemove.operators.base import LivemoveOperator


class ReportOperator(LivemoveOperator):
    """Write report.json and report.html from the ledger; a second run writes them again.

    Returns the addresses, the outcome, and who or what ordered a rollback.
    """

    def execute(self, context: Any) -> dict[str, Any]:
        world = self.world(context)
        ledger = world.ledger
        documents = {name: found for name in ledger.documents() if (found := ledger.read(name)) is not None}
        made = report.build(world.spec.title, documents, ledger.events(), now=world.clock.now())
        text = json.dumps(made, ensure_ascii=False, indent=1, default=str)
        where = ledger.put_file("report.json", text.encode(), "application/json")
        page = ledger.put_file("report.html", report.page(made).html().encode(), "text/html; charset=utf-8")
        self.log.info("%s: %s, owner %s. Report: %s", world.spec.title, made["outcome"], made["owner"], page)
        because = (made["rollback"] or {}).get("says")
        if because:
            self.log.warning("%s", because)
        return {
            "outcome": made["outcome"],
            "owner": made["owner"],
            "because": because,
            "json": where,
            "html": page,
        }
