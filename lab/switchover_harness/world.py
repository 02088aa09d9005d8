"""A service's context in the harness: the production ports, with files where AWS and Airflow would answer."""

from __future__ import annotations

import json
import os
import time
import uuid
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.switchover_harness.hosts import LocalHost
from lab.switchover_harness.replicators import Replicators
from lab.switchover_harness.settings import ACCOUNT, PASSWORD, PORT, Settings
from livemove.model import ports
from livemove.model.errors import UnreachableError
from livemove.model.ledger import Outputs, TypedLedger
from livemove.model.ports import Json
from livemove.model.spec import Server, Side
from livemove.runtime.mariadb import Login
from livemove.runtime.service_context import Secret, ServiceContext

DOWN = "ledger.down"
"""While this file is in the harness's folder, the ledger answers nothing."""


class FileLedger(TypedLedger):
    """The Ledger port on a folder, shared by all movers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._down = folder / "ledger", folder / DOWN

    def read(self, name: str) -> Json | None:
        content = self.get_file(f"documents/{name}.json")
        return None if content is None else dict(json.loads(content))

    def write(self, name: str, document: Json) -> None:
        self.put_file(f"documents/{name}.json", json.dumps(document, default=str).encode())

    def documents(self, prefix: str = "") -> list[str]:
        self._answers()
        top = self.folder / "documents"
        names = (str(p.relative_to(top)).removesuffix(".json") for p in top.rglob("*.json"))
        return sorted(n for n in names if n.startswith(prefix))

    def append(self, event: Json) -> None:
        document = {**event, "time": datetime.now(UTC).isoformat()}
        self.put_file(
            f"events/{time.time_ns()}-{uuid.uuid4().hex}.json", json.dumps(document, default=str).encode()
        )

    def stored_events(self) -> dict[str, object]:
        self._answers()
        return {p.name: json.loads(p.read_text()) for p in (self.folder / "events").glob("*.json")}

    def put_file(self, name: str, content: bytes, content_type: str = "") -> str:
        self._answers()
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{uuid.uuid4().hex}.new")
        new.write_bytes(content)
        os.replace(new, path)
        return f"s3://harness/{name}"

    def get_file(self, name: str) -> bytes | None:
        self._answers()
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def _answers(self) -> None:
        if self._down.exists():
            with self._down.open("a") as f:
                f.write("asked\n")
            raise UnreachableError("The ledger cannot be reached: the harness has taken it away")


class FileSecrets:
    """As much of Secrets Manager as livemove asks for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "secrets"

    def get_secret_value(self, SecretId: str) -> Json:
        from botocore.exceptions import ClientError

        try:
            return {"SecretString": self._path(SecretId).read_text()}
        except FileNotFoundError:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue") from None

    def create_secret(self, Name: str, SecretString: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._path(Name).write_text(SecretString)

    def _path(self, name: str) -> Path:
        return self.folder / name.replace("/", "--")


class IdleRds:
    """RDS that says of its instance what a guard asks: nothing goes on."""

    def describe_db_instances(self, DBInstanceIdentifier: str) -> Json:
        return {"DBInstances": [{"DBInstanceStatus": "available"}]}


class HarnessWorld(ServiceContext):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.spec())
        self.settings = settings
        self.ports["replicator"] = Replicators(settings)

    @cached_property
    def ledger(self) -> ports.Ledger:
        return FileLedger(self.settings.folder)

    @cached_property
    def outputs(self) -> Outputs:
        return Outputs(
            database_identifier="harness", database_address=self.settings.target, database_port=PORT
        )

    def secret(self, connection_id: str) -> Secret:
        return Secret(connection_id, "", None, ACCOUNT, PASSWORD, {})

    def aws(self, service: str) -> Any:
        if service == "rds":
            return IdleRds()
        if service != "secretsmanager":
            raise LookupError(f"the harness has no {service}")
        return FileSecrets(self.settings.folder)

    def login(self, side: Side) -> Login:
        return self.settings.login(side)

    def host(self, server: Server) -> LocalHost:
        return LocalHost(server.name, server.site, self.settings.host_folder(server.name))
