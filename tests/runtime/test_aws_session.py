"""As whom AWS is asked: what Airflow's Amazon connection says, against moto's server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from livemove.model.errors import RefusedError, SetupError
from livemove.model.spec import load_spec, project_root
from livemove.provisioning.adapters.terraform import Terraform
from livemove.runtime.service_context import ServiceContext
from tests.raising import raises

ROLE = "arn:aws:iam::123456789012:role/mover"
Connect = Callable[..., ServiceContext]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def connect(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Connect:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    spec = load_spec(project_root() / "include" / "migrations" / "shop.yaml")

    def made(login: str = "", password: str = "", **extra: Any) -> ServiceContext:
        connection = {
            "conn_type": "aws",
            "login": login,
            "password": password,
            "extra": {"endpoint_url": endpoint, **extra},
        }
        monkeypatch.setenv(f"AIRFLOW_CONN_{spec.aws.connection.upper()}", json.dumps(connection))
        return ServiceContext(spec)

    return made


def who(world: ServiceContext) -> str:
    return str(world.aws("sts").get_caller_identity()["Arn"])


def test_keys_of_a_user(connect: Connect) -> None:
    world = connect("AKIAUSER", "secret")
    assert ":role/" not in who(world)
    environment = world.aws_environment()
    assert (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]) == ("AKIAUSER", "secret")
    assert "AWS_SESSION_TOKEN" not in environment


def test_a_role_is_assumed_by_us_and_by_terraform(connect: Connect, endpoint: str) -> None:
    sts = {"sts": {"endpoint_url": endpoint}}
    world = connect("AKIAUSER", "secret", role_arn=ROLE, service_config=sts)
    assert ":assumed-role/mover/" in who(world)
    environment = Terraform.of(world)._environment
    assert environment["AWS_ACCESS_KEY_ID"] != "AKIAUSER"
    assert environment["AWS_SESSION_TOKEN"]
    assert environment["AWS_ENDPOINT_URL"] == endpoint


def test_a_role_is_asked_for_once_for_all_clients(connect: Connect, endpoint: str) -> None:
    sts = {"sts": {"endpoint_url": endpoint}}
    world = connect("AKIAUSER", "secret", role_arn=ROLE, service_config=sts)
    keys = {world.aws(s)._request_signer._credentials.access_key for s in ("s3", "dms", "rds")}
    assert keys == {world.aws_environment()["AWS_ACCESS_KEY_ID"]}


def test_keys_with_a_session_token(connect: Connect) -> None:
    world = connect("ASIATEMP", "secret", aws_session_token="token")
    assert world.aws("s3")._request_signer._credentials.token == "token"
    assert world.aws_environment()["AWS_SESSION_TOKEN"] == "token"


def test_a_profile_of_the_worker(connect: Connect, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        "[night]\naws_access_key_id = AKIANIGHT\naws_secret_access_key = s\n"
    )
    assert connect(profile_name="night").aws_environment()["AWS_ACCESS_KEY_ID"] == "AKIANIGHT"


def test_a_connection_that_leads_to_nobody_is_named_without_its_words(connect: Connect) -> None:
    world = connect("AKIAUSER", "s3cret", profile_name="nowhere")
    for ask in (lambda: world.aws("s3"), world.aws_environment):
        with raises(SetupError, "ProfileNotFound") as e:
            ask()
        assert world.spec.aws.connection in e.value.found
        assert "s3cret" not in str(e.value)


def test_a_role_that_may_not_be_assumed_says_so(connect: Connect) -> None:
    sts = {"sts": {"endpoint_url": "http://127.0.0.1:9"}}
    world = connect("AKIAUSER", "s3cret", role_arn=ROLE, service_config=sts)
    with raises(SetupError, "EndpointConnectionError"):
        world.aws_environment()


def test_a_way_to_a_role_that_the_provider_does_not_know_is_named(connect: Connect, endpoint: str) -> None:
    sts = {"sts": {"endpoint_url": endpoint}}
    world = connect("AKIAUSER", "s", role_arn=ROLE, service_config=sts, assume_role_method="by_magic")
    with raises(SetupError, world.spec.aws.connection):
        world.aws("s3")


def test_without_any_word_programs_find_the_workers_own_role(connect: Connect, endpoint: str) -> None:
    assert connect().aws_environment() == {
        "AWS_REGION": "ap-northeast-2",
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        "AWS_ENDPOINT_URL": endpoint,
    }


def test_a_rehearsal_never_asks_the_real_sts_for_a_role(connect: Connect) -> None:
    world = connect("AKIAUSER", "secret", role_arn=ROLE)
    with raises(RefusedError, "real AWS") as e:
        world.aws("s3")
    assert "service_config" in str(e.value)
    with pytest.raises(RefusedError):
        world.aws_environment()


def test_a_missing_connection_is_no_way_to_the_workers_role(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load_spec(project_root() / "include" / "migrations" / "shop.yaml")
    monkeypatch.delenv(f"AIRFLOW_CONN_{spec.aws.connection.upper()}", raising=False)
    with raises(SetupError, spec.aws.connection):
        ServiceContext(spec).aws("s3")
