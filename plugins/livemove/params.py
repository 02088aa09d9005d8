"""Spec -> trigger form: what may be decided tonight, and the precedence (form over spec)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livemove.spec import MigrationSpec


def settle(spec: MigrationSpec, params: Mapping[str, Any]) -> MigrationSpec:
    """The spec with tonight's decisions laid over it."""
    return spec
