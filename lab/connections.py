"""The Airflow connections of the lab, as environment variables for whoever starts Airflow or the CLI."""

from __future__ import annotations

import json
from typing import Any

from lab import specs
from lab.addresses import REGION, here, state_dir
from lab.ca import certificate, write_private
from lab.dns import authority
from lab.idc import ssh
from lab.idc.database import ADMIN
from lab.secrets_file import read

MASTER_USER = "admin"
"""Name of the RDS master user, as the AWS console proposes it."""


def connections(service: str) -> dict[str, dict[str, Any]]:
    """Connection id -> fields of the connections that the lab's spec names."""
    a, secret = here(), read()
    trust = {"ssl": {"ca": str(certificate().ca)}}
    made: dict[str, dict[str, Any]] = {
        f"{service}_aws": {
            "conn_type": "aws",
            "login": secret["aws_key"],
            "password": secret["aws_secret"],
            "extra": {"region_name": REGION, "endpoint_url": a.endpoint_url},
        },
        f"{service}_source": {
            "conn_type": "mysql",
            "host": a.idc,
            "port": a.mariadb_port,
            "login": ADMIN,
            "password": secret[ADMIN],
            "extra": trust,
        },
        f"{service}_target": {
            "conn_type": "mysql",
            "login": MASTER_USER,
            "password": secret["master"],
            "extra": trust,
        },
        f"{service}_app": {"conn_type": "mysql", "login": f"{service}_app", "password": secret["app"]},
        f"{service}_idc_ssh": idc_login(),
    }
    return made | _update_key(service)


def idc_login() -> dict[str, Any]:
    """The connection to the data centre's sshd, with its keys."""
    a, keys = here(), ssh.keys()
    return {
        "conn_type": "ssh",
        "host": a.idc,
        "port": a.ssh,
        "login": ssh.user(),
        "extra": {
            "private_key": keys.private.read_text(),
            "no_host_key_check": False,
            "host_key": keys.host_public,
            "conn_timeout": 10,
        },
    }


def _update_key(service: str) -> dict[str, dict[str, Any]]:
    if not authority.key_file().exists():
        return {}
    key: dict[str, Any] = {
        "conn_type": "generic",
        "login": authority.KEY,
        "password": authority.key_file().read_text(),
    }
    return {f"{service}_tsig": key | {"extra": {"algorithm": "hmac-sha256"}}}


def environment(service: str) -> dict[str, str]:
    """AIRFLOW_CONN_* as JSON, the lab's CA, and LIVEMOVE_MIGRATIONS, the folder of the lab's specs."""
    made = {f"AIRFLOW_CONN_{k.upper()}": json.dumps(v) for k, v in connections(service).items()}
    made["LIVEMOVE_CA_FILE"] = str(certificate().ca)
    if specs.folder().is_dir():
        made["LIVEMOVE_MIGRATIONS"] = str(specs.folder())
    return made


def write(service: str) -> None:
    """<state>/airflow.env (0600): KEY=value lines without quotes, as docker's env files have them."""
    lines = "".join(f"{k}={v}\n" for k, v in environment(service).items())
    write_private(state_dir() / "airflow.env", lines.encode())
