"""A new server of the cloud is equipped over SSM by root, and its service runs as a user of its own."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from pwd import getpwnam
from typing import Any

import pytest

from lab import specs
from lab.addresses import Addresses, settle
from lab.processes import Registry
from lab.web import release, users
from livemove.model.ledger import Outputs
from livemove.model.spec import Side, load_spec
from livemove.runtime.clock import SystemClock
from livemove.runtime.ssm import SsmHost
from livemove.servers.adapters.equipping import deploy
from livemove.servers.adapters.servers import told
from tests.conftest import Endpoint, _free
from tests.lab_cloud.test_network import World as Network
from tests.lab_cloud.waiting import until
from tests.lab_web.conftest import APP, AppWorld, first_database, second_database

__all__ = ["first_database", "second_database"]
TABLES = (Path(specs.__file__).parent / "idc" / "laravel.sql").read_text()
pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two other users"),
]


class World(AppWorld):
    outputs = Outputs(database_address="", database_port=3306, application_secret_arn="shop/app")

    def __init__(self, endpoint: Endpoint, *databases: Any) -> None:
        super().__init__(*databases)
        self.aws = endpoint.client


@pytest.fixture
def open_endpoint() -> Iterator[Endpoint]:
    """The endpoint, its hosts in a folder that other users may come to."""
    top = Path(tempfile.mkdtemp(prefix="livemove-ec2-"))
    top.chmod(0o755)
    state = top / "state"
    state.mkdir()
    if not (who := users.settle(state)).two:
        pytest.skip(who.note)
    octet = next(n for n in (100 + (os.getpid() + i) % 60 for i in range(60)) if _free(f"127.{n}.2.1"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    environment |= {"LIVEMOVE_LAB_STATE": str(state), "LIVEMOVE_LAB_OCTET": str(octet)}
    registry = Registry(state)
    registry.start(
        "aws",
        [sys.executable, "-m", "lab.cloud"],
        ready=lambda: not _free(f"127.{octet}.2.1"),
        timeout=60,
        cwd=Path(__file__).parents[2],
        env=environment,
    )
    yield Endpoint(f"http://127.{octet}.2.1:5000", state)
    registry.stop_all()
    registry.kill_strays()
    shutil.rmtree(top)


@pytest.fixture
def instance(open_endpoint: Endpoint) -> str:
    network = Network(open_endpoint)
    ec2, instance_id = network.ec2, network.server("shop-web-1")
    elastic = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(InstanceId=instance_id, AllocationId=elastic["AllocationId"])
    prepared = open_endpoint.state / "hosts" / instance_id / "host.env"
    until(
        lambda: True if prepared.exists() and elastic["PublicIp"] in prepared.read_text() else None,
        "the host at its address",
    )
    return instance_id


@pytest.mark.parametrize("app", specs.APPS)
def test_it_is_equipped_by_root_and_its_service_reads_the_settings(
    open_endpoint: Endpoint,
    instance: str,
    first_database: Any,
    second_database: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    app: str,
) -> None:
    monkeypatch.setenv("LIVEMOVE_LAB_STATE", str(open_endpoint.state))
    settle(Addresses(int(open_endpoint.url.split(".")[1]), True))
    specs.write(app=app)
    spec = load_spec(specs.folder() / "shop.yaml")
    s3 = open_endpoint.client("s3")
    s3.create_bucket(
        Bucket="shop-livemove", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"}
    )
    archive = release.build(tmp_path / "shop.tar.gz", app=app)
    s3.upload_file(str(archive), "shop-livemove", "releases/shop.tar.gz")
    open_endpoint.client("secretsmanager").create_secret(
        Name="shop/app", SecretString=f'{{"password": "{APP["DB_PASSWORD"]}"}}'
    )
    home = open_endpoint.state / "hosts" / "shop-web-1"
    world: Any = World(open_endpoint, first_database, second_database)
    world.spec = spec
    web = spec.servers[1]
    for database in (first_database, second_database):
        database.load("DROP TABLE IF EXISTS shop.livemove_probe, shop.cache;" + TABLES)
    ssm = SsmHost(open_endpoint.client("ssm"), web.name, instance, "", SystemClock())

    for _ in range(2):
        assert "www-data reads its settings (seen as that user, by setpriv)" in deploy(world, web, ssm)
    for name in ("source", "target"):
        seen = (home / f"livemove/{name}.env").stat()
        assert (seen.st_uid, seen.st_gid, seen.st_mode & 0o777) == (0, getpwnam("www-data").pw_gid, 0o640)
    process = Registry(open_endpoint.state).find(instance)
    assert process is not None
    assert Path(f"/proc/{process.pid}").stat().st_uid == getpwnam("www-data").pw_uid
    with socket.create_connection((process.address, 443), 5):
        pass
    for epoch, side in ((2, Side.TARGET), (3, Side.SOURCE)):
        moved = told(web, ssm, f"repoint --epoch {epoch} --to {side}", 60)
        assert (moved.ok, moved.facts["points_to"]) == (True, side), moved
        assert world.databases[side].address in moved.message
