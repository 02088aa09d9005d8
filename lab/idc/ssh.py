"""The data centre's sshd: OpenSSH with keys made at start; its login lands in the host's directory."""

from __future__ import annotations

import os
import pwd
import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lab.addresses import here, root, state_dir
from lab.ca import write_private
from lab.checks import program
from lab.processes import MARK, Process, Registry
from lab.web.host import network_of, programs
from lab.web.users import Users, become, one

CONFIG = """\
ListenAddress {address}:{port}
HostKey "{folder}/host"
AuthorizedKeysFile "{folder}/client.pub"
PidFile none
StrictModes no
UsePAM {pam}
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AllowTcpForwarding no
X11Forwarding no
UseDNS no
PrintMotd no
MaxStartups 50
MaxSessions 50
LogLevel INFO
Subsystem sftp {sftp}
ForceCommand {login}
"""

LOGIN = """\
#!/bin/sh
# Every login of this host lands in its own directory, as on a machine of its own.
export HOME={home} PATH={path} {mark} {network}
cd "$HOME" || exit 1
case "${{SSH_ORIGINAL_COMMAND-}}" in
    "") exec {become} sh -i ;;
    {sftp}*) exec {become} {sftp} -d "$HOME" ;;
    *) exec {become} sh -c "$SSH_ORIGINAL_COMMAND" ;;
esac
"""

SFTP = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")


@dataclass(frozen=True)
class Keys:
    private: Path
    host_public: str
    """Type and key, as a connection's `host_key` wants it."""


def folder() -> Path:
    return state_dir() / "ssh"


def user() -> str:
    """The only user who may log in: whoever runs the lab."""
    return pwd.getpwuid(os.geteuid()).pw_name


def keys() -> Keys:
    """Host and client key; made at the first call."""
    folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in ("host", "client"):
        if not (folder() / name).exists():
            _make_key(folder() / name)
    return Keys(folder() / "client", (folder() / "host.pub").read_text().strip())


def start(registry: Registry, home: Path, users: Users | None = None) -> Process:
    """sshd on the IDC address; commands run in `home` as the host's login, with its Python first on the PATH.

    sshd itself lets in whoever runs the lab: system users have no shell.
    """
    users = users or one("")
    a, made = here(), keys()
    home.mkdir(parents=True, exist_ok=True)
    sftp = next((p for p in SFTP if Path(p).exists()), SFTP[0])
    login = folder() / "login"
    path = ":".join(
        [
            programs()[1],
            str(Path(users.python).parent),
            str(root() / ".venv/bin"),
            "/usr/local/bin:/usr/bin:/bin",
        ]
    )
    login.write_text(
        LOGIN.format(
            home=shlex.quote(str(home)),
            path=shlex.quote(path),
            sftp=sftp,
            become=shlex.join(become(users.login, users.service)),  # as whoever deploys
            mark=f"{MARK}={shlex.quote(str(state_dir()))}",
            network=" ".join(f"{k}={shlex.quote(v)}" for k, v in network_of(a.idc).items()),
        )
    )
    login.chmod(0o700)
    (folder() / "sshd_config").write_text(
        CONFIG.format(
            address=a.idc, port=a.ssh, folder=folder(), pam=_pam(), sftp=sftp, login=shlex.quote(str(login))
        )
    )
    if os.geteuid() == 0:
        # sshd's own empty directory; systemd makes it where sshd runs as a service
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    return registry.start(
        "idc-sshd",
        [program("sshd"), "-D", "-e", "-f", str(folder() / "sshd_config")],
        ready=lambda: _listens(a.idc, a.ssh),
        address=a.idc,
        ports={"ssh": a.ssh},
        data=str(home),
        login=f"ssh -i {made.private} -p {a.ssh} {user()}@{a.idc}",
    )


def _make_key(path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    write_private(
        path,
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        ),
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    path.with_suffix(".pub").write_bytes(public + b"\n")


def _pam() -> str:
    """PAM only where it is needed: without it sshd refuses a user whose password is locked with "!"."""
    with suppress(OSError):
        for line in Path("/etc/shadow").read_text().splitlines():
            name, password, *_ = line.split(":")
            if name == user():
                return "yes" if password.startswith("!") else "no"
    return "no"


def _listens(address: str, port: int) -> bool:
    import socket

    try:
        with socket.create_connection((address, port), timeout=1) as s:
            return s.recv(4) == b"SSH-"
    except OSError:
        return False
