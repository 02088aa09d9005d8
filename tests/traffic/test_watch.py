from typing import Any

import pytest

from livemove.model.ledger import Baseline
from livemove.model.ports import Json
from livemove.model.spec import Side, Watch
from livemove.traffic.watch import baseline, judge, needed, of_site

SITES = {"idc": Side.SOURCE, "cloud": Side.TARGET}
WATCH = Watch(baseline=10, hold=10, errors=0.02, latency=3, load=3)
NORMAL = Baseline.model_validate({"errors": 0.0, "latency": 0.02, "load": 2.0})


def sample(
    at: float, cloud: int, errors: int | None = 0, *, ms: float = 20, idc: int = 0, **more: Any
) -> Json:
    def server(n: int, e: int | None) -> Json:
        return {"requests": n, "errors": e, "seconds": n * ms / 1000, "healthy": True}

    return {
        "at": at,
        "servers": {"idc": server(idc, 0), "cloud": server(cloud, errors)},
        "load": 2,
        "lag": 0.1,
        **more,
    }


def ill(s: Json, server: str) -> Json:
    s["servers"][server] = {"requests": None, "healthy": False, "why": "refused"}
    return s


def told(*samples: Json, before: Baseline = NORMAL) -> Any:
    return judge(samples, SITES, before, WATCH, 5)


def test_a_step_is_clean_after_its_time_and_after_enough_requests_to_know() -> None:
    assert needed(WATCH) == 150
    assert not told(sample(0, 0), sample(9, 400)).clean
    few = told(sample(0, 0), sample(10, 149))
    assert not few.clean
    assert "150 requests are needed to tell 2.0%" in few.message
    assert told(sample(0, 0), sample(10, 150)).clean


def test_more_errors_than_the_budget_over_what_was_normal_are_a_breach() -> None:
    assert told(sample(0, 0), sample(10, 100, 2)).breach == ()
    assert (
        "3 of 100 requests at the cloud failed (3.0%; at most 2.0%)"
        in told(sample(0, 0), sample(10, 100, 3)).breach
    )
    assert (
        told(sample(0, 0), sample(10, 100, 3), before=NORMAL.model_copy(update={"errors": 0.02})).breach == ()
    )


def test_one_failed_request_is_no_breach_and_two_of_few_are() -> None:
    assert not told(sample(0, 0), sample(10, 5, 1)).breach
    assert told(sample(0, 0), sample(10, 5, 2)).breach


def test_errors_that_nobody_counts_are_said_and_judged_not_at_all() -> None:
    verdict = told(sample(0, 0, None), sample(10, 500, None))
    assert verdict.clean
    assert "errors not counted" in verdict.message


def test_a_counter_that_fell_began_again() -> None:
    samples = [sample(0, 1000, 9), sample(5, 1010, 9), sample(10, 40, 1)]
    assert (of_site(samples, SITES, Side.TARGET).requests, of_site(samples, SITES, Side.TARGET).errors) == (
        50,
        1,
    )


@pytest.mark.parametrize(("ms", "breach"), [(59, False), (61, True)])
def test_a_slower_cloud(ms: float, breach: bool) -> None:
    assert bool(told(sample(0, 0, ms=ms), sample(10, 200, ms=ms)).breach) is breach


def test_a_lag_or_an_ill_server_counts_when_it_lasts() -> None:
    assert not told(sample(0, 0), sample(5, 9, lag=9)).breach
    assert "behind" in told(sample(0, 0, lag=8), sample(5, 9, lag=9)).breach[0]
    assert not told(sample(0, 0), sample(5, 9), ill(sample(10, 9), "cloud")).breach
    assert told(sample(0, 0), ill(sample(5, 9), "cloud"), ill(sample(10, 9), "cloud")).breach == (
        "cloud is not healthy: refused",
    )


def test_an_ill_old_site_is_no_place_to_go_back_to() -> None:
    verdict = told(sample(0, 0), ill(sample(5, 9, 9), "idc"), ill(sample(10, 9, 9), "idc"))
    assert verdict.breach
    assert verdict.way_back_ill == "idc is not healthy: refused"


def test_the_owners_load() -> None:
    assert not told(*(sample(n, n, load=6) for n in range(5))).breach
    assert "runs 7.0 statements" in told(*(sample(n, n, load=7) for n in range(5))).breach[0]


def test_the_baseline_is_the_old_sites() -> None:
    before = baseline([sample(0, 0), sample(10, 0, idc=400)], SITES)
    assert (before.rate, before.errors, before.load) == (40, 0, 2)
    assert before.latency == pytest.approx(0.02)


@pytest.mark.parametrize(("requests", "breaches"), [(2, 0), (19, 0), (20, 1)])
def test_latency_is_judged_from_twenty_requests_on(requests: int, breaches: int) -> None:
    assert len(told(sample(0, 0), sample(10, requests, ms=900)).breach) == breaches
