"""Before anything starts: ports, disk and programs, with answers that name what was found."""

from __future__ import annotations

import os
import shutil
import socket
from collections import namedtuple
from pathlib import Path

import pytest

from lab import checks
from lab.addresses import Addresses, here
from lab.processes import LabError
from tests.raising import raises


def listener(address: str, port: int) -> socket.socket:
    s = socket.socket()
    s.bind((address, port))
    s.listen()
    return s


def test_taken_port_is_refused_with_its_holder(state: Path) -> None:
    a = here()
    with listener(a.aws, a.aws_port), pytest.raises(LabError) as refused:
        checks.settle_ports(a)
    assert f"{a.aws}:{a.aws_port}" in str(refused.value)
    assert f"(pid {os.getpid()})" in str(refused.value)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user has high ports from the start")
def test_a_taken_low_port_lifts_the_low_ports(state: Path) -> None:
    a = here()
    with listener(a.idc, 22):
        settled = checks.settle_ports(a)
    assert (settled.ssh, settled.https, settled.dns) == (10022, 10443, 10053)
    assert settled.mariadb_port == 3306
    assert checks.settle_ports(a).ssh == 22


def test_high_ports_that_are_taken_are_refused_too(state: Path) -> None:
    a = Addresses(here().octet, False)
    with listener(a.idc, a.https), raises(LabError, "10443"):
        checks.settle_ports(a)


def test_full_disk_is_refused_with_what_is_free(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**11, 10**11 - 2 * 10**9, 2 * 10**9))
    with raises(LabError, "1.9 GB", "5 GB"):
        checks.check_disk(state)


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda name, path=None: None if name == "knotc" else real(name, path=path)
    )
    with raises(LabError, "knotc", "apt-get install knot"):
        checks.check_programs()
