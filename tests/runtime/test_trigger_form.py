from pathlib import Path

import pytest

from livemove.model.errors import RefusedError
from livemove.model.spec import MigrationSpec, load_spec
from livemove.runtime.trigger_form import FIELDS, explain, settle, trigger_form
from tests.raising import raises

SHOP = Path(__file__).parents[2] / "include" / "migrations" / "shop.yaml"


@pytest.fixture
def spec() -> MigrationSpec:
    return load_spec(SHOP)


def test_an_untouched_form_changes_nothing(spec: MigrationSpec) -> None:
    untouched = {name: p.resolve() for name, p in trigger_form(spec).items()}
    assert settle(spec, untouched) == spec


def test_every_default_of_the_form_fits_its_own_schema(spec: MigrationSpec) -> None:
    assert set(trigger_form(spec)) == {f.name for f in FIELDS} | {"ignore_window"}
    for param in trigger_form(spec).values():
        param.resolve()


def test_the_form_goes_before_the_spec(spec: MigrationSpec) -> None:
    settled = settle(spec, {"soak": 77, "dns_ttl": 9, "window_opens": "03:30", "hold": False})
    assert (settled.soak, settled.dns.ttl, settled.switchover.hold) == (77, 9, False)
    assert settled.window.opens.isoformat() == "03:30:00"
    assert settled.drain == spec.drain


def test_ignoring_the_window_opens_it_all_day(spec: MigrationSpec) -> None:
    settled = settle(spec, {"window_opens": "03:00", "window_closes": "05:00", "ignore_window": True})
    assert settled.window.opens == settled.window.closes


def test_a_value_that_cannot_be_is_refused_by_the_name_of_its_field(spec: MigrationSpec) -> None:
    with raises(RefusedError, "dns_ttl", "1"):
        settle(spec, {"dns_ttl": 0})
    with raises(RefusedError, "window_opens"):
        settle(spec, {"window_opens": "25:99"})


def test_a_rule_over_two_fields_names_both(spec: MigrationSpec) -> None:
    with raises(RefusedError, "pause_budget", "lease", "hold"):
        settle(spec, {"pause_budget": 50})


def test_the_explanation_says_where_each_value_comes_from(spec: MigrationSpec) -> None:
    text = explain(spec, {"soak": 77})
    assert "soak                       77.0       from the form (spec: 5.0)" in text
    assert "dns.ttl                    5          from the spec" in text
