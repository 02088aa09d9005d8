"""Who is who on the lab's hosts: a login that deploys, and the service's own user.

Both are users that every Debian has, and real ones: files belong to them, processes run as them, the kernel
refuses them. Only root can be somebody else, and both need a Python that they may run; where one of these is
missing, a host has one user, whoever runs the lab, and `note` says what to do about it.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import site
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.addresses import root, state_dir

LOGIN, SERVICE = "backup", "www-data"
IMPORTS = "import monolith.site, monolith.gate, uvicorn"
"""What the service needs of its Python."""


@dataclass(frozen=True)
class Users:
    """The users of every host of one lab."""

    login: str
    service: str
    python: str
    """A Python that both may run, with the application's packages."""
    note: str = ""
    """Why a host has one user only; empty when it has two."""

    @property
    def two(self) -> bool:
        return self.login != self.service


def me() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name


def one(note: str) -> Users:
    return Users(me(), me(), sys.executable, note)


def file(state: Path) -> Path:
    return state / "users.json"


def users(state: Path | None = None) -> Users:
    """The users of the lab in this folder; one of them where `settle` was not called."""
    try:
        return Users(**json.loads(file(state or state_dir()).read_text()))
    except OSError:
        return one("")


def settle(state: Path) -> Users:
    """Find out who the users of this lab's hosts can be, and keep it for whoever works with it."""
    found = _find(state)
    file(state).write_text(json.dumps(asdict(found)))
    return found


def _find(state: Path) -> Users:
    if os.geteuid() != 0:
        return one("run as root for hosts with a login and a service user of their own")
    try:
        pwd.getpwnam(LOGIN), pwd.getpwnam(SERVICE)
    except KeyError as e:
        return one(f"this machine has no user of Debian's base system: {e}")
    for folder in (state, root()):
        if shut := next(
            (p for p in (*reversed(folder.parents), folder) if not p.stat().st_mode & 0o001), None
        ):
            return one(
                f"{shut} is closed to other users; put the project elsewhere (/opt, /srv) for hosts with a"
                " login and a service user of their own"
            )
    for python in (sys.executable, None):
        program = python or str(_copy_python(state / "python"))
        why = _runs(program)
        if not why:
            return Users(LOGIN, SERVICE, program)
    return one(f"{SERVICE} cannot run the application with a copy of this Python: {why}")


def _runs(program: str) -> str:
    try:
        done = subprocess.run(
            [*become(SERVICE, low_ports=True), program, "-c", IMPORTS],
            cwd=root() / "lab" / "web",
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            errors="replace",
        )
    except OSError as e:
        return str(e)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["?"])[-1]


def _copy_python(folder: Path) -> Path:
    """The interpreter by hard links, where its place is closed to others: a host has one of its own."""
    base = Path(sys.base_prefix)
    for part in ("bin", "lib"):
        shutil.copytree(
            base / part,
            folder / part,
            symlinks=True,
            ignore=shutil.ignore_patterns("site-packages", "test", "tests", "*.a"),
            copy_function=_link,
            dirs_exist_ok=True,
        )
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    program = folder / "python3"
    packages = os.pathsep.join(site.getsitepackages())
    program.write_text(
        "#!/bin/sh\n"
        f'LD_LIBRARY_PATH={folder}/lib PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}{packages}"\n'
        "export LD_LIBRARY_PATH PYTHONPATH\n"
        f'exec {folder}/bin/python{sys.version_info[0]}.{sys.version_info[1]} "$@"\n'
    )
    program.chmod(0o755)
    (folder / "python").unlink(missing_ok=True)
    (folder / "python").symlink_to("python3")
    return program


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)


def become(user: str, *groups: str, low_ports: bool = False) -> list[str]:
    """What begins a command line that runs as this user, a member of the groups, too; nothing for oneself.

    `low_ports`: it may listen on ports below 1024, as systemd's AmbientCapabilities allow a service.
    """
    if user == me():
        return []
    entry = pwd.getpwnam(user)
    all_groups = (entry.pw_gid, *(pwd.getpwnam(name).pw_gid for name in groups))
    capability = "+net_bind_service"
    return [
        "setpriv",
        f"--reuid={entry.pw_uid}",
        f"--regid={entry.pw_gid}",
        f"--groups={','.join(map(str, all_groups))}",
        *((f"--inh-caps={capability}", f"--ambient-caps={capability}") if low_ports else ()),
        "--",
    ]


def give(path: Path, owner: str, group: str, mode: int) -> None:
    """Owner, group and mode of a file; the owner only where root gives it away."""
    path.chmod(mode & 0o777)
    if (owner, group) != (me(), me()):
        os.chown(path, pwd.getpwnam(owner).pw_uid, pwd.getpwnam(group).pw_gid)
        path.chmod(mode)
