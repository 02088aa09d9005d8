"""The Terraform runner on a real state in S3: exactly the plan that was shown, and never a lost state."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from livemove.model.errors import InfraError, StaleApprovalError
from livemove.provisioning.adapters.terraform import Terraform
from tests.conftest import Endpoint
from tests.lab_cloud.waiting import until
from tests.raising import raises
from tests.terraform.setting import SECRETS, need_terraform, terraform_on

SMALL = Path(__file__).parents[1] / "terraform" / "small"

pytestmark = pytest.mark.servers


@pytest.fixture
def terraform(aws_endpoint: Endpoint, request: pytest.FixtureRequest) -> Iterator[Terraform]:
    need_terraform()
    service = "tf" + str(abs(hash(request.node.name)) % 10**9)
    return terraform_on(aws_endpoint, service, SMALL)


def test_the_plan_that_was_shown_is_applied_and_a_second_one_has_nothing_to_do(terraform: Terraform) -> None:
    plan = terraform.plan({"greeting": "hello"})
    assert plan.changes == (("create", "terraform_data.first"),)
    terraform.apply(plan.digest)
    assert terraform.plan({"greeting": "hello"}).changes == ()
    assert terraform.outputs() == {"greeting": "hello"}


def test_no_secret_is_kept_in_plan_or_state(terraform: Terraform) -> None:
    terraform.apply(terraform.plan({"greeting": "hello"}).digest)
    listed = terraform.s3.list_objects_v2(Bucket=terraform.bucket)["Contents"]
    assert {o["Key"].split("/")[1] for o in listed} == {"plans", "terraform.tfstate"}
    for o in listed:
        content = terraform.s3.get_object(Bucket=terraform.bucket, Key=o["Key"])["Body"].read()
        assert not any(secret.encode() in content for secret in SECRETS.values())


def test_a_plan_that_another_apply_overtook_is_refused(terraform: Terraform) -> None:
    old = terraform.plan({"greeting": "first"})
    terraform.apply(terraform.plan({"greeting": "second"}).digest)
    with pytest.raises(StaleApprovalError, match="stale"):
        terraform.apply(old.digest)
    assert terraform.outputs() == {"greeting": "second"}


def test_a_plan_that_is_gone_is_refused(terraform: Terraform) -> None:
    plan = terraform.plan({"greeting": "hello"})
    terraform.s3.delete_object(Bucket=terraform.bucket, Key=terraform._plan_key(plan.digest))
    with raises(StaleApprovalError, plan.digest[:12]):
        terraform.apply(plan.digest)


def test_a_plan_that_somebody_changed_is_refused(terraform: Terraform) -> None:
    shown, other = terraform.plan({"greeting": "hello"}), terraform.plan({"greeting": "evil"})
    source = {"Bucket": terraform.bucket, "Key": terraform._plan_key(other.digest)}
    terraform.s3.copy_object(
        Bucket=terraform.bucket, Key=terraform._plan_key(shown.digest), CopySource=source
    )
    with raises(StaleApprovalError, shown.digest[:12]):
        terraform.apply(shown.digest)


def test_a_failure_is_told_in_terraforms_words(
    terraform: Terraform, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    plan = terraform.plan({"greeting": "refuse me"})
    with raises(InfraError, "exit status 7"):
        terraform.apply(plan.digest)
    assert "terraform_data.first: Creation complete" in caplog.text
    assert not any(secret in caplog.text for secret in SECRETS.values())


def test_cancel_saves_the_state_and_unlocks_it(terraform: Terraform) -> None:
    plan = terraform.plan({"greeting": "hello", "seconds": 60})
    failed: list[Exception] = []

    def apply() -> None:
        try:
            terraform.apply(plan.digest)
        except InfraError as e:
            failed.append(e)

    thread = threading.Thread(target=apply)
    thread.start()
    until(lambda: _locked(terraform), "the lock of the apply")
    time.sleep(1)
    terraform.cancel()
    thread.join(30)
    assert failed
    assert _locked(terraform) is None
    assert terraform.plan({"greeting": "hello"}).changes


def test_terraform_finishes_when_its_worker_is_killed(terraform: Terraform, aws_endpoint: Endpoint) -> None:
    plan = terraform.plan({"greeting": "survivor", "seconds": 3})
    program = (
        "from pathlib import Path\n"
        "from tests.conftest import Endpoint\n"
        "from tests.terraform.setting import terraform_on\n"
        f"endpoint = Endpoint({aws_endpoint.url!r}, Path({str(aws_endpoint.state)!r}))\n"
        f"terraform_on(endpoint, {terraform.service!r}, Path({str(SMALL)!r})).apply({plan.digest!r})\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    worker = subprocess.Popen([sys.executable, "-c", program], env=environment, cwd=SMALL.parents[2])
    until(lambda: _locked(terraform), "the lock of the apply")
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    until(lambda: None if _locked(terraform) else True, "the end of the orphan")
    assert terraform.outputs() == {"greeting": "survivor"}


def test_a_lock_that_stayed_behind_is_named_with_its_way_out(
    terraform: Terraform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livemove.provisioning.adapters.terraform.LOCK_TIMEOUT", "0s")
    terraform.plan({"greeting": "hello"})
    lock = {"ID": "11111111-2222-3333-4444-555555555555", "Who": "somebody@worker-7", "Operation": "apply"}
    terraform.s3.put_object(Bucket=terraform.bucket, Key=_lock_key(terraform), Body=json.dumps(lock))
    with raises(InfraError, "11111111-2222", "somebody@worker-7", "force-unlock"):
        terraform.plan({"greeting": "hello"})


def _lock_key(terraform: Terraform) -> str:
    return f"{terraform.service}/terraform.tfstate.tflock"


def _locked(terraform: Terraform) -> bool | None:
    listed = terraform.s3.list_objects_v2(Bucket=terraform.bucket, Prefix=_lock_key(terraform))
    return True if listed["KeyCount"] else None
