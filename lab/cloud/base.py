"""What every service of the endpoint shares: the lab's addresses, its folder and its registry."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from lab import ca
from lab.addresses import REGION, ZONE, Addresses, here, state_dir
from lab.processes import Registry


@dataclass
class Cloud:
    """One AWS endpoint. `state` is the lab's folder; addresses are handed out in order and never reused."""

    addresses: Addresses
    state: Path
    registry: Registry
    region: str = REGION
    _rds: itertools.count[int] = field(default_factory=itertools.count)
    _elastic: itertools.count[int] = field(default_factory=itertools.count)
    # an instance has a passing public address until its elastic one is attached: another part of the network
    _passing: itertools.count[int] = field(default_factory=lambda: itertools.count(110))

    @classmethod
    def here(cls) -> Cloud:
        return cls(here(), state_dir(), Registry(state_dir()))

    def next_rds(self) -> str:
        return self.addresses.rds(next(self._rds))

    def next_elastic(self) -> str:
        return self.addresses.ec2(next(self._elastic))

    def next_passing(self) -> str:
        return self.addresses.ec2(next(self._passing))

    def host_directory(self, instance_id: str) -> Path:
        return self.state / "hosts" / instance_id

    @property
    def certificate(self) -> tuple[Path, Path, Path]:
        """(ca, certificate, key) of the lab's own authority; made here when `up` has not made it."""
        return ca.create(self.addresses, (ZONE,)).paths()
