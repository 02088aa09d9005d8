"""One DAG for each service: the way back to the data centre, for the night in which the migration's own run is broken.

The same chapter as in dags/migrate.py, with the trigger form as its gate. It may run beside a broken or even a
running migrate run: every act is guarded in the databases. A move that has not committed is fenced under the
other attempt's name, so this one lifts that fence and the other one is refused; a committed one is finished
first. What it does not do is stop the other run: mark that one failed first, or its later tasks act again.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param

from livemove.chapters import DEFAULTS, doc, rollback_chapter
from livemove.errors import SpecError
from livemove.operators.rollback import OrderedRollbackOperator
from livemove.spec import MigrationSpec, load_spec, spec_files


def way_back(spec: MigrationSpec) -> DAG:
    """The DAG of one service."""
    with DAG(
        dag_id=f"rollback_{spec.service}",
        dag_display_name=f"Bring {spec.title} back to the data centre",
        description="The writes, then the name, go back; for when the migration's own run is broken",
        doc_md=doc("rollback_alone"),
        schedule=None,
        catchup=False,
        max_active_runs=1,
        default_args=DEFAULTS,
        params={
            "confirm": Param(
                type="string",
                pattern=f"^{spec.service}$",
                title=f"Type {spec.service} to bring it back",
                description_md="The writes and the public name go back to the data centre. No acknowledged write is lost.",
            )
        },
        tags=["livemove", spec.service],
    ) as dag:
        rollback_chapter(spec, "Roll back", OrderedRollbackOperator)
    return dag


for path in spec_files():
    try:
        globals()[f"rollback_{path.stem}"] = way_back(load_spec(path))
    except SpecError:
        continue  # dags/broken_specs.py shows it as an import error
