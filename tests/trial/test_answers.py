"""Recorded answers, of the lab as long as there are none of AWS: their shapes, and our code before them."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from lab.cloud import contract
from livemove.model.ledger import Outputs
from livemove.model.ports import TaskState
from livemove.model.spec import Side, project_root
from livemove.replication.adapters.dms import DmsReplicator
from livemove.replication.dms_rules import load_is_over, rests_at_second_stop, trial_links
from livemove.trial.adapters.scratch import SCHEMA
from livemove.trial.recording import answers
from tests.doubles.memory import HandClock

FOLDER = Path(__file__).parent / "answers"
FILES = sorted(FOLDER.glob("*.jsonl"))
SERVICE = "shop"
SETTINGS = (project_root() / "include" / "dms" / "task-settings.json").read_text()


@cache
def model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_every_call_and_every_answer_has_the_shape_of_aws_model(file: Path) -> None:
    found = []
    for call in answers(file.read_text().splitlines()):
        operation = model(call["service"]).operation_model(call["operation"])
        wrong = ParamValidator().validate(call["parameters"], operation.input_shape)
        found += [wrong.generate_report()] if wrong.has_errors() else []
        if call["status"] < 300:
            found += [f"{call['operation']}{w}" for w in contract.off(operation.output_shape, call["answer"])]
    assert sorted(set(found)) == []


class Played:
    """A client that gives the recorded answers of each question in their order, the last one for ever."""

    def __init__(self, calls: list[dict[str, Any]], service: str) -> None:
        self._left: dict[str, deque[Any]] = defaultdict(deque)
        self.asked: list[str] = []
        for call in calls:
            if call["service"] == service:
                self._left[_question(call["operation"], call["parameters"])].append(call)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        operation = "".join(part.capitalize() for part in name.split("_"))
        return lambda **parameters: self._answer(operation, parameters)

    def get_paginator(self, name: str) -> Any:
        client = self

        class Pages:
            def paginate(self, PaginationConfig: Any = None, **parameters: Any) -> Iterator[Any]:
                yield getattr(client, name)(**parameters)

        return Pages()

    def _answer(self, operation: str, parameters: dict[str, Any]) -> Any:
        self.asked.append(operation)
        waiting = self._left[_question(operation, parameters)]
        assert waiting, f"{operation} was never asked with {parameters}"
        call = waiting.popleft() if len(waiting) > 1 else waiting[0]
        if "Error" in call["answer"]:
            raise ClientError(call["answer"], operation)
        return call["answer"]


def _question(operation: str, parameters: dict[str, Any]) -> str:
    """What tells one question from another; page sizes and what was masked do not."""
    loose = (
        "MaxRecords",
        "Marker",
        "SecretString",
        "ClientRequestToken",
        "ReplicationTaskSettings",
        "CertificateIdentifier",
        "CertificatePem",
        "StartTime",
        "EndTime",
    )
    kept = {k: v for k, v in parameters.items() if k not in loose}
    return f"{operation} {json.dumps(kept, sort_keys=True, default=str)}"


@pytest.mark.parametrize("file", [f for f in FILES if f.stem.endswith("replication")], ids=lambda f: f.stem)
def test_our_code_goes_its_way_by_the_answers_of_dms(file: Path) -> None:
    """Made, loaded, stopped twice, followed, stopped, resumed, deleted; then the way back."""
    calls = answers(file.read_text().splitlines())
    instance, role = (_first(calls, k) for k in ("ReplicationInstanceArn", "SecretsManagerAccessRoleArn"))
    dms = Played(calls, "dms")
    replicator = DmsReplicator(
        dms,
        Played(calls, "secretsmanager"),
        service=SERVICE,
        schemas=(SCHEMA,),
        settings=lambda: SETTINGS,
        outputs=lambda: Outputs(replication_instance_arn=instance, dms_secrets_role_arn=role),
        clock=HandClock(),
        watermarks=False,
        trust=lambda side: Recorded(calls, side),  # type: ignore[arg-type,return-value]
    )
    there, back = trial_links(SERVICE)
    login = {"username": "u", "password": "p", "host": "h", "port": 3306}
    assert replicator.status(there).state is TaskState.ABSENT
    replicator.prepare(there, full_load=True, reader=login, applier=login)
    replicator.start(there)
    while not load_is_over(there, replicator.status(there), replicator.tables(there)):
        pass
    replicator.start(there)
    while not rests_at_second_stop(there, replicator.status(there)):
        pass
    replicator.start(there)
    replicator.stop(there)
    replicator.delete(there)
    assert back.name in {c["parameters"].get("ReplicationTaskIdentifier") for c in calls}
    assert {"CreateReplicationTask", "DeleteReplicationTask"} <= set(dms.asked)


class Recorded:
    """The CA of the recording, whose text is not needed; by the endpoints of the way there."""

    def __init__(self, calls: list[dict[str, Any]], side: Side) -> None:
        kind = "source" if side is Side.SOURCE else "target"
        made = [c for c in calls if c["parameters"].get("EndpointType") == kind]
        self.identity = _first(made, "SslMode") == "verify-full"

    def pem(self) -> bytes:
        return b"a certificate"


def _first(calls: list[dict[str, Any]], key: str) -> str:
    """The first value of this key, wherever it is among the parameters."""

    def found(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get(key), str):
                yield value[key]
            for inner in value.values():
                yield from found(inner)

    return next(v for c in calls for v in found(c["parameters"]))
