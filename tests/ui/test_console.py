"""The console's routes: only for readers of the DAG, cheap while nothing changes, clear about errors."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.api_fastapi.core_api.security import get_user
from fastapi import FastAPI, HTTPException, Request
from fastapi.testclient import TestClient

from livemove.model.errors import UnreachableError
from livemove.runtime.ledger_view import Seen
from livemove.ui import pages, routes
from tests.ui.ledger_fixtures import BODY
from tests.ui.server import StillView, logged_in

PATHS = (
    "/findings",
    "/console",
    "/console/files/console.js",
    "/console/files/vendor/uPlot.iife.min.js",
    "/console/services",
    "/console/data/shop",
    "/console/question/shop?name=questions/x",
)
LIMIT = 300_000
"""Bytes of the whole page, as issued; nothing of it is compressed here."""


@pytest.fixture
def view(monkeypatch: pytest.MonkeyPatch) -> StillView:
    view = StillView("asked")
    monkeypatch.setattr(routes, "_view", lambda spec: view)
    return view


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """DAGs that the reader may not read."""
    closed: set[str] = set()

    def requires(method: str, param_dag_id: str) -> object:
        def check(request: Request, user: object) -> None:
            if param_dag_id in closed:
                raise HTTPException(403, "Forbidden")

        return check

    monkeypatch.setattr(routes, "requires_access_dag", requires)
    return closed


@pytest.fixture
def client(view: StillView, forbidden: set[str]) -> TestClient:
    return TestClient(logged_in(pages.build()))


@pytest.mark.parametrize("path", PATHS)
def test_without_a_login_there_is_nothing(path: str, view: StillView) -> None:
    app: FastAPI = pages.build()
    app.state.auth_manager = SimpleNamespace()
    answer = TestClient(app).get(path)
    assert answer.status_code == 401
    assert "shop" not in answer.text


def test_each_route_is_among_those_that_were_tried_without_a_login() -> None:
    routed = {r.path.split("{")[0] for r in pages.build().routes if hasattr(r, "dependant")}
    assert all(any(p.startswith(r) for p in PATHS) for r in routed)
    assert {r for r in routed if r not in set(PATHS)} == {
        "/console/files/",
        "/console/data/",
        "/console/question/",
    }


def test_what_the_reader_may_not_read_in_airflow_is_closed_here_too(
    client: TestClient, forbidden: set[str]
) -> None:
    assert [s["service"] for s in client.get("/console/services").json()] == ["shop"]
    forbidden.add("migrate_shop")
    assert client.get("/console/services").json() == []
    assert client.get("/console/data/shop").status_code == 403
    assert client.get("/console/question/shop?name=questions/switch_dns/9").status_code == 403


@pytest.mark.parametrize("name", ["nobody", "%2e%2e", "example-aws", "shop.yaml"])
def test_only_services_with_a_spec_are_known(client: TestClient, name: str) -> None:
    answer = client.get(f"/console/data/{name}")
    assert answer.status_code == 404
    assert "detail" in answer.json()


def test_an_unchanged_ledger_is_answered_with_nothing(client: TestClient, view: StillView) -> None:
    first = client.get("/console/data/shop")
    assert first.json()["owner"]["side"] == "source"
    again = client.get("/console/data/shop", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    view.moment = "moved"
    later = client.get("/console/data/shop", headers={"If-None-Match": first.headers["etag"]})
    assert (later.status_code, later.json()["owner"]["side"]) == (200, "target")


def test_a_tag_that_a_proxy_made_weak_is_known_as_well(client: TestClient) -> None:
    for path in ("/console/data/shop", "/console/files/console.js"):
        tag = client.get(path).headers["etag"]
        assert client.get(path, headers={"If-None-Match": f"W/{tag}"}).status_code == 304


def test_a_ledger_that_is_away_is_said_in_words(
    client: TestClient, view: StillView, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> Seen:
        raise UnreachableError("The ledger s3://b/shop cannot be read", next_step="check the bucket")

    monkeypatch.setattr(view, "look", away)
    answer = client.get("/console/data/shop")
    assert answer.status_code == 503
    assert answer.json() == {
        "detail": "The ledger s3://b/shop cannot be read",
        "wanted": "",
        "next": "check the bucket",
    }


def test_an_empty_ledger_is_a_page_that_says_what_is_missing(client: TestClient, view: StillView) -> None:
    view.moment = "nothing"
    assert set(client.get("/console/data/shop").json()["missing"]) >= {"findings", "load", "traffic"}


def test_a_question_is_read_as_it_was_shown_and_nothing_else_is(client: TestClient) -> None:
    assert client.get("/console/question/shop?name=questions/switch_dns/9").json() == {
        "subject": "switch_dns",
        "body": BODY,
    }
    for name in ("outputs", "questions/../outputs", "questions/none"):
        assert client.get(f"/console/question/shop?name={name}").status_code == 404


def test_files_are_the_pages_own_and_are_not_sent_twice(client: TestClient) -> None:
    first = client.get("/console/files/console.js")
    assert "javascript" in first.headers["content-type"]
    assert (
        client.get("/console/files/console.js", headers={"If-None-Match": first.headers["etag"]}).status_code
        == 304
    )
    for name in ("../routes.py", "%2e%2e/routes.py", "console.html/../../routes.py", "nothing.js"):
        assert client.get(f"/console/files/{name}").status_code == 404


def test_the_page_names_only_files_that_are_served_and_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/console").text
    named = [w.split('"')[0] for w in page.split('="console/files/')[1:]]
    assert len(named) >= 4
    assert all(name in routes.files() for name in named)
    for name, (content, _) in routes.files().items():
        text = content.decode()
        if "vendor" not in name and not name.endswith(".svg"):
            assert "http://" not in text, name
            assert "https://" not in text, name
        assert all(f"{w}" in routes.files() for w in _imports(text) if not name.startswith("vendor")), name


def _imports(text: str) -> list[str]:
    return [line.split('"./')[1].split('"')[0] for line in text.splitlines() if line.startswith("import ")]


def test_the_licence_of_what_is_not_ours_lies_beside_it() -> None:
    assert "MIT" in (routes.FOLDER / "vendor" / "uPlot.LICENSE").read_text()


def test_the_whole_page_is_light(client: TestClient, view: StillView) -> None:
    view.moment = "back"
    page = len(client.get("/console").content) + len(client.get("/console/data/shop").content)
    assert page + sum(len(content) for content, _ in routes.files().values()) < LIMIT


def test_nothing_may_come_from_elsewhere_or_be_framed_elsewhere(client: TestClient) -> None:
    for path in ("/console", "/console/files/console.js", "/console/data/shop"):
        assert "default-src 'self'" in client.get(path).headers["content-security-policy"]


def test_the_routes_read_and_never_write() -> None:
    source = inspect.getsource(routes)
    assert not [w for w in (".write(", ".note(", "put_file", ".database(", ".outputs") if w in source]
    assert Path(routes.__file__).parent == routes.HERE
    assert get_user  # what logs in here is Airflow's own
