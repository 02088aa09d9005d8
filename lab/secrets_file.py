"""The lab's generated passwords and keys: made once per lab, in one file that only its owner can read."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path

from lab.addresses import state_dir
from lab.processes import LabError

NAMES = {
    "root": "root of the IDC database, used by the lab only",
    "livemove_admin": "livemove's own account on the IDC database",
    "app": "the application account (shop_app, in DUMP mode dump_app)",
    "master": "master user of RDS",
    "rdsadmin": "superuser of the lab's RDS servers, as Amazon has one",
    "aws_secret": "secret key of the lab's AWS endpoint, of the worker (aws_key) and the owner (owner_key)",
}


def path() -> Path:
    return state_dir() / "secrets.json"


def access_key() -> str:
    """A new one, of the form that AWS gives them."""
    return "AKIA" + secrets.token_hex(8).upper()


def create() -> dict[str, str]:
    """Make the file (mode 0600) unless it is there; its content."""
    if not path().exists():
        path().parent.mkdir(parents=True, exist_ok=True)
        content = {name: secrets.token_hex(16) for name in NAMES}
        for name in ("aws_key", "owner_key"):
            content[name] = access_key()
        with os.fdopen(os.open(path(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            json.dump(content, f, indent=1)
    return read()


def read() -> dict[str, str]:
    """All secrets by name; LabError when no lab stands."""
    try:
        content: dict[str, str] = json.loads(path().read_text())
    except FileNotFoundError:
        raise LabError(f"{path()} is not there: no lab stands. Next: python -m lab up") from None
    return content
