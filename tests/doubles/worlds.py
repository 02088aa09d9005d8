"""A service context whose ports live in memory, for tests of Airflow's shells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from livemove.model.ledger import Outputs, WebServer
from livemove.model.ports import Json, RecordSet
from livemove.model.spec import MigrationSpec, load_spec
from tests.doubles.memory import HandClock, MemoryLedger, MemoryResolvers, MemoryZone

SHOP = load_spec(Path(__file__).parents[2] / "include" / "migrations" / "shop.yaml")
OLD = RecordSet("www.shop.test", "A", 300, ("192.0.2.1",))
TARGET = "198.51.100.1"


class OwnPorts:
    """A world whose ports are attributes of its own."""

    def port(self, name: str, make: Callable[[], Any]) -> Any:
        return getattr(self, name)


@dataclass
class MemoryWorld(OwnPorts):
    """The lab's spec; the record points at the data centre with a TTL of 300 s; Terraform made one server."""

    spec: MigrationSpec = SHOP
    clock: HandClock = field(default_factory=HandClock)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    zone: MemoryZone = field(default_factory=lambda: MemoryZone([OLD]))
    outputs: Outputs = field(
        default_factory=lambda: Outputs(web_servers=[WebServer(instance_id="i-1", public_ip=TARGET)])
    )
    message: dict[str, Any] = field(default_factory=dict)

    @property
    def resolvers(self) -> MemoryResolvers:
        return MemoryResolvers(self.clock, self.message)

    @property
    def live(self) -> RecordSet:
        return self.zone.sets[0]

    def with_(self, **sections: Json) -> MemoryWorld:
        """The same world with some values of the spec changed, for example dns={"ttl": 9}."""
        changed = {
            name: getattr(self.spec, name).model_copy(update=values) if isinstance(values, dict) else values
            for name, values in sections.items()
        }
        self.spec = self.spec.model_copy(update=changed)
        return self
