"""Where every host of the lab lives: one loopback address each, real ports.

All addresses share their second octet (LIVEMOVE_LAB_OCTET, 1 unless told), so that a second lab beside the
first is possible for development. Where low ports are closed to the user, or one of them is taken by a server
that listens on all addresses, each is lifted by 10000. `up` settles both in the state folder, so that every
later command and every process of the lab agrees, whatever its environment says.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


def octet() -> int:
    value = int(os.environ.get("LIVEMOVE_LAB_OCTET", "1"))
    if not 1 <= value <= 254:
        raise SystemExit(f"LIVEMOVE_LAB_OCTET is {value}; wanted 1 to 254")
    return value


def low_ports_open() -> bool:
    if os.geteuid() == 0:
        return True
    start = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    return start.exists() and int(start.read_text()) <= 22


@dataclass(frozen=True)
class Addresses:
    """Fixed places of the lab. EC2 and RDS hosts are numbered from .10 in their networks."""

    octet: int
    low_ports: bool

    def port(self, number: int) -> int:
        return number if self.low_ports or number >= 1024 else number + 10000

    def ip(self, network: int, host: int) -> str:
        return f"127.{self.octet}.{network}.{host}"

    @property
    def idc(self) -> str:
        return self.ip(1, 10)

    @property
    def aws(self) -> str:
        return self.ip(2, 1)

    @property
    def dms(self) -> str:
        """From here every replication instance speaks to databases."""
        return self.ip(2, 20)

    aws_port = 5000
    mariadb_port = 3306

    def ec2(self, n: int) -> str:
        return self.ip(3, 10 + n)

    def rds(self, n: int) -> str:
        return self.ip(4, 10 + n)

    @property
    def authorities(self) -> tuple[str, str]:
        return self.ip(5, 1), self.ip(5, 2)

    @property
    def resolvers(self) -> tuple[str, ...]:
        """Four caches; the last one stretches TTLs."""
        return tuple(self.ip(6, n) for n in (1, 2, 3, 4))

    @property
    def https(self) -> int:
        return self.port(443)

    @property
    def ssh(self) -> int:
        return self.port(22)

    @property
    def dns(self) -> int:
        return self.port(53)

    @property
    def endpoint_url(self) -> str:
        return f"http://{self.aws}:{self.aws_port}"


def here() -> Addresses:
    """The addresses of the lab that stands in the state folder, else those that `up` would try first."""
    try:
        settled = json.loads(settings_file().read_text())
    except (OSError, ValueError):
        return Addresses(octet(), low_ports_open())
    return Addresses(int(settled["octet"]), bool(settled["low_ports"]))


def settings_file() -> Path:
    """Its presence marks the state folder as the lab's own: `down` removes nothing without it."""
    return state_dir() / "lab-settings.json"


def settle(addresses: Addresses, **facts: object) -> None:
    """Fix octet and ports (and `facts`) for everybody who works with this state folder."""
    path = settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"octet": addresses.octet, "low_ports": addresses.low_ports, **facts}))


def root() -> Path:
    """The project's folder."""
    return Path(__file__).resolve().parents[1]


def state_dir() -> Path:
    """The one ignored folder that holds everything the lab makes: data, logs, generated secrets."""
    return Path(os.environ.get("LIVEMOVE_LAB_STATE") or root() / ".lab").absolute()


ZONE = "shop.test"
NAME = "www.shop.test"
REGION = "ap-northeast-2"
ACCOUNT = "123456789012"
VPN_GATEWAY = "vgw-0a1b2c3d4e5f60718"
"""A VPN of the company stands already; the lab's spec names it in infra.vpn_gateway_id."""
