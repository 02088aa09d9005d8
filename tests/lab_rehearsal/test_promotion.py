"""What an emergency said to be missing, against what really is."""

from __future__ import annotations

from typing import Any

import pytest

from lab.rehearsal.promotion import judge
from lab.traffic.audit import Audit

LAST = "2026-11-23T04:00:00+00:00"
AT = 1_795_406_400.0
TOLD = {
    "promotion/2": {"last_watermark": LAST, "message": ["every write before that is here"], "undelivered": 0}
}


def missing(*times: float) -> list[dict[str, Any]]:
    return [{"key": str(n), "kind": "orders", "t": AT + t} for n, t in enumerate(times)]


@pytest.mark.parametrize(
    ("times", "lost", "outside"),
    [
        ((), 0, 0),
        ((0.5, 2.0), 2, 0),
        ((-0.5, 2.0), 2, 1),  # acknowledged before the watermark that arrived
        ((0.5,), 3, 2),  # a trigger's effect is missing beside a write that is there
    ],
)
def test_only_what_was_acknowledged_after_the_watermark_may_be_missing(
    times: tuple[float, ...], lost: int, outside: int
) -> None:
    told = judge(TOLD, Audit(lost=lost, missing=missing(*times)), AT + 3, AT + 40)
    assert (told["missing"], told["missing_outside"]) == (lost, outside)
    assert (told["bound_seconds"], told["seconds_to_service"]) == (3.0, 37.0)


def test_without_a_watermark_nothing_may_be_missing() -> None:
    told = judge({}, Audit(lost=1, missing=missing(1.0)), AT + 3, None)
    assert (told["missing_outside"], told["bound_seconds"], told["seconds_to_service"]) == (1, None, None)
