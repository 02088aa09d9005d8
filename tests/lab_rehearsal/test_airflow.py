"""What the Airflow of a rehearsal is started with, before anything is started."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from lab.addresses import Addresses
from lab.rehearsal import airflow
from lab.rehearsal.airflow import Airflow, PortTakenError, check_port
from tests.raising import raises


@pytest.fixture
def standing(tmp_path: Path) -> Airflow:
    return Airflow(tmp_path, Addresses(99, True), 18123)


def test_a_taken_port_is_refused_by_name_with_a_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with raises(PortTakenError, port, "LIVEMOVE_AIRFLOW_PORT="):
            check_port(port)


def test_nothing_of_the_callers_airflow_and_aws_gets_in(
    standing: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AIRFLOW_HOME",
        "AIRFLOW__CORE__EXECUTOR",
        "AIRFLOW_CONN_SHOP_AWS",
        "TF_VAR_service",
        "PYTHONPATH",
    ):
        monkeypatch.setenv(name, "the caller's")
    assert "the caller's" not in standing.environment().values()


def test_port_stands_in_all_three_settings_that_must_agree(standing: Airflow) -> None:
    e = standing.environment()
    assert e["AIRFLOW__API__PORT"] == "18123"
    assert e["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:18123"
    assert e["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == "http://127.0.0.1:18123/execution/"
    assert e["AIRFLOW__API__HOST"] == "127.0.0.1"


def test_connections_of_the_lab_arrive_whole(standing: Airflow) -> None:
    text = '{"conn_type": "ssh", "extra": {"private_key": "a==\\nb="}}'
    (standing.state / "airflow.env").write_text(f"AIRFLOW_CONN_SHOP_IDC_SSH={text}\nLIVEMOVE_MIGRATIONS=/x\n")
    e = standing.environment()
    assert (e["AIRFLOW_CONN_SHOP_IDC_SSH"], e["LIVEMOVE_MIGRATIONS"]) == (text, "/x")


def test_secrets_are_generated_once_and_readable_by_their_owner_only(standing: Airflow) -> None:
    first = standing.environment()
    assert standing.environment()["AIRFLOW__API_AUTH__JWT_SECRET"] == first["AIRFLOW__API_AUTH__JWT_SECRET"]
    modes = {p.name: oct(p.stat().st_mode & 0o777) for p in standing.home.glob("*.json")}
    assert modes == {"secrets.json": "0o600", "passwords.json": "0o600"}


def test_a_proxy_is_kept_for_terraform_and_never_used_for_the_lab(
    standing: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    e = standing.environment()
    assert e["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert {"127.0.0.1", "127.99.2.1", "127.99.3.10"} <= set(e["NO_PROXY"].split(","))


def test_a_component_that_dies_is_told_with_the_end_of_its_log(standing: Airflow) -> None:
    standing.registry.start("airflow-scheduler", ["sh", "-c", "echo the reason; exit 3"], ready=lambda: True)
    with raises(airflow.LabError, "airflow-scheduler", "the reason"):
        standing._wait(lambda: False, "something happens", timeout=20)
