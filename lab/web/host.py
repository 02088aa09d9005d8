"""A web host of the lab: a login directory on a loopback address, bare at first, then with the monolith.

It has a login, to whom the files belong, and a service user, as whom the monolith runs (lab.web.users). The
directory is closed to others, as homes are.

<directory>/host.env      who this host is, for shells: NAME ADDRESS PORT CA CERTIFICATE KEY PYTHON ...
<directory>/tls/          the service's own copy of its certificate and key
<directory>/bin/service   start | stop | restart | status, as systemctl on a real server
<directory>/app/          the application: bin/shop, shop.env (its settings), run/
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.addresses import root, state_dir
from lab.processes import LabError, Process, Registry
from lab.web import release
from lab.web.monolith import laravel
from lab.web.monolith.settings import read_env
from lab.web.users import Users, become, give, me, one

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
    users: Users

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
    users: Users | None = None,
    extra: Mapping[str, str] | None = None,
) -> WebHost:
    """Make a host without an application.

    `state` is the registry's folder; `users`: who is who on it, one user when not given; `extra` goes into
    host.env (AWS_ENDPOINT_URL, ...).
    """
    users, directory = users or one(""), directory.absolute()
    (directory / "bin").mkdir(parents=True, exist_ok=True)
    give(directory, users.login, users.service, 0o750)
    ca, crt, key = tls = _own_certificate(directory, certificate, users)
    host = WebHost(directory, name, address, port, tls, (state or state_dir()).absolute(), users)
    values = {
        "NAME": name,
        "ADDRESS": address,
        "PORT": str(port),
        "CA": str(ca),
        "CERTIFICATE": str(crt),
        "KEY": str(key),
        "PYTHON": users.python,
        "LOGIN_USER": users.login,
        "SERVICE_USER": users.service,
        "LAB": str(root()),
        "STATE": str(host.state),
        **(extra or {}),
    }
    _write(directory / "host.env", "".join(f"{k}={shlex.quote(v)}\n" for k, v in values.items()), mode=0o600)
    give(directory / "host.env", users.login, users.login, 0o600)
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
    users = Users(v["LOGIN_USER"], v["SERVICE_USER"], v["PYTHON"])
    return WebHost(directory, v["NAME"], v["ADDRESS"], int(v["PORT"]), certificate, Path(v["STATE"]), users)


def start(
    registry: Registry,
    name: str,
    directory: Path,
    address: str,
    port: int,
    settings: Mapping[str, str],
    certificate: Certificate,
    *,
    users: Users | None = None,
    extra: Mapping[str, str] | None = None,
    app: str = "",
) -> Process:
    """A host with the application installed and running. Settings that livemove manages are kept.

    `app`: its kind, see lab.specs.APPS.
    """
    host = prepare_host(
        directory, name, address, port, certificate, state=registry.state, users=users, extra=extra
    )
    install(host, app)
    link = host.app / (".env" if app == "laravel" else "shop.env")
    if not link.is_symlink():
        # as guides of web frameworks say: the one who deploys may write it, the service may read it
        text = release.dotenv(settings) if app == "laravel" else _lines(settings)
        _write(link, text, mode=0o600)
        give(link, host.users.login, host.users.service, 0o640)
    if app == "laravel":
        # as in production: what it reads is the cache
        laravel.cache(host.app)
        give(host.app / laravel.CACHED, host.users.login, host.users.service, 0o640)
    return start_service(registry, host)


def install(host: WebHost, app: str = "") -> None:
    """Put the application into the host's app/; nothing to do when this version is there."""
    marker = host.app / "VERSION"
    if marker.exists() and marker.read_text().strip() == release.version(app):
        return
    for name, source in release.files(app).items():
        target = host.app / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    _write(marker, f"{release.version(app)}\n", mode=0o644)
    for path in (host.app, *host.app.rglob("*")):
        give(path, host.users.login, host.users.login, path.stat().st_mode & 0o777)
    if app == "laravel":
        # artisan writes there, whoever runs it; the service reads it
        cached = host.app / "bootstrap" / "cache"
        cached.mkdir(parents=True, exist_ok=True)
        give(cached.parent, host.users.login, host.users.login, 0o755)
        give(cached, host.users.login, host.users.service, 0o2770)


def start_service(registry: Registry, host: WebHost) -> Process:
    """Start the installed application; LabError when it was ended for good or does not come up."""
    if (host.app / "run" / "stopped").exists():
        raise LabError(
            f"{host.name} was ended for good with `app/bin/shop stop`. Next: remove {host.app}/run/stopped if"
            " it shall run again"
        )
    if not (host.app / "monolith").is_dir():
        raise LabError(f"{host.name} has no application yet. Next: install a release")
    if host.users.service != me() and os.geteuid() != 0:
        raise LabError(f"only root may start the service of {host.name}, as with systemctl")
    # as systemd's RuntimeDirectory; the login's group speaks to the service's socket in it
    run = host.app / "run"
    run.mkdir(exist_ok=True)
    give(run, host.users.service, host.users.login, 0o2770)
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
        [*become(host.users.service, low_ports=True), host.users.python, "-m", "monolith"],
        ready=(host.app / "run" / "shop.pid").exists,
        cwd=host.app,
        env=env,
        address=host.address,
        ports={"https": host.port},
        data=str(host.directory),
    )


def _own_certificate(directory: Path, certificate: Certificate, users: Users) -> Certificate:
    """Copies that the service may read: its key is for nobody else."""
    folder = directory / "tls"
    folder.mkdir(exist_ok=True)
    copies = tuple(folder / p.name for p in certificate)
    for source, copy, mode in zip(certificate, copies, (0o644, 0o644, 0o400), strict=True):
        copy.unlink(missing_ok=True)
        shutil.copy(source, copy)
        give(copy, users.service, users.service, mode)
    give(folder, users.service, users.service, 0o755)
    ca, crt, key = copies
    return ca, crt, key


def _lines(settings: Mapping[str, str]) -> str:
    return "".join(f"{k}={v}\n" for k, v in settings.items())


def _write(path: Path, text: str, *, mode: int) -> None:
    temporary = path.with_name(path.name + ".new")
    temporary.touch(mode=mode)
    temporary.chmod(mode)
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
