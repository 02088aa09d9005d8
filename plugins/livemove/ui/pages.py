"""livemove's own pages inside Airflow's UI, for people who are logged in there.

Airflow does not guard what a plugin serves: each route of livemove.ui.routes asks for the user itself.
"""

from __future__ import annotations

import sys
from typing import Any


def apps(prefix: str) -> list[dict[str, Any]]:
    """The plugin's fastapi_apps; none in processes that serve no pages (workers, DAG processor)."""
    if "airflow.api_fastapi.app" not in sys.modules:
        return []
    return [{"app": build(), "url_prefix": prefix, "name": "livemove"}]


def build() -> Any:
    from fastapi import FastAPI

    from livemove.ui.routes import router

    app = FastAPI(title="livemove", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(router)
    return app
