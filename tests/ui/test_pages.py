"""livemove's pages are shown to logged-in people only, and what they show is inserted as text."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.api_fastapi.core_api.security import get_user
from fastapi import FastAPI
from fastapi.testclient import TestClient

from livemove.ui.pages import apps, build
from livemove.ui.routes import FINDINGS, FOLDER


@pytest.fixture
def app() -> FastAPI:
    made: FastAPI = build()
    made.state.auth_manager = SimpleNamespace()
    return made


def test_the_page_wants_a_login(app: FastAPI) -> None:
    answer = TestClient(app).get("/findings")
    assert answer.status_code == 401
    assert "xcomEntries" not in answer.text


def test_who_is_logged_in_gets_the_page(app: FastAPI) -> None:
    app.dependency_overrides[get_user] = lambda: SimpleNamespace(name="somebody")
    answer = TestClient(app).get("/findings?dag_id=migrate_shop&run_id=r")
    assert answer.status_code == 200
    assert "text/html" in answer.headers["content-type"]
    assert "preflight.checks/xcomEntries/findings" in answer.text


def test_the_pages_never_write_values_as_markup() -> None:
    scripts = [
        FINDINGS,
        *(p for p in FOLDER.rglob("*") if p.suffix in (".js", ".html") and "vendor" not in p.parts),
    ]
    assert len(scripts) > 5
    for path in scripts:
        assert not [
            w
            for w in ("innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(")
            if w in path.read_text()
        ], path


def test_every_route_asks_for_the_user(app: FastAPI) -> None:
    routes = [r for r in app.routes if hasattr(r, "dependant")]
    assert len(routes) >= 6
    assert all(any(d.call is get_user for d in r.dependant.dependencies) for r in routes)
    assert all(r.methods == {"GET"} for r in routes), "the pages only read"


def test_a_process_that_serves_no_pages_imports_none_of_it() -> None:
    plugins = str(Path(__file__).parents[2] / "plugins")
    code = (
        f"import sys; sys.path.insert(0, {plugins!r}); from livemove.ui.pages import apps; assert apps('/x')"
        " == []; assert 'fastapi' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_plugin_serves_and_shows_it() -> None:
    import airflow.api_fastapi.app  # noqa: F401  # what the API server has loaded

    assert [a["url_prefix"] for a in apps("/livemove")] == ["/livemove"]
    from livemove_plugin import LivemovePlugin

    views = {(v["name"], v["destination"]): v["href"] for v in LivemovePlugin.external_views}
    run = "dag_id={DAG_ID}&run_id={RUN_ID}"
    assert views == {
        ("livemove", "nav"): "/livemove/console",
        ("Console", "dag"): "/livemove/console?dag_id={DAG_ID}",
        ("Console", "dag_run"): f"/livemove/console?{run}",
        ("Preflight", "dag_run"): f"/livemove/findings?{run}",
        ("Preflight", "task_instance"): f"/livemove/findings?{run}",
    }
    # of two with the same route Airflow shows one
    assert len({v["url_route"] for v in LivemovePlugin.external_views}) == len(views)
