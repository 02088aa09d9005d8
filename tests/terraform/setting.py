"""Terraform on the lab's endpoint: where the program and its providers are, and what may be missing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from livemove.model.errors import SetupError
from livemove.provisioning.adapters.terraform import Terraform, program
from tests.conftest import Endpoint

SECRETS = {"TF_VAR_database_password": "master-secret-1", "TF_VAR_application_password": "app-secret-2"}


def need_terraform() -> str:
    """The program; without it the test is skipped, in CI it fails."""
    try:
        return program()
    except SetupError as e:
        return _missing(str(e))


def need_provider() -> None:
    """A CLI configuration that setup wrote: without a mirror or the registry there is no AWS provider."""
    if not (Path(sys.prefix) / "terraform.rc").exists():
        _missing("the AWS provider is not at hand: run `make setup`")


def _missing(why: str) -> str:
    if os.environ.get("CI"):
        pytest.fail(f"CI must not skip this: {why}")
    pytest.skip(why)


def terraform_on(
    endpoint: Endpoint,
    service: str,
    configuration: Path | None = None,
    secrets: Mapping[str, str] = SECRETS,
    key: str = "test",
) -> Terraform:
    environment = {
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_REGION": "ap-northeast-2",
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    return Terraform(
        bucket=f"{service}-livemove",
        service=service,
        region="ap-northeast-2",
        s3=endpoint.client("s3", key),
        environment=environment,
        secrets=lambda: secrets,
        configuration=configuration,
    )


def copy_of(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target, ignore=shutil.ignore_patterns(".terraform*")))
