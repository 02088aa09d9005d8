"""The worker's user at the lab's endpoint: it may what include/iam allows, filled in with the lab's words.

`<state>/worker.json` says who it is: {"key": access key, "words": {"SERVICE": ...}, "zone": name of its
hosted zone, "without": [actions that are taken away]}. Other keys are the account owner's: they may all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.addresses import ACCOUNT, REGION, root
from lab.cloud.policies import Need, denied

POLICIES = ("worker", "terraform-network", "terraform-data", "terraform-roles")
"""What is attached to it; boundary.json bounds roles, nobody has it."""
USER = f"arn:aws:iam::{ACCOUNT}:user/livemove"


def file(state: Path) -> Path:
    return state / "worker.json"


def register(
    state: Path, *, key: str, service: str, bucket: str, name: str, zone: str, without: Sequence[str] = ()
) -> None:
    """Say who the worker is; from now on its calls are judged."""
    words = {
        "ACCOUNT_ID": ACCOUNT,
        "REGION": REGION,
        "BUCKET": bucket,
        "PUBLIC_NAME": name,
        "SERVICE": service,
        "PREFIX": service.replace("_", "-"),
    }
    made = {"key": key, "words": words, "zone": zone, "without": [*without]}
    new = file(state).with_suffix(".new")
    new.write_text(json.dumps(made, indent=1))
    new.replace(file(state))


@dataclass(frozen=True)
class Worker:
    key: str
    policies: tuple[Any, ...]
    without: frozenset[str]

    def refused(self, needs: Sequence[Need]) -> str | None:
        """IAM's words for the first thing that it may not."""
        need = denied(self.policies, needs, self.without)
        if need is None:
            return None
        return (
            f"User: {USER} is not authorized to perform: {need.action} on resource: {need.resource} because"
            f" no identity-based policy allows the {need.action} action"
        )


def read(state: Path, zone_ids: dict[str, str]) -> Worker | None:
    """The worker, with the id of its zone among `zone_ids` (name -> id); None where nobody is registered."""
    try:
        found = json.loads(file(state).read_text())
    except FileNotFoundError:
        return None
    words = {**found["words"], "ZONE_ID": zone_ids.get(found["zone"], "none")}
    return Worker(found["key"], tuple(filled(name, words) for name in POLICIES), frozenset(found["without"]))


def filled(name: str, words: dict[str, str]) -> Any:
    """A policy of include/iam with words in the place of its placeholders."""
    text = (root() / "include" / "iam" / f"{name}.json").read_text(encoding="utf-8")
    for word, value in words.items():
        text = re.sub(rf"\b{word}\b", value, text)
    return json.loads(text)
