"""What all processes of one harness share: folder, addresses, logins. Stored as one JSON file."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pymysql

from livemove.model.spec import MigrationSpec, Side
from livemove.runtime.mariadb import Login

FILE = "harness.json"
SERVICE, SCHEMA, ACCOUNT, PASSWORD = "shop", "shop", "shop_app", "app"
ROOT, ADMIN, MASTER = "root", "livemove_admin", "admin"
HARNESS_ACCOUNT = "livemove_harness"
"""The harness's own account on both databases.

Its name begins as livemove's accounts do, so no guard counts it as a foreign writer.
"""
PORT = 3306


def root_connection(address: str, **options: Any) -> Any:
    """A new connection with all rights, autocommit; use it with `with`."""
    for _ in range(20):
        try:
            return pymysql.connect(
                host=address,
                port=PORT,
                user=HARNESS_ACCOUNT,
                password=ROOT,
                autocommit=True,
                connect_timeout=5,
                **options,
            )
        except pymysql.err.OperationalError as e:
            # a fence ends everybody who is still authenticating
            if e.args[0] != 2013:
                raise
            time.sleep(0.01)
    raise ConnectionError(f"{address} broke off every login")


@dataclass(frozen=True)
class Settings:
    folder: Path
    source: str
    """Address of the database with all privileges (the data centre's); its port is 3306."""
    target: str
    """Address of the database that behaves as RDS."""
    lease: float = 6.0
    pause_budget: float = 3.0
    hold: bool = True
    sites: dict[str, list[str]] = field(default_factory=dict)
    mover_addresses: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Where movers find a database when it is not its own address: a proxy of lab/faults."""
    replicator_addresses: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Where replicators read a database's binlog when it is not its own address."""

    def address(self, side: Side) -> str:
        return self.source if side is Side.SOURCE else self.target

    def login(self, side: Side) -> Login:
        """livemove's own login: all rights on the source, RDS's master user on the target."""
        host, port = self.mover_addresses.get(side, (self.address(side), PORT))
        return Login(host, port, ADMIN if side is Side.SOURCE else MASTER, ADMIN)

    def write(self) -> None:
        (self.folder / FILE).write_text(json.dumps({**asdict(self), "folder": str(self.folder)}))

    @classmethod
    def read(cls, folder: Path) -> Settings:
        data = json.loads((folder / FILE).read_text())
        ways = {
            name: {side: (str(d[0]), int(d[1])) for side, d in data[name].items()}
            for name in ("mover_addresses", "replicator_addresses")
        }
        return cls(**{**data, **ways, "folder": Path(data["folder"])})

    def host_folder(self, name: str) -> Path:
        return self.folder / "hosts" / name

    def spec(self) -> MigrationSpec:
        """The harness as a spec: what a switchover reads of it is real, the rest is filled in."""
        shop = 'python3 -I -S "$HOME/control.py" app'
        commands = {
            "reload": f"{shop} reload",
            "probe": f"{shop} probe",
            "hold": f'{shop} hold "$SECONDS_TO_HOLD"',
            "release": f"{shop} release",
            "stop": f"{shop} stop",
        }
        return MigrationSpec.model_validate(
            {
                "service": SERVICE,
                "title": "harness",
                "rehearsal": True,
                "aws": {"connection": "none", "bucket": "harness"},
                "source": {
                    "connection": "source",
                    "address": self.source,
                    "port": PORT,
                    "schemas": [SCHEMA],
                    "accounts": [ACCOUNT],
                    # the way through which it is led here is a proxy, not a network
                    "tls": "none",
                },
                "target": {"connection": "target", "tls": "none", "require_tls": False},
                "application": {
                    "connection": "app",
                    "database": SCHEMA,
                    "url": "https://harness.test",
                    "settings": (
                        "SITE={site}\nDB_HOST={host}\nDB_PORT={port}\n"
                        "DB_USER={user}\nDB_PASSWORD={password}\nDB_NAME={database}\n"
                    ),
                },
                "servers": [
                    {
                        "name": name,
                        "site": site,
                        "reach": "ssh",
                        "connection": "local",
                        "directory": "livemove",
                        "settings_link": "app/shop.env",
                        "commands": commands,
                    }
                    for site, names in self.sites.items()
                    for name in names
                ],
                "dns": {"name": "www.harness.test", "zone": "harness.test"},
                "switchover": {"lease": self.lease, "pause_budget": self.pause_budget, "hold": self.hold},
            }
        )
