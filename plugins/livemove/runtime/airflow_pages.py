"""Paths of a task's page or a run's console in this Airflow, with a slash, below the UI's own path."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlparse


def task_page(*, dag_id: str, run_id: str, task_id: str) -> str:
    return f"/dags/{quote(dag_id)}/runs/{quote(run_id, safe='')}/tasks/{quote(task_id)}"


def console_page(*, dag_id: str, run_id: str, task_id: str = "") -> str:
    """livemove's own page of this run."""
    return f"/livemove/console?{urlencode({'dag_id': dag_id, 'run_id': run_id})}"


def base_url() -> str:
    """Where people find this Airflow (api.base_url); empty when it is not configured."""
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")


def absolute(path: str) -> str:
    """For a message that is read elsewhere."""
    return base_url() + path


def within(path: str) -> str:
    """For a link inside the UI: whatever name people reach it by, it stays there."""
    return urlparse(base_url()).path + path
