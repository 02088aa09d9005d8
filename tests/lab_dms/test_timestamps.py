"""TIMESTAMP from a source that is not in UTC: DMS as users saw it, and as AWS's page has it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from lab.cloud.dms.replicator.load import TIMESTAMPS
from lab.mariadb import Server
from livemove.comparison.adapters.both_sides import Options
from livemove.comparison.adapters.table_comparison import compare_table
from livemove.model.spec import Side
from livemove.runtime.clock import SystemClock
from livemove.runtime.mariadb import Login, MariaDb
from livemove.runtime.watermarks import by_waiting
from tests.lab_dms.conftest import Replication


@pytest.fixture
def seoul(replication: Replication) -> Iterator[Replication]:
    replication.source.query("SET GLOBAL time_zone = 'Asia/Seoul'")
    yield replication
    replication.source.query("SET GLOBAL time_zone = 'SYSTEM'")


def loaded(r: Replication) -> tuple[bool, list[object]]:
    """Whether the comparison calls the loaded table equal, and the moments on the target in UTC."""
    r.both("CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMP NULL, dt DATETIME)")
    r.on(
        r.source,
        "SET time_zone = 'Asia/Seoul'",
        "INSERT INTO t VALUES (1, '2026-03-01 09:00:00', '2026-03-01 09:00:00')",
    )
    r.start()
    r.following()

    def side(which: Side, server: Server) -> MariaDb:
        return MariaDb(which, Login(server.address, server.port, "root", "root"))

    clock = SystemClock()
    with side(Side.SOURCE, r.source) as source, side(Side.TARGET, r.target) as target:
        options = Options(clock, arrived=by_waiting(clock, (0.01, 0.01)))
        verdict = compare_table(source, target, r.schema, "t", options)
    moments = r.on(r.target, "SET time_zone = '+00:00'", "SELECT at, dt FROM t")[0]
    return verdict.equal, list(moments)


def test_as_users_measured_it_the_moments_are_the_same(seoul: Replication) -> None:
    assert loaded(seoul) == (True, [datetime(2026, 3, 1), datetime(2026, 3, 1, 9)])


def test_a_shift_by_the_zone_is_found_by_the_comparison(
    seoul: Replication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TIMESTAMPS, "local")
    assert loaded(seoul) == (False, [datetime(2026, 3, 1, 9), datetime(2026, 3, 1, 9)])
