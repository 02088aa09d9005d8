"""AWS's answers without secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from livemove.trial import recording

WHEN = datetime(2026, 11, 30, 1, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "secret",
    [
        {"SecretString": '{"password": "s3cret"}'},
        {"MySQLSettings": {"Password": "s3cret"}},
        {"Endpoints": [{"Password": "s3cret"}]},
        {"SecretBinary": b"s3cret"},
        {"ClientRequestToken": "s3cret"},
        {"Passwords": ["s3cret", "s3cret"]},
    ],
)
def test_no_secret_is_kept_wherever_it_is(secret: dict[str, Any]) -> None:
    text = recording.line("dms", "Call", secret, 200, secret)
    assert "s3cret" not in text


def test_the_account_is_not_kept_and_names_of_secrets_are() -> None:
    arn = "arn:aws:secretsmanager:ap-northeast-2:999988887777:secret:shop/dms/reader-AbCdEf"
    text = recording.line("dms", "Call", {"SecretsManagerSecretId": arn}, 200, {})
    assert "999988887777" not in text
    assert arn.replace("999988887777", recording.NO_ACCOUNT) in text


def test_an_answer_comes_back_as_boto3_gave_it() -> None:
    answer = {
        "Tasks": [{"Status": "ready", "Made": WHEN, "Percent": 3, "On": True}],
        "ResponseMetadata": {"x": 1},
    }
    found = recording.answers([recording.line("dms", "Call", {}, 200, answer), "\n"])
    assert found[0]["answer"] == {"Tasks": [{"Status": "ready", "Made": WHEN, "Percent": 3, "On": True}]}


def test_long_texts_are_cut() -> None:
    text = recording.line("ssm", "SendCommand", {"commands": ["x" * 50_000]}, 200, {})
    assert len(text) < 5_000
