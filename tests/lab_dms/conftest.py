"""Two servers, accounts with the rights livemove gives them, and replicators as processes of their own."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from lab.addresses import root
from lab.cloud.dms import api
from lab.cloud.dms.replicator.description import Description, Login, MigrationType, StartType
from lab.cloud.dms.replicator.status import Phase, Status, read_status
from lab.mariadb import Server
from lab.processes import Registry
from livemove.model.ledger import Outputs
from livemove.replication.adapters.dms import DmsReplicator
from livemove.runtime.clock import SystemClock
from tests.lab_dms.contract import problems

READER_RIGHTS = "SELECT, REPLICATION SLAVE, BINLOG MONITOR"
numbers = itertools.count(1)
REGION = "ap-northeast-2"
SETTINGS = (root() / "include" / "dms" / "task-settings.json").read_text()


@pytest.fixture(scope="session")
def servers(source_server: Server, target_server: Server) -> tuple[Server, Server]:
    for server in (source_server, target_server):
        with server.connect() as c, c.cursor() as cursor:
            cursor.execute(f"GRANT {READER_RIGHTS} ON *.* TO reader@'127.%' IDENTIFIED BY 'secret-r'")
            cursor.execute("GRANT BINLOG REPLAY ON *.* TO applier@'127.%' IDENTIFIED BY 'secret-a'")
            cursor.execute("GRANT ALL ON `awsdms_control`.* TO applier@'127.%'")
    return source_server, target_server


class Replication:
    """One schema on both servers and a task between them."""

    def __init__(self, folder: Path, source: Server, target: Server, schema: str) -> None:
        self.folder, self.source, self.target, self.schema = folder, source, target, schema
        self.process: subprocess.Popen[bytes] | None = None
        for server in (source, target):
            self.on(server, f"CREATE DATABASE {schema} CHARACTER SET utf8mb4", schema=None)
        self.on(target, f"GRANT ALL ON `{schema}`.* TO applier@'127.%'")
        self.description = Description(
            task=f"task-{schema}",
            migration_type=MigrationType.BOTH,
            start=StartType.START,
            source=Login(source.address, source.port, "reader", "secret-r"),
            target=Login(target.address, target.port, "applier", "secret-a"),
            mappings=mappings(schema),
            settings=settings(),
        )

    def on(self, server: Server, *statements: str, schema: str | None = "", **options: Any) -> Any:
        """Run statements as root; the rows of the last one."""
        with server.connect(database=self.schema if schema == "" else schema, **options) as c:
            with c.cursor() as cursor:
                cursor.execute("SET SESSION sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall()

    def both(self, *statements: str) -> None:
        for server in (self.source, self.target):
            self.on(server, *statements)

    def start(self, start: StartType | None = None, **changes: Any) -> None:
        assert self.process is None or self.process.poll() is not None
        self.description = replace(self.description, start=start or self.description.start, **changes)
        (self.folder / "status.json").unlink(missing_ok=True)
        self.description.write(self.folder)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lab.cloud.dms.replicator", str(self.folder)],
                cwd=root(),
                stdout=log,
                stderr=log,
            )

    def status(self) -> Status:
        return read_status(self.folder) or Status(pid=0)

    def until(self, true: Callable[[Status], bool], what: str, seconds: float = 120) -> Status:
        deadline = time.monotonic() + seconds
        while not true(status := self.status()):
            if time.monotonic() > deadline or (status.phase is Phase.ENDED and not true(self.status())):
                log = (self.folder / "log").read_text()[-3000:]
                raise AssertionError(f"not seen: {what}; status {status}; log:\n{log}")
            time.sleep(0.02)
        return status

    def following(self) -> Status:
        return self.until(lambda s: s.phase is Phase.FOLLOWING, "following")

    def ended(self) -> Status:
        status = self.until(lambda s: s.phase is Phase.ENDED, "the end")
        assert self.process
        self.process.wait(10)
        return status

    def signal(self, number: int) -> None:
        assert self.process
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait(10)

    def stop(self) -> Status:
        self.signal(signal.SIGTERM)
        return self.ended()

    def applied(self, seconds: float = 120) -> Status:
        """Wait until the target has everything the source had when this was called."""
        file, offset = self.on(self.source, "SHOW MASTER STATUS")[0][:2]

        def there(status: Status) -> bool:
            have, _, at = status.position.rpartition(":")
            return bool(have) and (have, int(at)) >= (file, offset)

        return self.until(there, f"position {file}:{offset}", seconds)

    def purge(self, seconds: float = 120) -> None:
        """Leave one binlog on the source; one that a dead reader still holds goes a little later."""
        deadline = time.monotonic() + seconds
        while len(self.on(self.source, "FLUSH BINARY LOGS", "SHOW BINARY LOGS")) > 1:
            last = self.on(self.source, "SHOW MASTER STATUS")[0][0]
            self.on(self.source, f"PURGE BINARY LOGS TO '{last}'")
            if len(self.on(self.source, "SHOW BINARY LOGS")) == 1:
                return
            assert time.monotonic() < deadline, "the binlogs are not purged"
            time.sleep(0.2)

    def checksums(self, server: Server, *tables: str) -> Any:
        names = ", ".join(tables)
        with server.connect(database=self.schema) as c, c.cursor() as cursor:
            cursor.execute(f"CHECKSUM TABLE {names}")
            return cursor.fetchall()

    def assert_equal(self, *tables: str) -> None:
        assert self.checksums(self.source, *tables) == self.checksums(self.target, *tables)


def settings(**groups: dict[str, Any]) -> dict[str, Any]:
    """livemove's own task, full load and CDC in one, without validation by default; `groups` override it."""
    out = json.loads((root() / "include" / "dms" / "task-settings.json").read_text())
    out["FullLoadSettings"] |= {
        "StopTaskCachedChangesNotApplied": False,
        "StopTaskCachedChangesApplied": False,
        "TargetTablePrepMode": "DO_NOTHING",
    }
    out["ValidationSettings"] = {"EnableValidation": False}
    for name, group in groups.items():
        out[name] = {**out.get(name, {}), **group}
    return out


