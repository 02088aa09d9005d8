"""Makes a gate that asks again show what it asks now.

Airflow 3.3 keeps the text of a human-in-the-loop question for the life of its task instance: cleared or
retried, the task asks again, but people read the evidence of the first time (apache/airflow #73235 fixes it
upstream). So where Airflow files an answered or cleared question of a gate into its history, the question
itself is forgotten here; the next one is then stored as new. Runs in the API server and the scheduler, which
own Airflow's database; in a worker the models are not loaded and this does nothing. The gate notices by
itself where it did not work.
"""

from __future__ import annotations

import sys
from typing import Any

GATES = ("MigrationGate", "PromotionGate")


def forget_filed_questions() -> bool:
    """Listen to Airflow's history of questions; False where this process does not hold Airflow's models."""
    if "airflow.models.taskinstance" not in sys.modules:
        return False
    from airflow.models.hitl_history import HITLDetailHistory
    from sqlalchemy import event

    if not event.contains(HITLDetailHistory, "after_insert", _forget):
        event.listen(HITLDetailHistory, "after_insert", _forget)
    return True


def _forget(mapper: Any, connection: Any, filed: Any) -> None:
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from sqlalchemy import delete, select

    # the task instance still has the id of the try that is filed; it gets its new one afterwards
    ours = select(TaskInstance.id).where(
        TaskInstance.id == filed.ti_history_id, TaskInstance.operator.in_(GATES)
    )
    connection.execute(delete(HITLDetail).where(HITLDetail.ti_id.in_(ours)))
