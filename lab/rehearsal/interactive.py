"""`make up`: lab, users and Airflow stay up, for a person who wants to do the migration by hand."""

from __future__ import annotations

from pathlib import Path

from lab import lock
from lab.addresses import here, octet, state_dir
from lab.rehearsal.airflow import Airflow
from lab.rehearsal.runner import end, refuse_a_second, spec_in_lab, stand
from lab.rehearsal.users import Users


def up(dump: Path | None, app: str = "") -> int:
    """Start everything, or say where it stands."""
    now = lock.holder(octet())
    airflow = Airflow(state_dir(), here())
    if now and now.state == str(state_dir()) and airflow.running():
        print("Lab and Airflow stand already.")
        return _tell(airflow)
    refuse_a_second()
    try:
        airflow = stand(dump, app=app)
        Users.start(spec_in_lab())
    except BaseException:
        end()
        raise
    return _tell(airflow)


def _tell(airflow: Airflow) -> int:
    dag_id = f"migrate_{spec_in_lab().service}"
    print(f"""
  Airflow      {airflow.url}
  login        admin / {airflow.password}
  next click   {airflow.url}/dags/{dag_id}  ->  Trigger, read the form, Trigger again
  then         answer what waits for you: {airflow.url}/required_actions
  the lab      make status
  end it       make down
""")
    return 0
