"""A sample of the kill matrix, and the proof that the matrix can be red. All of it is `make chaos`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest

from lab.chaos.__main__ import TRIES, Planned, choose, name_of, plan
from lab.chaos.case import BAD, Case, Result, Verdict, proxies_for
from lab.faults import FaultContext
from lab.faults.inside import STOP_POINTS, with_pause
from lab.faults.proxy import Proxy
from lab.switchover_harness import SwitchoverHarness
from livemove.model.spec import Side
from livemove.runtime.mariadb import sql, statements

SAMPLE, SEED = 3, 20
CASES = plan()


@pytest.fixture(scope="package")
def proxies(harness: SwitchoverHarness) -> Iterator[dict[Side, Proxy]]:
    made = proxies_for(harness)
    yield made
    for proxy in made.values():
        proxy.close()


def played(
    harness: SwitchoverHarness,
    case: Planned,
    proxies: dict[Side, Proxy],
    tries: int = TRIES,
    first: Callable[[FaultContext], None] = lambda context: None,
) -> Result:
    for _ in range(tries):
        result = Case(harness, *case, proxies, first=first).run()
        if result.verdict is not Verdict.ERROR:
            break
    return result


@pytest.mark.parametrize("case", choose(CASES, sample=SAMPLE, seed=SEED), ids=name_of)
def test_sample(harness: SwitchoverHarness, case: Planned, proxies: dict[Side, Proxy]) -> None:
    result = played(harness, case, proxies)
    assert result.verdict not in BAD, result


def test_names_are_unique_and_every_place_between_two_statements_is_there() -> None:
    assert len({name_of(c) for c in CASES}) == len(CASES)
    for place in STOP_POINTS:
        assert "GET_LOCK('lab.pause'" in with_pause(place)


def test_a_fault_that_does_not_happen_proves_nothing(
    harness: SwitchoverHarness, proxies: dict[Side, Proxy]
) -> None:
    (case,) = choose(CASES, only="kill {f}.cede.before retry target")
    fault, recovery, to = case
    never = type(fault)("never", "6", lambda s: s.require(False, "what never happens"))
    result = played(harness, (never, recovery, to), proxies, tries=1)
    assert result.verdict is Verdict.ERROR
    assert "what never happens" in result.text


def careless_commit(context: FaultContext) -> None:
    """A commit without its guards: it ignores attempt and lease, and accepts an open database."""
    text = next(s for s in statements(sql("control/control_procedures")) if "PROCEDURE livemove.cede(" in s)
    broken, n = re.subn(r"AND state = 'FENCED'.*?MICROSECOND;", ";", text, flags=re.DOTALL)
    assert n == 1
    with context.harness.world().database(context.f) as db:
        db.run(broken)


def test_a_commit_that_does_not_check_whose_fence_it_is_is_found(
    harness: SwitchoverHarness, proxies: dict[Side, Proxy]
) -> None:
    """A mover that slept through its lease commits over an owner that has opened again."""
    (case,) = choose(CASES, only="zombie {f}.cede.before nobody target")
    red = played(harness, case, proxies, first=careless_commit)
    assert red.verdict in (Verdict.LOST, Verdict.MISPLACED, Verdict.DUPLICATED, Verdict.TWO_OWNERS), red
