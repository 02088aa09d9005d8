"""A server's zone by the local times that it tells, and the name that RDS takes for it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from livemove.model.time_zones import RDS_ZONES, Offsets, ServerZones, Zone, moments, zones_of

TODAY = datetime(2026, 11, 29)
UTC = ZoneInfo("UTC")


def told(zone: str | int) -> Offsets:
    """What a server in that zone (an offset: in seconds) answers."""
    if isinstance(zone, int):
        return dict.fromkeys(moments(TODAY), zone)
    return {
        m: int(m.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset().total_seconds())  # type: ignore[union-attr]
        for m in moments(TODAY)
    }


def of_machine(zone: str, abbreviation: str) -> ServerZones:
    return zones_of("SYSTEM", abbreviation, told(zone), told(zone))


@pytest.mark.parametrize(
    ("machine", "abbreviation", "rds", "system"),
    [
        ("Asia/Seoul", "KST", "Asia/Seoul", "Asia/Seoul"),
        ("Asia/Tokyo", "JST", "Asia/Tokyo", "Asia/Tokyo"),
        ("UTC", "UTC", "UTC", "UTC"),
        # the same zone under the name that RDS has
        ("America/New_York", "EST", "US/Eastern", "US/Eastern"),
        ("Asia/Kolkata", "IST", "Asia/Calcutta", "Asia/Calcutta"),
        # CST in Shanghai is not CST in Chicago
        ("Asia/Shanghai", "CST", "Asia/Shanghai", "Asia/Shanghai"),
        ("America/Chicago", "CST", "US/Central", "US/Central"),
        # London has Dublin's clocks; sessions and events could say London
        ("Europe/London", "BST", "Europe/Dublin", "Europe/Dublin"),
    ],
)
def test_a_machines_zone_is_named_by_its_clocks(
    machine: str, abbreviation: str, rds: str, system: str
) -> None:
    assert of_machine(machine, abbreviation) == ServerZones("SYSTEM", abbreviation, Zone(rds), Zone(system))


def test_a_zone_outside_of_rdss_list_gets_the_one_with_the_same_clocks_and_says_which_years_differ() -> None:
    berlin = of_machine("Europe/Berlin", "CET")
    assert berlin.session == Zone("Europe/Prague", (1979,))
    assert berlin.system == Zone("Europe/Berlin")
    hong_kong = of_machine("Asia/Hong_Kong", "HKT")
    assert hong_kong.session is not None
    assert hong_kong.session.name == "Asia/Taipei"
    assert 1979 in hong_kong.session.past


def test_a_zone_that_no_name_of_rds_fits_says_what_is_nearest() -> None:
    yangon = of_machine("Asia/Yangon", "+0630")
    assert yangon.session is None
    assert yangon.system == Zone("Asia/Yangon")
    assert yangon.nearest == "Asia/Bangkok, which is 30 minutes off"


def test_a_name_is_kept_where_rds_has_it_and_an_offset_gets_a_name() -> None:
    assert zones_of("Asia/Seoul", "UTC", told("Asia/Seoul"), told("UTC")).session == Zone("Asia/Seoul")
    # Seoul had summer time in 1988, and an offset has none
    assert zones_of("+09:00", "UTC", told(9 * 3600), told("UTC")).session == Zone("Asia/Tokyo")


def test_a_machine_of_no_place_is_an_offset() -> None:
    odd = zones_of("SYSTEM", "XYZ", told(4 * 3600 + 60), told(4 * 3600 + 60))
    assert odd.session is None
    assert odd.system == Zone("+04:01")


def test_rdss_list_is_a_list_of_zones() -> None:
    assert len(RDS_ZONES) == 86
    assert not RDS_ZONES & {"Europe/Berlin", "Europe/London", "America/New_York", "Asia/Kolkata", "+09:00"}
    for name in RDS_ZONES:
        ZoneInfo(name)
