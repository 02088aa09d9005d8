"""Every call of the product that a test makes of AWS is looked at: its parameters, and the answer.

A plugin of the whole suite (tests/conftest.py): a call that AWS's model would refuse, or an answer of the lab
that AWS would never give, fails the test in which it happened, however the product took it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.client
import pytest

from lab.cloud import contract

_found: list[str] = []


@cache
def _of_the_product() -> set[tuple[str, str]]:
    """(service, call) of everything that plugins/ calls; a test may ask for more to make its world."""
    from tests.docs.test_iam import calls

    return {(service, name) for _, service, name in calls()}


def call(original: Any, client: Any, operation: str, parameters: Any) -> Any:
    """The client's own call. Its parameters botocore checks itself, unless somebody has told it not to."""
    model = client.meta.service_model.operation_model(operation)
    name = f"{client.meta.service_model.service_name}.{operation}"
    if not client.meta.config.parameter_validation:
        _found.append(f"{name} is called by a client that does not check parameters")

    ours = (client.meta.service_model.service_name, operation) in _of_the_product()

    def look(http_response: Any, parsed: Any, **_: Any) -> None:
        # before botocore's own handlers, which decode what they know
        if ours and http_response.status_code < 300:
            answer = {k: v for k, v in parsed.items() if k != "ResponseMetadata"}
            content = b"" if model.has_streaming_output else http_response.content
            off = [*contract.off(model.output_shape, answer), *contract.of_json(model, content)]
            _found.extend(f"{name} answers: {one}" for one in off)

    event = f"after-call.*.{operation}"
    client.meta.events.register_first(event, look)
    try:
        return original(client, operation, parameters)
    finally:
        client.meta.events.unregister(event, look)


@pytest.fixture(scope="session", autouse=True)
def _calls_are_looked_at() -> Iterator[None]:
    original = botocore.client.BaseClient._make_api_call
    botocore.client.BaseClient._make_api_call = lambda *args: call(original, *args)
    yield
    botocore.client.BaseClient._make_api_call = original


@pytest.fixture(autouse=True)
def _calls_are_as_aws_models_them(_calls_are_looked_at: None) -> Iterator[None]:
    _found.clear()
    yield
    found = sorted(set(_found))
    _found.clear()
    assert not found, "\n".join(found[:20])
