"""Scaled waits are told beside what production would have."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from livemove.model.scaled_waits import scaled_waits
from livemove.model.spec import Window, load_spec

SPEC = load_spec(Path(__file__).parents[2] / "include" / "migrations" / "shop.yaml")


def test_the_labs_waits_are_told_with_their_production_value() -> None:
    waits = scaled_waits(SPEC)
    assert waits["soak"] == (f"{SPEC.soak:g}", "86400")
    assert waits["window.opens"] == ("00:00", "03:00")
    assert "switchover.lease" not in waits


def test_a_production_value_is_not_told() -> None:
    spec = SPEC.model_copy(update={"soak": 86400.0, "window": Window(opens=time(3, 0))})
    assert not {"soak", "window.opens", "window.closes"} & set(scaled_waits(spec))
