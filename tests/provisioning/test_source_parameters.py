"""What the parameter group takes over from a real source is what RDS takes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.cloud.parameter_rules import refusal
from lab.mariadb import Server
from livemove.model.ledger import SourceParameters
from livemove.provisioning.adapters.variables import source_parameters
from livemove.runtime.mariadb import Login, MariaDb
from tests.doubles.memory import MemoryLedger

pytestmark = pytest.mark.servers


@pytest.mark.parametrize(
    ("zone", "mode", "named", "taken"),
    [
        ("SYSTEM", "ANSI_QUOTES,NO_ZERO_DATE", "Asia/Seoul", "ANSI_QUOTES,NO_ZERO_DATE"),
        # RDS refuses Europe/Berlin, and an empty value
        ("Europe/Berlin", "", "Europe/Prague", "NO_ENGINE_SUBSTITUTION"),
        ("Asia/Yangon", "", None, "NO_ENGINE_SUBSTITUTION"),
    ],
)
def test_every_value_is_one_that_rds_takes(
    source_server: Server, zone: str, mode: str, named: str | None, taken: str
) -> None:
    had = source_server.query("SELECT @@GLOBAL.sql_mode, @@GLOBAL.time_zone")[0]
    source_server.query(f"SET GLOBAL sql_mode = '{mode}', time_zone = '{zone}'")
    world: Any = SimpleNamespace(
        database=lambda side: MariaDb(side, Login(source_server.address, source_server.port, "root", "root")),
        ledger=MemoryLedger(),
    )
    try:
        found = source_parameters(world)
    finally:
        source_server.query(f"SET GLOBAL sql_mode = '{had[0]}', time_zone = '{had[1]}'")
    assert (found["time_zone"], found["sql_mode"]) == (named, taken)
    assert world.ledger.load(SourceParameters).model_dump(exclude={"version"}) == found
    for name, value in found.items():
        method = "pending-reboot" if name == "lower_case_table_names" else "immediate"
        assert value is None or refusal(name, value, method) is None, name
