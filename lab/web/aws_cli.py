"""The program behind `bin/aws`: secretsmanager get-secret-value and s3 cp, with the real CLI's flags.

    aws secretsmanager get-secret-value --secret-id ID --query SecretString --output text
    aws s3 cp s3://BUCKET/KEY PATH        (- writes to standard output)

Anything else ends with 2, so that nobody relies on what is not there.
"""

from __future__ import annotations

import os
import sys
from typing import Any

COPY_FLAGS = {"--quiet", "--only-show-errors", "--no-progress"}
CAN = (
    "this aws can: secretsmanager get-secret-value --secret-id ID --query SecretString --output text; s3 cp"
    " s3://BUCKET/KEY PATH"
)


def main(words: list[str]) -> int:
    flags = _flags(words)
    region = flags.pop("--region", os.environ.get("AWS_DEFAULT_REGION", "ap-northeast-2"))
    plain = flags.pop("", [])
    match plain:
        case ["secretsmanager", "get-secret-value"] if (
            flags.get("--query") == "SecretString"
            and flags.get("--output") == "text"
            and set(flags) == {"--secret-id", "--query", "--output"}
        ):
            return _call(lambda: _secret(region, flags["--secret-id"]), "secretsmanager", region)
        case ["s3", "cp", address, path] if str(address).startswith("s3://") and set(flags) <= COPY_FLAGS:
            return _call(lambda: _copy(region, str(address), str(path)), "s3", region)
    print(f"aws: not understood: {' '.join(words)}\n{CAN}", file=sys.stderr)
    return 2


def _flags(words: list[str]) -> dict[str, Any]:
    """Flags with their values; the words without a flag under ''."""
    out: dict[str, Any] = {"": []}
    rest = iter(words)
    for word in rest:
        if word in ("--quiet", "--only-show-errors", "--no-progress"):
            out[word] = "yes"
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            out[name] = value if equals else next(rest, "")
        else:
            out[""].append(word)
    return out


def _client(service: str, region: str) -> Any:
    import boto3
    from botocore.config import Config

    if os.environ.get("AWS_ENDPOINT_URL"):
        # on AWS the instance profile gives these; the lab's endpoint takes any
        os.environ.setdefault("AWS_ACCESS_KEY_ID", "lab")
        os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "lab")
    config = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 4})
    if os.environ.get("AWS_ENDPOINT_URL"):
        config = config.merge(Config(proxies={}))
    return boto3.client(service, region_name=region, config=config)  # type: ignore[call-overload]


def _secret(region: str, name: str) -> None:
    print(_client("secretsmanager", region).get_secret_value(SecretId=name)["SecretString"])


def _copy(region: str, address: str, path: str) -> None:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    body = _client("s3", region).get_object(Bucket=bucket, Key=key)["Body"]
    if path == "-":
        for block in body.iter_chunks(1 << 20):
            sys.stdout.buffer.write(block)
        return
    target = os.path.join(path, os.path.basename(key)) if os.path.isdir(path) else path
    with open(target + ".part", "wb") as out:
        for block in body.iter_chunks(1 << 20):
            out.write(block)
    os.replace(target + ".part", target)


def _call(work: Any, service: str, region: str) -> int:
    from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError

    try:
        work()
    except ConnectionClosedError:
        # the endpoint hangs up on a call that the network drops (lab/cloud/gate.py)
        url = f"https://{service}.{region}.amazonaws.com/"
        print(f'aws: Connect timeout on endpoint URL: "{url}"', file=sys.stderr)
        return 255
    except (BotoCoreError, ClientError, OSError) as e:
        print(f"aws: {e}", file=sys.stderr)
        return 255
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
