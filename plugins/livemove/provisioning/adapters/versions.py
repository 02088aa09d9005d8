"""Versions of what is installed here and of both servers, kept in the ledger for the report."""

from __future__ import annotations

import json
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import livemove
from livemove.control.adapters.state import target_exists
from livemove.model.errors import LivemoveError
from livemove.model.ledger import Versions
from livemove.model.spec import Side
from livemove.provisioning.adapters.terraform import program

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

PACKAGES = {
    "Airflow": "apache-airflow",
    "Airflow amazon provider": "apache-airflow-providers-amazon",
    "Airflow mysql provider": "apache-airflow-providers-mysql",
    "Airflow ssh provider": "apache-airflow-providers-ssh",
    "Airflow standard provider": "apache-airflow-providers-standard",
    "boto3": "boto3",
}


def keep_versions(world: ServiceContext) -> Versions:
    """Write installed versions and both servers' to the ledger; a server that is down keeps its last ones."""
    kept = world.ledger.load(Versions) or Versions()
    known = kept.programs
    found: dict[str, str | None] = {"livemove": livemove.__version__}
    found |= {name: _installed(package) for name, package in PACKAGES.items()}
    found["Terraform"] = _terraform() or known.get("Terraform")
    for side, name in ((Side.SOURCE, "source database"), (Side.TARGET, "target database")):
        found[name] = _server(world, side) or known.get(name)
    if found != known:
        kept = Versions(programs=found)
        world.ledger.save(kept)
    return kept


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _terraform() -> str | None:
    try:
        done = subprocess.run([program(), "version", "-json"], capture_output=True, timeout=20, check=True)
        return str(json.loads(done.stdout)["terraform_version"])
    except (LivemoveError, OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None


def _server(world: ServiceContext, side: Side) -> str | None:
    try:
        if side is Side.TARGET and not target_exists(world):
            return None
        with world.database(side) as db:
            said = db.one("SELECT VERSION() AS version, @@version_comment AS comment")
        return f"{said['version']} ({said['comment']})"
    except LivemoveError:
        return None
