"""The REST client against a server that misbehaves as a busy Airflow does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lab.rehearsal.api import AirflowApi, ApiError
from tests.raising import raises

Answer = tuple[int, Any]


class Server:
    """Answers each call with the next prepared (status, body), then with 200 and an empty object."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.calls: list[str] = []
        self.logins = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.path == "/auth/token":
                    outer.logins += 1
                    status, body = 201, {"access_token": f"t{outer.logins}"}
                else:
                    outer.calls.append(f"{self.command} {self.path} {self.headers['Authorization']}")
                    status, body = outer.answers.pop(0) if outer.answers else (200, {})
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            do_GET = do_POST = do_PATCH = _serve

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def api(self) -> AirflowApi:
        return AirflowApi(f"http://127.0.0.1:{self.http.server_port}", "admin", "x")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.http.shutdown()
    server.http.server_close()


def test_a_token_that_ran_out_is_renewed_once_and_the_call_repeated(server: Server) -> None:
    server.answers = [(401, {}), (200, {"state": "running"})]
    assert server.api().run("d", "r")["state"] == "running"
    assert [c.split()[-1] for c in server.calls] == ["t1", "t2"]


def test_a_get_is_repeated_while_the_server_is_busy_and_then_given_up(server: Server) -> None:
    server.answers = [(503, {}), (200, {"state": "running"})]
    api = server.api()
    assert api.run("d", "r")["state"] == "running"
    server.answers = [(503, {})] * 9
    with raises(ApiError, "503"):
        api.run("d", "r")
    assert len(server.answers) == 5


def test_an_answer_at_a_gate_is_never_sent_twice(server: Server) -> None:
    server.answers = [(500, "lost its database"), (200, {})]
    with pytest.raises(ApiError, match="lost its database"):
        server.api().answer("d", "r", "retire.ask", "Proceed", {})
    assert len(server.calls) == 1


def test_all_pages_of_task_instances_are_read(server: Server) -> None:
    tasks = [{"task_id": f"t{n}"} for n in range(150)]
    server.answers = [
        (200, {"task_instances": some, "total_entries": 150}) for some in (tasks[:100], tasks[100:])
    ]
    assert server.api().task_instances("d", "r") == tasks
    assert "offset=100" in server.calls[1]


def test_run_ids_with_reserved_characters_stay_one_part_of_the_path(server: Server) -> None:
    server.api().run("migrate_shop", "manual__2026-11-23T04:00:00+00:00")
    assert "/dagRuns/manual__2026-11-23T04%3A00%3A00%2B00%3A00 " in server.calls[0]


def test_a_log_is_plain_lines_with_the_error_after_its_event(server: Server) -> None:
    event = {"event": "Task failed", "error_detail": [{"exc_type": "RefusedError", "exc_value": "no"}]}
    server.answers = [(200, {"content": [{"event": "began"}, event]})]
    assert server.api().log("d", "r", "t", 1) == ["began", "Task failed", "RefusedError: no"]
