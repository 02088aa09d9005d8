"""livemove's routes for one logged-in reader over a ledger that does not change: for the browser."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import uvicorn
from airflow.api_fastapi.core_api.security import get_user
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from livemove.model.ports import Json
from livemove.reporting import console
from livemove.runtime.ledger_view import Seen
from livemove.ui import pages
from tests.doubles.contents import contents, contents_as_read
from tests.ui.ledger_fixtures import night

FRAME = (
    '<!doctype html><html lang="en" class="dark"><title>Airflow</title><body><iframe title="livemove"'
    ' src="/livemove/console" sandbox="allow-scripts allow-same-origin allow-forms allow-downloads"'
    ' width="1200" height="800"></iframe></body></html>'
)
"""A page of Airflow's UI around the console, as Airflow 3.3 frames it."""


class StillView:
    """A LedgerView over `night(moment)` and the documents of `more`; both may change while somebody looks."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self.more: Callable[[dict[str, Json], list[Json]], None] | None = None
        self.ledger = SimpleNamespace(
            load=lambda kind, **keys: contents(*night(self.moment)).load(kind, **keys)
        )

    def look(self) -> Seen:
        documents, events = night(self.moment)
        if self.more:
            self.more(documents, events)
        return Seen(
            contents_as_read({n: d for n, d in documents.items() if console.reads(n)}, events),
            f"{self.moment} {len(documents)} {len(events)} {bool(self.more)}",
        )


def application() -> FastAPI:
    """livemove's pages below the path that Airflow gives them, for somebody who is logged in."""
    app = FastAPI()
    app.mount("/livemove", logged_in(pages.build()))
    app.get("/frame", response_class=HTMLResponse)(lambda: FRAME)
    return app


def logged_in(app: FastAPI) -> FastAPI:
    app.state.auth_manager = SimpleNamespace()
    app.dependency_overrides[get_user] = lambda: SimpleNamespace(name="somebody")
    return app


@contextlib.contextmanager
def serve(app: FastAPI) -> Iterator[str]:
    """The address at which it is served, on loopback."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
