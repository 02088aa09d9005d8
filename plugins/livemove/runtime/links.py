"""Extra links of the tasks: livemove's own page of the run, the runbook, and what AWS's console shows of it.

Airflow asks for them in the worker when a task ends or begins to wait. A rehearsal has no AWS console, so its
links are empty and Airflow shows none. A link never fails: what cannot be found leads to the list where it is
found.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import BaseOperatorLink

from livemove.model.errors import LivemoveError
from livemove.model.ledger import Outputs
from livemove.model.spec import MigrationSpec, find_spec
from livemove.runtime.airflow_pages import console_page, within
from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)


class ConsoleLink(BaseOperatorLink):
    """The console of this run."""

    name = "Console of this run"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        return within(console_page(dag_id=ti_key.dag_id, run_id=ti_key.run_id))


class RunbookLink(BaseOperatorLink):
    """The section of the runbook that this task belongs to; where the spec says where it is."""

    name = "Runbook"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        runbook = find_spec(operator.service).runbook
        return f"{runbook}#{operator.runbook_section}" if runbook else ""


class AwsLink(BaseOperatorLink):
    """A page of AWS's console."""

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        spec = find_spec(operator.service)
        return "" if spec.rehearsal else self.page(spec, operator)

    def page(self, spec: MigrationSpec, operator: Any) -> str:
        raise NotImplementedError


class DmsTaskLink(AwsLink):
    """The replication task that this task made, started or watches."""

    name = "DMS task"

    def page(self, spec: MigrationSpec, operator: Any) -> str:
        task = getattr(operator, "dms_task", None)
        where = f"taskDetails/{task}" if task else "tasks"
        return (
            f"https://{spec.aws.region}.console.aws.amazon.com/dms/v2/home?region={spec.aws.region}#{where}"
        )


class DatabaseLink(AwsLink):
    """The RDS instance."""

    name = "RDS instance"

    def page(self, spec: MigrationSpec, operator: Any) -> str:
        home = f"https://{spec.aws.region}.console.aws.amazon.com/rds/home?region={spec.aws.region}"
        try:
            outputs = ServiceContext(spec).ledger.load(Outputs)
            found = outputs.database_identifier if outputs else None
        except LivemoveError as e:
            log.info("the database's page: %s", e.found)
            found = None
        return f"{home}#database:id={found};is-cluster=false" if found else f"{home}#databases:"
