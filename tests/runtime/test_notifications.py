"""Notifications go through Airflow's own notifiers to a real receiver; one that is down fails nothing."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseNotifier
from airflow.sdk.exceptions import AirflowFailException

from livemove.model.spec import MigrationSpec, Notify
from livemove.runtime import notifications as module
from livemove.runtime.notifications import SpecNotifier, check, tell_failure
from tests.doubles.worlds import SHOP

BODY = "{{ livemove.subject }}|{{ livemove.text }}|{{ livemove.link }}"
HTTP = Notify(
    notifier="airflow.providers.http.notifications.http.HttpNotifier",
    arguments={"http_conn_id": "ops", "json": {"text": BODY}},
)


class Receiver(BaseHTTPRequestHandler):
    got: list[str]

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.got.append(json.loads(self.rfile.read(size))["text"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a real HTTP server on loopback got; the connection `ops` points to it."""
    got: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), type("Bound", (Receiver,), {"got": got}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AIRFLOW_CONN_OPS", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://air.example/flow")
    yield got
    server.shutdown()
    server.server_close()


def spec(monkeypatch: pytest.MonkeyPatch, *notify: Notify) -> MigrationSpec:
    made = SHOP.model_copy(update={"notify": notify})
    monkeypatch.setattr(module, "find_spec", lambda service: made)
    return made


def context(**more: Any) -> dict[str, Any]:
    task = SimpleNamespace(
        service="shop", failure_is="failure", subject="Switch over? The database of shop moves"
    )
    ti = SimpleNamespace(dag_id="migrate_shop", run_id="manual__2026+1", task_id="switchover.ask", task=task)
    return {"ti": ti, "task": task, **more}


def test_a_question_is_told_with_a_link_straight_to_it(
    heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec(monkeypatch, HTTP)
    SpecNotifier(service="shop", moment="question")(context())
    (told,) = heard
    assert told.startswith("Switch over? The database of shop moves|Property listings: a question waits")
    assert told.endswith(
        "|https://air.example/flow/dags/migrate_shop/runs/manual__2026%2B1/tasks/switchover.ask/required_actions"
    )


def test_a_failure_is_told_in_its_own_words_and_they_are_no_template(
    heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec(monkeypatch, HTTP)
    tell_failure(context(exception=AirflowFailException("the target said {{ 6 * 7 }}")))
    assert "a task failed at switchover.ask|the target said {{ 6 * 7 }}|" in heard[0]
    broken = context(exception=AirflowFailException("4 of 20 requests failed"))
    broken["ti"].task.failure_is = "breach"
    tell_failure(broken)
    assert "the budget was broken" in heard[1]


def test_the_report_is_told_with_its_five_lines_and_the_console(
    heard: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec(monkeypatch, HTTP)
    SpecNotifier(service="shop", moment="finish", subject="Listings: moved", text="one\ntwo")(context())
    assert heard == [
        "Listings:"
        " moved|one\ntwo|https://air.example/flow/livemove/console?dag_id=migrate_shop&run_id=manual__2026%2B1"
    ]


def test_only_the_wanted_moments_are_told(heard: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    spec(monkeypatch, HTTP.model_copy(update={"when": ("finish",)}))
    SpecNotifier(service="shop", moment="question")(context())
    assert heard == []


def test_a_notifier_that_fails_is_logged_without_its_secrets_and_the_next_one_is_told(
    heard: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dead = Notify(notifier=f"{__name__}.Dead", arguments={"token": "s3cret"})
    spec(monkeypatch, dead, Notify(notifier="no.such.Notifier"), HTTP)
    with caplog.at_level(logging.INFO):
        SpecNotifier(service="shop", moment="question")(context())
    assert len(heard) == 1
    logged = caplog.text + "".join(capsys.readouterr())
    assert "could not be notified of the question: OSError" in logged
    assert "s3cret" not in logged


class Dead(BaseNotifier):
    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token

    def notify(self, context: Any) -> None:
        raise OSError(f"https://hooks.example/{self.token} does not answer")


class Refusing(BaseNotifier):
    def __init__(self, url: str) -> None:
        raise ValueError(f"{url} is no address")


def test_a_constructor_that_quotes_its_arguments_is_told_by_its_kind_of_error_alone() -> None:
    wrong = check([Notify(notifier=f"{__name__}.Refusing", arguments={"url": "s3cret"})])
    assert wrong == [f"{__name__}.Refusing: ValueError"]


def test_a_wrong_notifier_is_told_before_the_night() -> None:
    assert check([HTTP]) == []
    wrong = check(
        [Notify(notifier="no.such.Notifier"), HTTP.model_copy(update={"arguments": {"nonsense": 1}})]
    )
    assert wrong == ["no.such.Notifier: ModuleNotFoundError", f"{HTTP.notifier}: TypeError"]
    assert check([Notify(notifier="livemove.model.spec.Notify", arguments={"notifier": "a.b"})]) == [
        "livemove.model.spec.Notify is no notifier of Airflow"
    ]
