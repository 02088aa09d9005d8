"""livemove's own pages inside Airflow's UI, for people who are logged in there.

Airflow does not guard what a plugin serves: each route asks for the user itself. A page holds no data; its script reads
Airflow's API with the reader's own session, so it shows what that reader may see anyway.
"""

# FastAPI reads the annotations of routes as values: no `from __future__ import annotations` here

import sys
from pathlib import Path
from typing import Any

FINDINGS = Path(__file__).with_name("findings.html")


def apps(prefix: str) -> list[dict[str, Any]]:
    """The plugin's fastapi_apps; none in processes that serve no pages (workers, DAG processor)."""
    if "airflow.api_fastapi.app" not in sys.modules:
        return []
    return [{"app": build(), "url_prefix": prefix, "name": "livemove"}]


def build() -> Any:
    from airflow.api_fastapi.core_api.security import GetUserDep
    from fastapi import FastAPI
    from fastapi.responses import HTMLResponse

    app = FastAPI(title="livemove", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/findings", response_class=HTMLResponse)
    def findings(user: GetUserDep) -> str:
        """The preflight's table; the page learns DAG and run from its own address."""
        return FINDINGS.read_text(encoding="utf-8")

    return app
