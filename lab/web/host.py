"""A web host of the lab: a login directory on a loopback address, bare at first, then with the monolith.

<directory>/host.env      who this host is, for shells: NAME ADDRESS PORT CA CERTIFICATE KEY PYTHON ...
<directory>/bin/service   start | stop | restart | status, as systemctl on a real server
<directory>/app/          the application: bin/shop, shop.env (its settings), run/
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.addresses import root, state_dir
from lab.processes import LabError, Process, Registry
from lab.web import release
from lab.web.monolith.settings import read_env

Certificate = tuple[Path, Path, Path]
"""(CA, certificate, key), in the order of lab.mariadb.Server.certificate."""


@dataclass(frozen=True)
class WebHost:
    """What host.env says. `name` is also the name of its process in the lab's registry."""

    directory: Path
    name: str
    address: str
    port: int
    certificate: Certificate
    state: Path

    @property
    def app(self) -> Path:
        return self.directory / "app"


def prepare_host(
    directory: Path,
    name: str,
    address: str,
    port: int,
    certificate: Certificate,
    *,
    state: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> WebHost:
    """Make a host without an application.

    `state` is the registry's folder; `extra` goes into host.env (AWS_ENDPOINT_URL, ...).
    """
    host = WebHost(directory.absolute(), name, address, port, certificate, (state or state_dir()).absolute())
    (directory / "bin").mkdir(parents=True, exist_ok=True)
    ca, crt, key = (str(p.absolute()) for p in certificate)
    values = {
        "NAME": name,
        "ADDRESS": address,
        "PORT": str(port),
        "CA": ca,
        "CERTIFICATE": crt,
        "KEY": key,
        "PYTHON": sys.executable,
        "LAB": str(root()),
        "STATE": str(host.state),
        **(extra or {}),
    }
    _write(directory / "host.env", "".join(f"{k}={shlex.quote(v)}\n" for k, v in values.items()), mode=0o600)
    script = (
        "#!/bin/sh\n"
        "# start | stop | restart | status: what systemctl is on a real server\n"
        'home=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)\n'
        '. "$home/host.env"\n'
        'PYTHONPATH="$LAB" exec "$PYTHON" -m lab.web.service "$1" "$home"\n'
    )
    _write(directory / "bin" / "service", script, mode=0o755)
    return host


def network_of(address: str) -> dict[str, str]:
    """Environment by which a host's programs speak from its own address; PYTHONPATH is for its Python."""
    return {"PYTHONPATH": str(root() / "lab" / "web" / "python"), "LIVEMOVE_LAB_ADDRESS": address}


def programs() -> list[str]:
    """Folders that come first on a host's PATH: its `aws` where the real one is missing, its `mariadb`."""
    return [str(root() / "lab" / "web" / folder) for folder in ("bin", "client")]


def read_host(directory: Path) -> WebHost:
    """The host that lives in this directory; SettingsError when there is none."""
    v = read_env(directory / "host.env")
    certificate = (Path(v["CA"]), Path(v["CERTIFICATE"]), Path(v["KEY"]))
    return WebHost(directory, v["NAME"], v["ADDRESS"], int(v["PORT"]), certificate, Path(v["STATE"]))


def start(
    registry: Registry,
    name: str,
    directory: Path,
    address: str,
    port: int,
    settings: Mapping[str, str],
    certificate: Certificate,
    *,
    extra: Mapping[str, str] | None = None,
) -> Process:
    """A host with the application installed and running. Settings that livemove manages are kept."""
    host = prepare_host(directory, name, address, port, certificate, state=registry.state, extra=extra)
    install(host)
    link = host.app / "shop.env"
    if not link.is_symlink():
        _write(link, "".join(f"{k}={v}\n" for k, v in settings.items()), mode=0o600)
    return start_service(registry, host)


def install(host: WebHost) -> None:
    """Put the application into the host's app/; nothing to do when this version is there."""
    marker = host.app / "VERSION"
    if marker.exists() and marker.read_text().strip() == release.version():
        return
    for name, source in release.files().items():
        target = host.app / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    _write(marker, f"{release.version()}\n", mode=0o644)


def start_service(registry: Registry, host: WebHost) -> Process:
    """Start the installed application; LabError when it was ended for good or does not come up."""
    if (host.app / "run" / "stopped").exists():
        raise LabError(
            f"{host.name} was ended for good with `app/bin/shop stop`. Next: remove {host.app}/run/stopped if"
            " it shall run again"
        )
    if not (host.app / "monolith").is_dir():
        raise LabError(f"{host.name} has no application yet. Next: install a release")
    _, crt, key = host.certificate
    env = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(host.directory),
        "LANG": "C.UTF-8",
        "SHOP_ADDRESS": host.address,
        "SHOP_PORT": str(host.port),
        "SHOP_CERTIFICATE": str(crt),
        "SHOP_KEY": str(key),
        "SHOP_HOST": host.name,
        **network_of(host.address),
    }
    return registry.start(
        host.name,
        [sys.executable, "-m", "monolith"],
        ready=(host.app / "run" / "shop.pid").exists,
        cwd=host.app,
        env=env,
        address=host.address,
        ports={"https": host.port},
        data=str(host.directory),
    )


def _write(path: Path, text: str, *, mode: int) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.touch(mode=mode)
    temporary.chmod(mode)
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
