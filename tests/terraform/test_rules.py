"""`terraform test`: the rules in include/terraform/tests hold, on mocked providers, without any AWS.

They are red when the rule is broken: tried here with the one that closed the web servers out.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from livemove.model.spec import project_root
from livemove.model.time_zones import RDS_ZONES
from tests.terraform.setting import copy_of, need_provider, need_terraform

ROOT = project_root() / "include" / "terraform"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need_provider()
    made = copy_of(ROOT, tmp_path_factory.mktemp("rules") / "root")
    done = terraform(made, "init", "-backend=false", "-input=false")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def terraform(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": str(Path(sys.prefix) / "terraform.rc"),
    }
    command = [need_terraform(), *words, "-no-color"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


def test_every_rule_holds(folder: Path) -> None:
    done = terraform(folder, "test")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 failed" in done.stdout


def test_a_broken_rule_is_red(folder: Path) -> None:
    network = folder / "modules" / "network" / "main.tf"
    text = network.read_text(encoding="utf-8")
    assert text.count("cidr_ipv4         = aws_vpc.this.cidr_block") == 1
    network.write_text(
        text.replace(
            "cidr_ipv4         = aws_vpc.this.cidr_block",
            "referenced_security_group_id = aws_security_group.replication.id",
        )
    )
    try:
        done = terraform(folder, "test", "-filter=tests/network.tftest.hcl")
    finally:
        network.write_text(text)
    assert done.returncode == 1
    assert "so its group must admit the" in done.stderr


def test_the_zones_are_those_that_the_product_knows() -> None:
    names = (ROOT / "time_zones.txt").read_text(encoding="utf-8").split()
    assert set(names) == RDS_ZONES
    assert len(names) == len(set(names))
