"""Airflow's REST API, as far as a rehearsal needs it: the same calls that the UI makes."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

Json = dict[str, Any]


class ApiError(RuntimeError):
    """Airflow refused a call; the message has its status and its words."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        self.status = status
        super().__init__(f"Airflow answered {status} to {method} {path}: {body[:600]}")


class AirflowApi:
    """One login to one Airflow. Calls time out after 30 s; GETs are repeated while the server is busy."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url, self._login = url, {"username": user, "password": password}
        self._token: str | None = None
        # no proxy of the environment stands between us and loopback
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    # Plumbing -------------------------------------------------------------------------------------
    def _send(self, method: str, path: str, body: Json | None = None, *, token: str | None = None) -> Any:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, method=method, data=data, headers=headers)
        try:
            with self._opener.open(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as e:
            raise ApiError(method, path, e.code, e.read().decode(errors="replace")) from None
        return json.loads(text) if text else None

    def call(self, method: str, path: str, body: Json | None = None) -> Any:
        """One call below /api/v2, with a new login when the token has run out."""
        attempts = 4 if method == "GET" else 2
        for left in reversed(range(attempts)):
            try:
                if self._token is None:
                    self._token = self._send("POST", "/auth/token", self._login)["access_token"]
                return self._send(method, "/api/v2" + path, body, token=self._token)
            except ApiError as e:
                if e.status == 401:
                    self._token = None
                elif not (method == "GET" and e.status >= 500):
                    raise
                if not left:
                    raise
            except (OSError, http.client.HTTPException):
                if method != "GET" or not left:
                    raise
        raise AssertionError("unreachable")

    def answers(self) -> bool:
        try:
            self._send("GET", "/api/v2/version")
        except (ApiError, OSError, http.client.HTTPException):
            return False
        return True

    # DAGs and runs --------------------------------------------------------------------------------
    def import_errors(self) -> list[str]:
        found = self.call("GET", "/importErrors")["import_errors"]
        return [f"{e['filename']}:\n{e['stack_trace']}" for e in found]

    def dag_exists(self, dag_id: str) -> bool:
        try:
            self.call("GET", f"/dags/{quote(dag_id)}")
        except ApiError as e:
            if e.status == 404:
                return False
            raise
        return True

    def trigger(self, dag_id: str, conf: Json | None = None) -> str:
        """Start a run; returns its id. Params that `conf` leaves out keep their defaults."""
        answer = self.call(
            "POST", f"/dags/{quote(dag_id)}/dagRuns", {"logical_date": None, "conf": conf or {}}
        )
        return str(answer["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> Json:
        found: Json = self.call("GET", _run(dag_id, run_id))
        return found

    def task_instances(self, dag_id: str, run_id: str) -> list[Json]:
        """Every task instance of the run, mapped ones each by itself."""
        return list(self._paged(f"{_run(dag_id, run_id)}/taskInstances", "task_instances"))

    def _paged(self, path: str, key: str) -> Iterator[Json]:
        offset = 0
        while True:
            page = self.call("GET", f"{path}?{urlencode({'limit': 100, 'offset': offset})}")
            yield from page[key]
            offset += len(page[key])
            if not page[key] or offset >= page["total_entries"]:
                return

    def log(self, dag_id: str, run_id: str, task_id: str, attempt: int, map_index: int = -1) -> list[str]:
        """The log of one attempt as plain lines."""
        path = f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id)}/logs/{attempt}"
        content = self.call("GET", f"{path}?{urlencode({'map_index': map_index, 'full_content': True})}")
        return [text for entry in content.get("content", []) for text in _plain(entry)]

    # Gates ----------------------------------------------------------------------------------------
    def question(self, dag_id: str, run_id: str, task_id: str) -> Json:
        """What a gate shows: subject, body, options, params."""
        found: Json = self.call(
            "GET", f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id)}/-1/hitlDetails"
        )
        return found

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str, params: Json) -> None:
        self.call(
            "PATCH",
            f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id)}/-1/hitlDetails",
            {"chosen_options": [option], "params_input": params},
        )

    def clear(
        self, dag_id: str, run_id: str, task_ids: list[str], note: str, *, downstream: bool = True
    ) -> int:
        """Clear tasks as "Clear task" in the UI does, by default with downstream; returns how many."""
        answer = self.call(
            "POST",
            f"/dags/{quote(dag_id)}/clearTaskInstances",
            {
                "dry_run": False,
                "dag_run_id": run_id,
                "task_ids": task_ids,
                "include_downstream": downstream,
                "only_failed": False,
                "reset_dag_runs": True,
                "note": note,
            },
        )
        return int(answer["total_entries"])

    def mark_success(self, dag_id: str, run_id: str, task_id: str) -> None:
        """What "Mark success" does in the UI, of this task alone."""
        self.call("PATCH", f"{_run(dag_id, run_id)}/taskInstances/{quote(task_id)}", {"new_state": "success"})

    def fail_run(self, dag_id: str, run_id: str) -> None:
        """Mark a run failed: its running tasks are ended by Airflow itself."""
        self.call("PATCH", _run(dag_id, run_id), {"state": "failed"})


def _run(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id, safe='')}"


def _plain(entry: Any) -> list[str]:
    """One entry of a structured log as text; an error's traceback follows its line."""
    if isinstance(entry, str):
        return [entry]
    lines = [str(entry.get("event", ""))]
    for error in entry.get("error_detail") or []:
        lines.append(f"{error.get('exc_type')}: {error.get('exc_value')}")
    return lines
