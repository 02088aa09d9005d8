"""Every schema of tests/cases arrives whole, or is refused beforehand with its finding."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles.sides import Sides, sides
from tests.schema_roundtrip.case import Case, cases
from tests.schema_roundtrip.roundtrip import Journey, Traveller

__all__ = ["sides"]
pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def travellers(
    sides: Sides, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[str, Traveller]]:
    """All cases of this run, arrived or not."""
    wanted = {
        i.callspec.params["case"]
        for i in request.session.items
        if "travellers" in getattr(i, "fixturenames", ())
    }  # type: ignore[attr-defined]
    made = {c.name: Traveller(c) for c in cases() if c in wanted}
    journey = Journey(sides, tmp_path_factory.mktemp("journey"), list(made.values()))
    try:
        journey.run()
        yield made
    finally:
        journey.close()


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_case(travellers: dict[str, Traveller], case: Case) -> None:
    found = travellers[case.name]
    assert found.wrong == {}
    assert not case.whole or found.rows or not case.script("data")


def test_there_are_enough_of_them() -> None:
    assert len(cases()) >= 25
    assert len([c for c in cases() if c.whole and c.script("changes")]) >= 20
    assert {"schema features", "foreign keys", "foreign schemas", "engines"} <= {
        n for c in cases() if not c.whole for n in c.findings
    }
