"""Plan with Terraform after the apply: any change that the plan finds is a fault."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

from lab.rehearsal.airflow import Airflow

TIMEOUT = 300
SCRIPT = """
import json, sys
from livemove.runtime.service_context import ServiceContext
from livemove.model.spec import find_spec
from livemove.provisioning.adapters.terraform import infra_of
from livemove.provisioning.operators import variables
world = ServiceContext(find_spec(sys.argv[1]))
summary = infra_of(world).plan(variables(world, replication_enabled=True))
print("PLAN " + json.dumps([list(c) for c in summary.changes if c[0] not in ("no-op", "read")]))
"""
"""Run as a worker would run it, in Airflow's environment."""


class PlanCheck:
    """`begin` may be called often; it plans once, beside the run. `clean` waits for the answer."""

    def __init__(self, airflow: Airflow, service: str) -> None:
        self.airflow, self.service = airflow, service
        self.changes: list[list[str]] | None = None
        self.error = ""
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._plan, name="plan check", daemon=True)
            self._thread.start()

    def clean(self) -> bool | None:
        """True: no changes; None when it was never asked for. RuntimeError when the plan itself failed."""
        if self._thread is None:
            return None
        self._thread.join(timeout=TIMEOUT)
        if self.changes is None:
            raise RuntimeError(f"terraform plan after apply failed: {self.error}")
        return not self.changes

    def _plan(self) -> None:
        environment = self.airflow.environment() | {"PYTHONPATH": str(self.airflow.project / "plugins")}
        try:
            done = subprocess.run(
                [sys.executable, "-c", SCRIPT, self.service],
                env=environment,
                cwd=self.airflow.home,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except (OSError, subprocess.TimeoutExpired) as e:
            self.error = str(e)
            return
        found = [line for line in done.stdout.splitlines() if line.startswith("PLAN ")]
        if found:
            self.changes = json.loads(found[-1].removeprefix("PLAN "))
        else:
            self.error = (done.stdout + done.stderr)[-1500:]
