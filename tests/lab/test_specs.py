"""The specs that hold in a lab which does not stand on the default addresses."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from lab import connections, secrets_file, specs
from lab.addresses import Addresses, here, settle
from lab.idc import ssh
from lab.processes import LabError
from lab.web import users
from livemove.model.spec import load_spec
from tests.raising import raises


def test_hosts_of_the_cloud_are_folders_of_the_lab_and_its_users_serve(state: Path) -> None:
    settle(Addresses(1, True))
    specs.write()
    idc, cloud = load_spec(specs.folder() / "shop.yaml").servers
    assert cloud.directory == str(state / "hosts" / "shop-web-1" / "livemove")
    assert cloud.settings_link == str(state / "hosts" / "shop-web-1" / "app" / "shop.env")
    assert idc.runs_as == cloud.runs_as == users.me()
    users.file(state).write_text('{"login": "backup", "service": "www-data", "python": "/usr/bin/python3"}')
    specs.write(dump_schemas=["sakila"])
    spec = load_spec(specs.folder() / "dump.yaml")
    assert spec.servers[1].directory == str(state / "hosts" / "dump-web-1" / "livemove")
    assert spec.servers[1].runs_as == "www-data"
    assert spec.application.install == f"./install.sh {state}/hosts/dump-web-1"


def test_addresses_and_ports_follow_and_comments_stay(state: Path) -> None:
    settle(Addresses(77, False))
    assert specs.write() == specs.folder()
    spec = load_spec(specs.folder() / "shop.yaml")
    assert spec.source.address == "127.77.1.10"
    assert {s.address for s in spec.servers} == {"127.77.1.10", None}
    assert spec.dns.resolvers == tuple(f"127.77.6.{n}@10053" for n in (1, 2, 3, 4))
    assert spec.dns.authority_port == 10053
    assert spec.application.url == "https://www.shop.test:10443"
    text = (specs.folder() / "shop.yaml").read_text()
    assert text.count("# production:") == specs.SHOP.read_text().count("# production:") > 5


def test_a_dump_gets_a_spec_with_its_schemas(state: Path) -> None:
    settle(here())
    specs.write(dump_schemas=["sakila", 'odd "name" \\', "livemove_traffic"])
    spec = load_spec(specs.folder() / "dump.yaml")
    assert spec.source.schemas == ("sakila", 'odd "name" \\', "livemove_traffic")
    assert spec.source.accounts == ("dump_app",)
    assert spec.application.database == "livemove_traffic"
    assert (spec.dns.name, spec.dns.zone, spec.aws.bucket) == ("www.dump.test", "dump.test", "dump-livemove")
    assert [f.name for f in specs.folder().iterdir()] == ["dump.yaml"]


def test_a_wrong_spec_is_refused_with_file_line_and_nearest_word(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "shop.yaml"
    broken.write_text(specs.SHOP.read_text().replace("  bucket:", "  buket:"))
    monkeypatch.setattr(specs, "SHOP", broken)
    with raises(LabError, f"{broken}:", "aws.buket", "did you mean bucket"):
        specs.write()


@pytest.mark.parametrize("service", ["shop", "dump"])
def test_connections_are_those_that_the_spec_names(state: Path, service: str) -> None:
    settle(Addresses(77, True))
    secrets_file.create()
    ssh.keys()
    specs.write(dump_schemas=["x"] if service == "dump" else None)
    connections.write(service)
    file = state / "airflow.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    pairs = dict(line.split("=", 1) for line in file.read_text().splitlines())
    assert pairs.pop("LIVEMOVE_MIGRATIONS") == str(specs.folder())
    assert pairs.pop("LIVEMOVE_CA_FILE") == str(state / "ca" / "ca.pem")
    spec = load_spec(specs.folder() / f"{service}.yaml")
    named = {spec.aws.connection, spec.source.connection, spec.target.connection, spec.application.connection}
    named |= {s.connection for s in spec.servers if s.connection}
    assert set(pairs) == {f"AIRFLOW_CONN_{n.upper()}" for n in named}
    for value in pairs.values():
        assert json.loads(value)["conn_type"] in ("aws", "mysql", "ssh")


def test_secrets_are_made_once_and_only_their_owner_reads_them(state: Path) -> None:
    first = secrets_file.create()
    assert secrets_file.create() == first
    assert stat.S_IMODE(secrets_file.path().stat().st_mode) == 0o600
    assert len(set(first.values())) == len(first)
