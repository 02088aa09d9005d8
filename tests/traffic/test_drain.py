from operator import itemgetter

from livemove.model.spec import Side
from livemove.model.time_series import recent
from livemove.traffic.drain import Sample, judge, requests

SITES = {"idc": Side.SOURCE, "cloud": Side.TARGET}


def watch(*counts: tuple[float, int, int], seconds: float = 60) -> list[Sample]:
    samples: list[Sample] = []
    for t, idc, cloud in counts:
        samples = recent([*samples, (t, {"idc": idc, "cloud": cloud})], seconds, itemgetter(0))
    return samples


def verdict(samples: list[Sample], share: float = 0.0, seconds: float = 60):  # type: ignore[no-untyped-def]
    return judge(samples, SITES, old=Side.SOURCE, share=share, seconds=seconds)


def test_one_look_proves_nothing() -> None:
    assert not verdict(watch((0, 5, 5))).done


def test_quiet_for_the_whole_time_is_drained() -> None:
    found = verdict(watch((0, 100, 0), (30, 100, 300), (60, 100, 600)))
    assert found.done
    assert found.share == 0
    assert found.rates == {"source": 0.0, "target": 10.0}


def test_quiet_for_less_than_the_time_is_not() -> None:
    found = verdict(watch((0, 100, 0), (59, 100, 600)))
    assert not found.done
    assert "watched 59 s so far" in found.message


def test_one_request_within_the_window_is_too_much_for_share_zero() -> None:
    samples = watch((0, 100, 0), (30, 101, 300), (60, 101, 600))
    assert not verdict(samples).done
    assert verdict(samples, share=0.01).done


def test_a_request_before_the_window_is_forgotten() -> None:
    samples = watch((0, 100, 0), (30, 101, 300), (60, 101, 600), (90, 101, 900))
    assert verdict(samples).done


def test_a_server_that_started_again_does_not_hide_its_requests() -> None:
    samples = watch((0, 1000, 0), (30, 7, 300), (60, 9, 600))
    assert requests(samples, "idc") == 9
    assert not verdict(samples).done


def test_no_traffic_at_all_counts_as_drained() -> None:
    assert verdict(watch((0, 5, 5), (60, 5, 5))).done
