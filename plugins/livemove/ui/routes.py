"""The routes behind livemove's pages: read-only, for logged-in users, with only what each may see anyway.

The page of findings holds no data; its script reads Airflow's API with the reader's own session. The
console's data come from the ledger: whoever may read the DAG of a service may read them. An error is JSON
with a clear text.
"""

# FastAPI reads the annotations of routes as values: no `from __future__ import annotations` here

import hashlib
import threading
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import APIRouter, Depends, Header, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

import livemove
from livemove.model.errors import LivemoveError, SpecError
from livemove.model.ledger import Question
from livemove.model.ports import Json
from livemove.model.spec import MigrationSpec, find_spec, load_spec, spec_files
from livemove.reporting import console
from livemove.runtime.ledger_view import LedgerView, Seen
from livemove.runtime.s3_ledger import S3Ledger
from livemove.runtime.service_context import ServiceContext

HERE = Path(__file__).parent
FINDINGS = HERE / "findings.html"
FOLDER = HERE / "console"
PAGE = FOLDER / "console.html"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".LICENSE": "text/plain"}
SAFE = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; form-action"
        " 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
"""Headers of everything the console is made of: nothing from elsewhere, nothing kept without asking again."""

router = APIRouter()
Known = Annotated[str | None, Header(alias="If-None-Match")]


def may_read(service: str, request: Request, user: GetUserDep) -> str:
    """The service, when a spec declares it and this user may read its DAG; 404 and 403 otherwise."""
    if service not in {p.stem for p in spec_files()}:
        raise HTTPException(404, f"No migration is called {service!r}: no spec file declares it")
    requires_access_dag("GET", param_dag_id=f"migrate_{service}")(request, user)
    return service


Service = Annotated[str, Depends(may_read)]


@router.get("/findings", response_class=HTMLResponse)
def findings(user: GetUserDep) -> str:
    """The preflight's table; the page learns DAG and run from its own address."""
    return FINDINGS.read_text(encoding="utf-8")


@router.get("/console", response_class=HTMLResponse)
def page(user: GetUserDep) -> HTMLResponse:
    return HTMLResponse(PAGE.read_text(encoding="utf-8"), headers=SAFE)


@router.get("/console/files/{name:path}")
def file(name: str, user: GetUserDep, known: Known = None) -> Response:
    """One of the page's own files."""
    if name not in files():
        raise HTTPException(404, f"The console has no file {name!r}")
    content, tag = files()[name]
    headers = {**SAFE, "ETag": tag}
    if _same(known, tag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=TYPES[Path(name).suffix], headers=headers)


@lru_cache(maxsize=1)
def files() -> dict[str, tuple[bytes, str]]:
    """Path under `console/` -> content and ETag; read once, so that no request names a path on disk."""
    found = {str(p.relative_to(FOLDER)): p.read_bytes() for p in FOLDER.rglob("*") if p.suffix in TYPES}
    return {name: (content, _tag(content)) for name, content in found.items()}


@router.get("/console/services")
def services(request: Request, user: GetUserDep) -> list[dict[str, str]]:
    """The migrations that this user may read; a spec that does not load is named with its error."""
    out = []
    for path in spec_files():
        try:
            may_read(path.stem, request, user)
            out.append({"service": path.stem, "title": load_spec(path).title})
        except SpecError as e:
            out.append({"service": path.stem, "title": path.stem, "error": str(e)})
        except HTTPException:
            continue
    return out


@router.get("/console/data/{service}")
def data(
    service: Service, user: GetUserDep, dag_id: str = "", run_id: str = "", known: Known = None
) -> Response:
    """The page's model. The same ledger has the same ETag: a reader who knows it is answered 304."""
    try:
        spec = find_spec(service)
        seen = _view(spec).look()
    except LivemoveError as e:
        return _away(e)
    tag = _tag(repr((seen.tag, spec.model_dump_json(), dag_id, run_id, _code())).encode())
    headers = {**SAFE, "ETag": tag}
    if _same(known, tag):
        return Response(status_code=304, headers=headers)
    return JSONResponse(_model(spec, seen, dag_id, run_id), headers=headers)


@router.get("/console/question/{service}")
def question(service: Service, user: GetUserDep, name: str) -> Response:
    """The whole text of one question, as it was shown: {"subject", "body"} in Markdown."""
    keys = Question.keys_in(name)
    if keys is None or ".." in name:
        raise HTTPException(404, "That is no question of this migration")
    try:
        found = _view(find_spec(service)).ledger.load(Question, **keys)
    except LivemoveError as e:
        return _away(e)
    if found is None:
        raise HTTPException(404, "The ledger does not know this question")
    return JSONResponse({"subject": found.subject, "body": found.body}, headers=SAFE)


def _model(spec: MigrationSpec, seen: Seen, dag_id: str, run_id: str) -> Json:
    return console.build(spec, seen.contents, dag_id=dag_id, run_id=run_id)


def _away(e: LivemoveError) -> JSONResponse:
    return JSONResponse(
        {"detail": e.found, "wanted": e.wanted, "next": e.next_step}, status_code=503, headers=SAFE
    )


# One view a service, shared by all readers of this process ----------------------------------------------
_views: dict[str, LedgerView] = {}
_lock = threading.Lock()


def _view(spec: MigrationSpec) -> LedgerView:
    # a spec that names another bucket is another ledger
    key = f"{spec.service} {spec.aws.model_dump_json()}"
    with _lock:
        if key not in _views:
            _views[key] = LedgerView(lambda: _ledger(spec), console.reads)
        return _views[key]


def _ledger(spec: MigrationSpec) -> S3Ledger:
    world = ServiceContext(spec)
    world.aws_attempts = 2  # a person waits
    ledger = world.ledger
    assert isinstance(ledger, S3Ledger)
    return ledger


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _same(known: str | None, tag: str) -> bool:
    """A proxy that compresses an answer makes its tag a weak one."""
    return known is not None and known.removeprefix("W/") == tag


@lru_cache(maxsize=1)
def _code() -> str:
    """What makes the model: another version of it answers again, also about an old ledger."""
    files = sorted(Path(livemove.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
