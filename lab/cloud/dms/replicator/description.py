"""What a replicator is told when it starts: one JSON file (0600, it holds passwords) in the task's folder."""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

DESCRIPTION = "task.json"
STATUS = "status.json"
BEFORE = "before.json"
"""The status of the run before this one."""
RELOAD = "reload.json"
"""An order, given with SIGUSR1: [[schema, table], ...] to be loaded again while the task runs."""


class StartType(StrEnum):
    """https://docs.aws.amazon.com/dms/latest/APIReference/API_StartReplicationTask.html"""

    START = "start-replication"
    RESUME = "resume-processing"
    RELOAD = "reload-target"


class MigrationType(StrEnum):
    FULL_LOAD = "full-load"
    CDC = "cdc"
    BOTH = "full-load-and-cdc"


@dataclass(frozen=True)
class Login:
    host: str
    port: int
    user: str
    password: str
    speaks_from: str | None = None
    """The replication instance's address; None: any."""
    ca: str | None = None
    """File with the certificates that vouch for the server; None: clear text (SslMode none)."""
    identity: bool = False
    """The certificate must name the server (SslMode verify-full)."""

    def __repr__(self) -> str:
        return f"Login({self.user}@{self.host}:{self.port})"

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of the driver."""
        found = {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "bind_address": self.speaks_from,
        }
        tls = {"ca": self.ca, "check_hostname": self.identity}
        return {**found, "ssl": tls} if self.ca else {**found, "ssl_disabled": True}


@dataclass(frozen=True)
class Description:
    task: str
    migration_type: MigrationType
    start: StartType
    source: Login
    target: Login
    mappings: dict[str, Any]
    settings: dict[str, Any] = field(default_factory=dict)
    position: str | None = None
    """Where CDC begins: `file:offset`, a checkpoint of the lab, or a time in UTC; None: the binlog's end."""
    until: str | None = None
    """`server_time:2026-01-31T12:00:00` or `commit_time:...`, in UTC, at which CDC ends."""
    resource_id: str = ""
    """The last part of the task's ARN, by which the control tables and CloudWatch know it."""

    @property
    def server_id(self) -> int:
        """The id under which the source's binlog is read; a second reader with the same id ends the first."""
        return 1_000_000_000 + zlib.crc32(self.task.encode()) % 1_000_000_000

    @property
    def resource(self) -> str:
        return self.resource_id or self.task

    def setting(self, group: str, name: str, default: Any) -> Any:
        value = (self.settings.get(group) or {}).get(name)
        return default if value is None else value

    @classmethod
    def read(cls, folder: Path) -> Description:
        data = json.loads((folder / DESCRIPTION).read_text())
        return cls(
            **{
                **data,
                "migration_type": MigrationType(data["migration_type"]),
                "start": StartType(data["start"]),
                "source": Login(**data["source"]),
                "target": Login(**data["target"]),
            }
        )

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / (DESCRIPTION + ".new")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            json.dump(asdict(self), f)
        os.replace(temporary, folder / DESCRIPTION)
