"""What stands in the lab: every host with address, ports, pid, data directory and how to log in."""

from __future__ import annotations

import json
from typing import Any

from lab.addresses import here, settings_file, state_dir
from lab.processes import Process, Registry


def settings() -> dict[str, Any]:
    """What `up` settled: octet, low_ports, service, zone, dump, complete; empty when no lab is here."""
    try:
        found: dict[str, Any] = json.loads(settings_file().read_text())
    except (OSError, ValueError):
        found = {}
    return found


def read() -> dict[str, Any]:
    a, settled = here(), settings()
    processes = Registry(state_dir()).all()
    return {
        "standing": bool(settled.get("complete")) and bool(processes) and all(p.alive() for p in processes),
        "octet": a.octet,
        "low_ports": a.low_ports,
        "state": str(state_dir()),
        "service": settled.get("service"),
        "zone": settled.get("zone"),
        "name": settled.get("name"),
        "dump": settled.get("dump"),
        "schemas": settled.get("schemas"),
        "rows": settled.get("rows"),
        "notes": settled.get("notes", []),
        "url": settled.get("url"),
        "endpoint_url": a.endpoint_url,
        "ca": str(state_dir() / "ca" / "ca.pem"),
        "secrets": str(state_dir() / "secrets.json"),
        "connections": str(state_dir() / "airflow.env"),
        "migrations": str(state_dir() / "migrations") if (state_dir() / "migrations").is_dir() else None,
        "hosts": [_host(p) for p in processes],
    }


def write() -> None:
    """<state>/lab.json: the world as it was when `up` was done."""
    (state_dir() / "lab.json").write_text(as_json(read()))


def as_json(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=1, ensure_ascii=False)


def as_text(found: dict[str, Any]) -> str:
    if not found["hosts"]:
        return f"No lab stands in {found['state']}. Next: python -m lab up"
    lines = [f"{found['name']} on 127.{found['octet']}.*.*, state in {found['state']}"]
    for host in found["hosts"]:
        ports = ", ".join(f"{kind} {port}" for kind, port in host["ports"].items())
        state = f"pid {host['pid']}" if host["alive"] else "DEAD"
        lines.append(f"  {host['name']:<22} {host['address']:<15} {ports:<14} {state:<12} {host['login']}")
    dead = [h["name"] for h in found["hosts"] if not h["alive"]]
    if dead:
        lines.append(f"Dead: {', '.join(dead)}. Next: python -m lab logs <name>; python -m lab down")
    return "\n".join(lines)


def _host(p: Process) -> dict[str, Any]:
    login = p.login
    if not login and "https" in p.ports:
        ca = state_dir() / "ca" / "ca.pem"
        login = f"curl --cacert {ca} https://{p.address}:{p.ports['https']}/healthz"
    return {
        "name": p.name,
        "address": p.address,
        "ports": p.ports,
        "pid": p.pid,
        "alive": p.alive(),
        "data": p.data,
        "login": login,
        "log": p.log,
    }