def mappings(schema: str, table: str = "%") -> dict[str, Any]:
    return {
        "rules": [
            {
                "rule-type": "selection",
                "rule-id": "1",
                "rule-name": "1",
                "object-locator": {"schema-name": schema.replace("_", "[_]"), "table-name": table},
                "rule-action": "include",
            }
        ]
    }


@pytest.fixture
def replication(servers: tuple[Server, Server], tmp_path: Path) -> Iterator[Replication]:
    made = Replication(tmp_path, *servers, f"r{os.getpid()}_{next(numbers)}")
    yield made
    if made.process and made.process.poll() is None:
        made.process.kill()
        made.process.wait(10)
    for server in servers:
        made.on(server, f"DROP DATABASE {made.schema}", schema=None)


@pytest.fixture(scope="module")
def endpoint_url(registry: Registry) -> Iterator[str]:
    """The endpoint with our DMS, in the state folder in which the test servers are on file."""
    before = os.environ.get("LIVEMOVE_LAB_STATE")
    os.environ["LIVEMOVE_LAB_STATE"] = str(registry.state)
    (registry.state / "secrets.json").write_text(json.dumps({"root": "root", "rdsadmin": "none"}))
    api.install()
    answered = api.DmsResponse.call_action

    def remember(self: Any) -> Any:
        status, headers, body = answered(self)
        if status == 200:
            ANSWERS.append((self._get_action(), json.loads(body or "{}")))
        return status, headers, body

    api.DmsResponse.call_action = remember
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    api.DmsResponse.call_action = answered
    os.environ.pop("LIVEMOVE_LAB_STATE")
    (registry.state / "secrets.json").unlink()
    if before:
        os.environ["LIVEMOVE_LAB_STATE"] = before


ANSWERS: list[tuple[str, Any]] = []


@pytest.fixture(autouse=True)
def _shapes() -> Iterator[None]:
    """Every answer of our DMS has the shape that botocore's model gives it."""
    ANSWERS.clear()
    yield
    assert [w for operation, answer in ANSWERS for w in problems(operation, answer)] == []


@pytest.fixture
def client(endpoint_url: str) -> Callable[[str], Any]:
    def make(service: str) -> Any:
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=endpoint_url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    return make


@pytest.fixture
def standing(client: Callable[[str], Any], endpoint_url: str) -> Iterator[Outputs]:
    """The parts that Terraform makes: an instance and a role."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": f"dms.{REGION}.amazonaws.com"},
            }
        ],
    }
    iam, dms = client("iam"), client("dms")
    role = iam.create_role(RoleName="dms-secrets", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    instance = dms.create_replication_instance(
        ReplicationInstanceIdentifier="lab", ReplicationInstanceClass="dms.t3.medium"
    )["ReplicationInstance"]["ReplicationInstanceArn"]
    yield Outputs(replication_instance_arn=instance, dms_secrets_role_arn=role)
    for task in dms.describe_replication_tasks()["ReplicationTasks"]:
        made = DmsReplicator(
            dms,
            client("secretsmanager"),
            service="shop",
            schemas=(),
            settings=str,
            outputs=Outputs,
            clock=SystemClock(),
        )
        for link in made.links():
            made.delete(link)
        assert task
    import requests

    requests.post(f"{endpoint_url}/moto-api/reset", timeout=10)
