"""Makes the report of a service from its ledger, its databases and what is installed here, and keeps it beside the ledger."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import livemove
from livemove.model.errors import LivemoveError
from livemove.model.ledger import Versions
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.reporting import report
from livemove.reporting.report_model import Report, as_json
from livemove.reporting.report_page import page

if TYPE_CHECKING:
    from livemove.runtime.service_context import World

PACKAGES = {
    "Airflow": "apache-airflow",
    "Airflow amazon provider": "apache-airflow-providers-amazon",
    "Airflow mysql provider": "apache-airflow-providers-mysql",
    "Airflow ssh provider": "apache-airflow-providers-ssh",
    "Airflow standard provider": "apache-airflow-providers-standard",
    "boto3": "boto3",
}


def write_report(world: World, failure: Json | None = None) -> tuple[Report, dict[str, str]]:
    """The report of now as report.json and report.html; returns it and the two addresses.

    The bucket keeps versions: the report of an earlier run is an earlier version of the same file.
    """
    made = make_report(world, failure)
    text = json.dumps(as_json(made), ensure_ascii=False, indent=1)
    put = world.ledger.put_file
    return made, {
        "json": put("report.json", text.encode(), "application/json"),
        "html": put("report.html", page(made).html().encode(), "text/html; charset=utf-8"),
    }


def make_report(world: World, failure: Json | None = None) -> Report:
    """From the whole ledger, and from the two databases as far as they answer now."""
    keep_versions(world)
    ledger = world.ledger
    found = ledger.snapshot()
    return report.build(
        world.spec.title,
        {name: d.stored() for name, d in found.documents.items()},
        [e.stored() for e in found.events],
        now=world.clock.now(),
        service=world.spec.service,
        standing=standing(world),
        failure=failure,
    )


def standing(world: World) -> dict[str, str]:
    """Each side's control row as text, `OPEN@3`, or why there is none to read."""
    from livemove.control.adapters.control_row import kept_version
    from livemove.control.adapters.state import made, read_row_of

    found = {}
    for side in Side:
        try:
            if side is Side.TARGET and not made(world):
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


def keep_versions(world: World) -> dict[str, str | None]:
    """What is installed here and what both servers say, into the ledger; a server that is silent keeps what it said before."""
    kept = world.ledger.load(Versions)
    known = kept.programs if kept else {}
    found: dict[str, str | None] = {"livemove": livemove.__version__}
    found |= {name: _installed(package) for name, package in PACKAGES.items()}
    found["Terraform"] = _terraform() or known.get("Terraform")
    for side, name in ((Side.SOURCE, "source database"), (Side.TARGET, "target database")):
        found[name] = _server(world, side) or known.get(name)
    if found != known:
        world.ledger.save(Versions(programs=found))
    return found


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _terraform() -> str | None:
    from livemove.provisioning.adapters.terraform import program

    try:
        done = subprocess.run([program(), "version", "-json"], capture_output=True, timeout=20, check=True)
        return str(json.loads(done.stdout)["terraform_version"])
    except (LivemoveError, OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None


def _server(world: World, side: Side) -> str | None:
    from livemove.control.adapters.state import made

    try:
        if side is Side.TARGET and not made(world):
            return None
        with world.database(side) as db:
            said = db.one("SELECT VERSION() AS version, @@version_comment AS comment")
        return f"{said['version']} ({said['comment']})"
    except LivemoveError:
        return None
