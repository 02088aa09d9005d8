"""Starting and ending the users as a process of the lab."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from lab.addresses import NAME, here, root
from lab.ca import certificate
from lab.processes import Process, Registry
from lab.traffic.record import SECONDS
from lab.traffic.users import Plan

PROCESS = "traffic"


def folder(registry: Registry) -> Path:
    return registry.state / "traffic"


def plan(
    into: Path,
    *,
    name: str = NAME,
    resolvers: Sequence[str] = (),
    ca: Path | None = None,
    port: int | None = None,
    rate: float = 40,
    seconds: float = 3600,
    users: int = 12,
) -> Plan:
    """The lab's own name, resolvers and CA unless told otherwise."""
    a = here()
    return Plan(
        name,
        port or a.https,
        ca or certificate().ca,
        tuple(resolvers) or tuple(f"{ip}@{a.dns}" for ip in a.resolvers),
        into,
        rate,
        seconds,
        users,
    )


def start(registry: Registry, load: Plan) -> Process:
    """Start the users; ready when the first second is written. An earlier record is moved away first."""
    running = registry.find(PROCESS)
    if running and running.alive():
        return running
    if load.folder.exists():
        shutil.move(load.folder, load.folder.with_name(f"{load.folder.name}-before-{time.time_ns()}"))
    argv = [
        sys.executable,
        "-m",
        "lab.traffic",
        "run",
        "--name",
        load.name,
        "--port",
        str(load.port),
        "--ca",
        str(load.ca),
        "--folder",
        str(load.folder),
        "--rate",
        str(load.rate),
        "--seconds",
        str(load.seconds),
        "--users",
        str(load.users),
    ]
    for resolver in load.resolvers:
        argv += ["--resolver", resolver]
    seconds = load.folder / SECONDS
    return registry.start(
        PROCESS,
        argv,
        ready=lambda: seconds.exists() and seconds.stat().st_size > 0,
        cwd=root(),
        env={**os.environ, "PYTHONPATH": str(root())},
        data=str(load.folder),
    )


def stop(registry: Registry) -> None:
    """No new requests; those under way end first. Nothing to do when no users are there."""
    registry.stop(PROCESS, grace=40)
