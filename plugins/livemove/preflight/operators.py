"""What would go wrong is found before anything changes."""

from __future__ import annotations

import dataclasses
from typing import Any

from livemove.model.errors import LivemoveError
from livemove.model.ledger import Finding as Kept
from livemove.model.ledger import Findings
from livemove.runtime.operator import LivemoveOperator


class ShowSettingsOperator(LivemoveOperator):
    """Print the settings of this run, where each comes from, and the production value beside it."""

    def execute(self, context: Any) -> dict[str, Any]:
        from livemove.model.scaled_waits import scaled_waits
        from livemove.model.spec import find_spec
        from livemove.runtime.notifications import check
        from livemove.runtime.trigger_form import explain

        spec = find_spec(self.service)
        for line in explain(spec, context["params"]).splitlines():
            self.log.info(line)
        scaled = scaled_waits(self.world(context).spec)
        for name, (here, production) in scaled.items():
            self.log.info("%-34s %-10s production: %s", name, here, production)
        for one in spec.notify:
            self.log.info("%s is notified of: %s", one.name, ", ".join(one.when))
        for wrong in check(spec.notify):
            self.log.warning("nobody will be notified by %s", wrong)
        return {name: here for name, (here, _) in scaled.items()}


class PreflightOperator(LivemoveOperator):
    """Run all checks, show their findings, keep them for the gates, and refuse when one of them is an error.

    The tab "Preflight" of the UI reads the XCom `findings`; gates and report read the ledger.
    """

    def execute(self, context: Any) -> dict[str, int]:
        from livemove.preflight import checks as preflight
        from livemove.preflight.adapters.facts_reader import read_facts

        world = self.world(context)
        found = preflight.findings(read_facts(world))
        for line in preflight.table_of(found):
            self.log.info(line)
        counts, listed = preflight.counts(found), [dataclasses.asdict(f) for f in found]
        context["ti"].xcom_push(key="findings", value=listed)
        try:
            world.ledger.save(Findings(findings=[Kept.model_validate(f) for f in listed], counts=counts))
        except Exception as e:
            # without connections there is no ledger; the findings themselves say why
            self.log.warning(
                "the findings could not be kept: %s",
                e.found if isinstance(e, LivemoveError) else type(e).__name__,
            )
        preflight.refuse(found)
        return counts
