"""What must be true of the machine before the lab starts: programs, disk, addresses and ports."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import socket
from pathlib import Path

from lab.addresses import Addresses
from lab.processes import LabError

DISK_WANTED = 5 * 1024**3
PROGRAMS = {
    "mariadbd": "mariadb-server-core",
    "mariadb-install-db": "mariadb-server-core",
    "mariadb": "mariadb-client",
    "knotd": "knot",
    "knotc": "knot",
    "unbound": "unbound",
    "sshd": "openssh-server",
}


def program(name: str) -> str:
    """Full path of a server's program; LabError says which package has it."""
    # an ordinary user's PATH has no sbin on Debian
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin")
    if not found:
        raise LabError(f"{name} is not installed. Next: make setup, or install {PROGRAMS.get(name, name)}")
    return found


def check_programs() -> None:
    missing = []
    for name in PROGRAMS:
        try:
            program(name)
        except LabError:
            missing.append(name)
    if missing:
        packages = sorted({PROGRAMS[n] for n in missing})
        raise LabError(
            f"Not installed: {', '.join(missing)}. Next: make setup, or apt-get install {' '.join(packages)}"
        )


def check_disk(state: Path) -> None:
    folder = next(p for p in (state, *state.parents) if p.exists())
    free = shutil.disk_usage(folder).free
    if free < DISK_WANTED:
        raise LabError(
            f"{free / 1024**3:.1f} GB are free on the disk of {folder}; wanted at least"
            f" {DISK_WANTED / 1024**3:.0f} GB for databases and binlogs. Next: free some, or put the lab"
            " elsewhere with LIVEMOVE_LAB_STATE=/a/folder"
        )


def wanted(a: Addresses) -> list[tuple[str, int, bool]]:
    """(address, port, also UDP) of every host that stands from the start; EC2 and RDS come later."""
    fixed = [
        (a.idc, a.mariadb_port, False),
        (a.idc, a.https, False),
        (a.idc, a.ssh, False),
        (a.aws, a.aws_port, False),
    ]
    fixed += [(a.ec2(0), a.https, False), (a.rds(0), a.mariadb_port, False)]
    return fixed + [(ip, a.dns, True) for ip in (*a.authorities, *a.resolvers)]


def settle_ports(first_choice: Addresses) -> Addresses:
    """The addresses to use: low ports where all are free, else high ones; LabError when neither are."""
    taken = _taken(first_choice)
    if first_choice.low_ports and any(port < 1024 for _, port in taken):
        first_choice = Addresses(first_choice.octet, False)
        taken = _taken(first_choice)
    if taken:
        lines = "; ".join(f"{address}:{port} by {holder_of(address, port)}" for address, port in taken)
        raise LabError(
            f"Ports that the lab needs are taken: {lines}. Next: end these, or let them listen on 127.0.0.1"
            " only"
        )
    return first_choice


def _taken(a: Addresses) -> list[tuple[str, int]]:
    found = []
    for address, port, udp in wanted(a):
        kinds = [socket.SOCK_STREAM] + ([socket.SOCK_DGRAM] if udp else [])
        if any(not _free(address, port, kind) for kind in kinds):
            found.append((address, port))
    return found


def _free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as s:
        if kind is socket.SOCK_STREAM:
            # connections of the last lab that still time out are no hindrance
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind((address, port))
        except OSError as e:
            if e.errno == errno.EADDRINUSE:
                return False
            raise LabError(
                f"{address}:{port} cannot be used ({e.strerror}). "
                "Wanted: the loopback network 127.0.0.0/8, as every Linux has it"
            ) from e
    return True


def holder_of(address: str, port: int) -> str:
    """`name (pid N)` of the process that listens there, as far as this user may know."""
    inodes = _listening(address, port)
    for fd in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            link = os.readlink(fd)
            if link.startswith("socket:[") and link[8:-1] in inodes:
                process = fd.parent.parent
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return "a process of another user"


def _listening(address: str, port: int) -> set[str]:
    """Inodes of sockets bound to that port on that address or on all addresses."""
    packed = socket.inet_aton(address)[::-1].hex().upper()
    local = {f"{a}:{port:04X}" for a in (packed, "0" * 8, "0" * 32)}
    inodes = set()
    for table in ("tcp", "tcp6", "udp", "udp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[1] in local and fields[3] in ("0A", "07"):
                    inodes.add(fields[9])
    return inodes
