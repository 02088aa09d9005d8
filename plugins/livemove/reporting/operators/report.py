"""The end of every run: the report, kept beside the ledger."""

from __future__ import annotations

from typing import Any

from livemove.runtime.notifications import SpecNotifier
from livemove.runtime.operator import LivemoveOperator


class ReportOperator(LivemoveOperator):
    """Write report.json and report.html from the ledger; a second run writes them again.

    A failed run does not come here: `note_failure` in reporting/operators/callbacks.py writes its report.
    Returns the addresses, the outcome, and who or what ordered a rollback.
    """

    def execute(self, context: Any) -> dict[str, Any]:
        from livemove.reporting.adapters.report_writer import write_report

        world = self.world(context)
        made, addresses = write_report(world)
        for line in made.summary:
            self.log.info("%s", line)
        self.log.info("Report: %s", addresses["html"])
        text = "\n".join([*made.summary, f"Report: {addresses['html']}"])
        SpecNotifier(
            service=self.service, moment="finish", subject=f"{made.title}: {made.outcome}", text=text
        )(context)
        because = made.rollback.message if made.rollback else None
        if because:
            self.log.warning("%s", because)
        return {
            "outcome": str(made.outcome),
            "owner": made.owner and str(made.owner),
            "because": because,
            **addresses,
        }
