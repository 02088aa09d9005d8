"""The files under include/terraform: formatted, valid, described, and free of anything but the service."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from livemove.model.spec import project_root
from tests.terraform.setting import copy_of, need_provider, need_terraform

ROOT = project_root() / "include" / "terraform"
MODULES = [ROOT, *sorted((ROOT / "modules").iterdir())]


def test_terraform_fmt_has_nothing_to_say() -> None:
    done = subprocess.run(
        [need_terraform(), "fmt", "-check", "-recursive", "-diff", str(ROOT)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_terraform_validate_has_nothing_to_say(tmp_path: Path) -> None:
    program = need_terraform()
    need_provider()
    folder = copy_of(ROOT, tmp_path / "root")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "CHECKPOINT_DISABLE": "1"}
    environment["TF_CLI_CONFIG_FILE"] = str(Path(sys.prefix) / "terraform.rc")
    for words in (["init", "-backend=false", "-input=false"], ["validate"]):
        done = subprocess.run(
            [program, *words, "-no-color"], cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.name)
def test_every_variable_and_output_says_what_it_is(module: Path) -> None:
    for name, kinds in (("variables.tf", ("description", "type")), ("outputs.tf", ("description",))):
        for block in re.findall(
            r'^(?:variable|output) "\w+" \{.*?^\}', (module / name).read_text(), re.S | re.M
        ):
            missing = [k for k in kinds if not re.search(rf"^  {k} +=|^  {k} =", block, re.M)]
            assert not missing, f"{module.name}/{name}: {block.splitlines()[0]} lacks {missing}"


def test_nothing_in_them_knows_a_rehearsal() -> None:
    text = "\n".join(p.read_text() for p in ROOT.rglob("*.tf"))
    for word in (
        "endpoints {",
        "skip_credentials",
        "skip_requesting",
        "s3_use_path_style",
        "localhost",
        "127.0",
    ):
        assert not re.search(rf"^[^#]*{re.escape(word)}", text, re.M), word
