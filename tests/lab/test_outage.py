"""The data centre's machine dies: everything on it and what its logins started, and nothing else."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from lab.addresses import here
from lab.idc.outage import kill_host
from lab.processes import Registry, start_time

CHILD = (
    "import subprocess, sys, time; c = subprocess.Popen([sys.executable, '-c', 'import time;"
    " time.sleep(60)'], start_new_session=True); open(sys.argv[1], 'w').write(str(c.pid)); time.sleep(60)"
)


def test_the_host_dies_with_the_sessions_of_its_children_and_the_cloud_lives(
    lab: Registry, state: Path
) -> None:
    state.mkdir()
    note = state / "child"
    lab.start(
        "idc-sshd",
        [sys.executable, "-c", CHILD, str(note)],
        ready=lambda: note.exists() and bool(note.read_text()),
        address=here().idc,
    )
    lab.start("ec2", [sys.executable, "-c", "import time; time.sleep(60)"], address=here().ec2(0))
    child = int(note.read_text())
    assert start_time(child)
    assert kill_host(lab) == ["idc-sshd"]
    sshd = lab.find("idc-sshd")
    assert sshd
    assert not sshd.alive()
    while start_time(child):
        time.sleep(0.02)
    ec2 = lab.find("ec2")
    assert ec2
    assert ec2.alive()
