"""The console's page as one JSON model, made from the ledger alone.

Promises: pure, and without a clock: the same ledger gives the same model, so an idle page costs nothing. What
nobody wrote yet is null, and `missing` says what would have written it.
Enter at: `build` (the whole model), `PARTS` (each part's function, one module a subject), `READS` (the only
documents that are read).
Never: decides which database is the owner, or shows a document that is not in `READS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from livemove.model.ledger import Contents
from livemove.model.ports import Json
from livemove.model.spec import MigrationSpec
from livemove.reporting.console.attempts import switchovers
from livemove.reporting.console.chapters import story
from livemove.reporting.console.findings import failures, findings, soak
from livemove.reporting.console.ledger import Ledger
from livemove.reporting.console.moments import moments
from livemove.reporting.console.owner_card import owner, way_back
from livemove.reporting.console.questions import decisions, question
from livemove.reporting.console.resolvers import resolvers
from livemove.reporting.console.tables import comparison, load, tables
from livemove.reporting.console.traffic import lag, traffic


def build(spec: MigrationSpec, contents: Contents, *, dag_id: str = "", run_id: str = "") -> Json:
    """The page's model. `dag_id`, `run_id`: whose chapters are shown; empty: the newest move's."""
    in_order = replace(contents, events=tuple(sorted(contents.events, key=lambda e: e.time)))
    ledger = Ledger(spec, in_order)
    model: Json = {name: make(ledger) for name, make in PARTS.items()}
    model["run"], model["chapters"] = story(ledger, dag_id, run_id)
    model["missing"] = missing(model)
    return {
        "service": spec.service,
        "title": spec.title,
        "name": spec.dns.name,
        "rehearsal": spec.rehearsal,
        "unreadable": [str(u) for u in contents.unreadable],
        **model,
    }


# What is not there -----------------------------------------------------------------------------------
WRITES: Mapping[str, str] = {
    "findings": "The preflight has not looked yet.",
    "load": "The full load has not begun.",
    "comparison": "No table was compared yet; the chapter Validate does it.",
    "lag": "There is no follower yet: the lag is measured once changes are replicated.",
    "traffic": "No requests were counted yet: servers are asked while a task waits, from the full load on.",
    "resolvers": "Name servers are asked once the name has moved.",
    "switchovers": "The writes have not moved.",
    "decisions": "Nobody was asked anything yet.",
}
"""Part of the page -> what it waits for when it is empty."""


def missing(model: Json) -> dict[str, str]:
    return {part: message for part, message in WRITES.items() if not model[part]}


PARTS: Mapping[str, Callable[[Ledger], Any]] = {
    "owner": owner,
    "way_back": way_back,
    "question": question,
    "load": load,
    "tables": tables,
    "comparison": comparison,
    "lag": lag,
    "resolvers": resolvers,
    "traffic": traffic,
    "moments": moments,
    "switchovers": switchovers,
    "findings": findings,
    "decisions": decisions,
    "failures": failures,
    "soak": soak,
}


READS = (
    "approvals/",
    "baseline",
    "comparing/",
    "comparison/",
    "drain",
    "expected_pause",
    "findings",
    "full_load",
    "promotion/",
    "propagation",
    "ran/",
    "return_path/",
    "soak",
    "switchover/",
    "trail/",
    "way_back",
)
"""The documents that the page is made of. No others are read: Terraform's outputs, for one, are private."""


def reads(name: str) -> bool:
    return name.startswith(READS)
