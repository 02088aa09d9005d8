"""Errors in tests: their class, and the names, numbers and commands in them; not their sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def raises[E: BaseException](
    kind: type[E] | tuple[type[E], ...], *values: object, **fields: object
) -> Iterator[pytest.ExceptionInfo[E]]:
    """The error's text holds each of `values`; its attributes are `fields`."""
    with pytest.raises(kind) as caught:
        yield caught
    text = str(caught.value)
    assert [v for v in values if str(v) not in text] == [], text
    assert {name: getattr(caught.value, name) for name in fields} == fields, text
