"""Makes a service's report from its ledger, databases and versions, and stores it beside the ledger."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from livemove.model.errors import LivemoveError
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.provisioning.adapters.versions import keep_versions
from livemove.reporting import report
from livemove.reporting.report_model import Report, as_json
from livemove.reporting.report_page import page

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


def write_report(world: ServiceContext, failure: Json | None = None) -> tuple[Report, dict[str, str]]:
    """The report of now as report.json and report.html; returns it and the two addresses.

    The bucket keeps versions: the report of an earlier run is an earlier version of the same file.
    """
    target_exists = make_report(world, failure)
    text = json.dumps(as_json(target_exists), ensure_ascii=False, indent=1)
    put = world.ledger.put_file
    return target_exists, {
        "json": put("report.json", text.encode(), "application/json"),
        "html": put("report.html", page(target_exists).html().encode(), "text/html; charset=utf-8"),
    }


def make_report(world: ServiceContext, failure: Json | None = None) -> Report:
    """From the whole ledger, and from the two databases as far as they answer now."""
    from livemove.control.adapters.state import readable_rows

    keep_versions(world)
    return report.build(
        world.spec.title,
        world.ledger.snapshot(),
        now=world.clock.now(),
        service=world.spec.service,
        standing=standing(world),
        failure=failure,
        rows=readable_rows(world),
    )


def standing(world: ServiceContext) -> dict[str, str]:
    """Each side's control row as text, `OPEN@3`, or why there is none to read."""
    from livemove.control.adapters.control_row import kept_version
    from livemove.control.adapters.state import read_row_of, target_exists

    found = {}
    for side in Side:
        try:
            if side is Side.TARGET and not target_exists(world):
                found[str(side)] = "was never made"
                continue
            with world.database(side) as db:
                there = kept_version(db) is not None
            found[str(side)] = (
                str(read_row_of(world, side)).removeprefix(f"{side} ") if there else "without a control row"
            )
        except LivemoveError:
            found[str(side)] = "does not answer"
    return found
