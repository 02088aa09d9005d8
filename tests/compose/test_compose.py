"""The compose file and the Dockerfile: complete, safe by default, and usable without a registry."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.addresses import root

COMPOSE = root() / "docker-compose.yaml"
DOCKERFILE = (root() / "Dockerfile").read_text()
RUNNING = {"airflow-apiserver", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer", "postgres"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text())["services"])


def test_every_lasting_service_tells_its_health_and_starts_again(services: dict[str, Any]) -> None:
    lasting = {n for n, s in services.items() if "profiles" not in s and s.get("restart") != "no"}
    assert lasting == RUNNING
    assert all("healthcheck" in services[name] for name in lasting)


def test_components_wait_for_the_migrated_database(services: dict[str, Any]) -> None:
    for name in RUNNING - {"postgres"}:
        assert services[name]["depends_on"] == {
            "airflow-init": {"condition": "service_completed_successfully"}
        }
    assert services["airflow-init"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


def test_code_is_mounted_read_only(services: dict[str, Any]) -> None:
    mounts = services["airflow-scheduler"]["volumes"]
    for folder in ("dags", "plugins", "include"):
        assert f"./{folder}:/opt/airflow/{folder}:ro" in mounts


def test_only_the_ui_is_published_and_only_on_loopback(services: dict[str, Any]) -> None:
    published = {name: s["ports"] for name, s in services.items() if "ports" in s}
    assert published == {"airflow-apiserver": ["${AIRFLOW_BIND:-127.0.0.1}:${AIRFLOW_PORT:-8080}:8080"]}


def test_no_signing_secret_stands_in_the_file(services: dict[str, Any]) -> None:
    environment = services["airflow-scheduler"]["environment"]
    for key in ("CORE__FERNET_KEY", "API_AUTH__JWT_SECRET", "API__SECRET_KEY"):
        assert f"AIRFLOW__{key}" not in environment
        assert environment[f"AIRFLOW__{key}_CMD"].startswith("cat /opt/airflow/secrets/")


def test_gates_are_guarded_against_the_race_of_early_answers(services: dict[str, Any]) -> None:
    assert services["airflow-scheduler"]["environment"]["AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL"] == "1"


def test_named_volumes_are_declared(services: dict[str, Any]) -> None:
    declared = set(yaml.safe_load(COMPOSE.read_text())["volumes"])
    sources = {m.split(":/")[0] for s in services.values() for m in s.get("volumes", [])}
    named = {re.sub(r"\$\{\w+:-(.+)\}", r"\1", s) for s in sources if not s.startswith((".", "/"))}
    assert named == declared


def test_build_targets_and_copied_paths_exist(services: dict[str, Any]) -> None:
    targets = {s["build"]["target"] for s in services.values() if "build" in s}
    assert targets <= set(re.findall(r"^FROM .* AS (\w+)$", DOCKERFILE, re.MULTILINE))
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )*(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert len(copied) >= 6
    for path in (p for line in copied for p in line.split()):
        assert (root() / path).exists(), path


@pytest.mark.parametrize("word", ["# syntax=", "@sha256:", "pull_policy"])
def test_nothing_asks_a_registry_beyond_the_images_named(word: str) -> None:
    assert word not in DOCKERFILE + COMPOSE.read_text()


def test_what_the_lab_makes_never_enters_an_image() -> None:
    ignored = set((root() / ".dockerignore").read_text().split())
    assert {".lab", ".venv", ".git", "rehearsals", ".env", "**/*.tfstate*"} <= ignored


def test_the_real_parser_accepts_the_file_with_every_profile(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    if (
        not docker
        or subprocess.run([docker, "compose", "version"], capture_output=True, timeout=30).returncode
    ):
        pytest.skip("docker compose is not installed here; its parser is tried where it is")
    command = [docker, "compose", "-f", str(COMPOSE), "--profile", "*", "config", "-q"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
