"""A server's door: `python -m lab.door RULES SOCKET ADDRESS PORT -- PROGRAM ...` drops who may not come.

The listening socket is opened here, gets a packet filter, and is handed to the program as systemd hands
sockets over (LISTEN_FDS; MariaDB since 10.6). The filter throws away the first packet of a sender that RULES
does not admit, so he waits for an answer that never comes, as behind a security group. A child watches RULES
and puts a changed filter in its place. Without the file everybody is let in.

RULES is JSON: {"hosts": {"127.1.3.10": true}, "networks": ["127.1.1.0/24"]}; a host that is named is let in
or not, whoever else by the networks. The server's own address always comes in: by it the lab looks after it.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
SENDER = 0xFFF00000 + 12
"""SKF_NET_OFF and the place of the sender's address in an IPv4 header."""
LOAD, AND, EQUAL, RETURN = 0x20, 0x54, 0x15, 0x06
"""Classic BPF: `ld [k]`, `and #k`, `jeq #k, jt, jf`, `ret #k`; linux/filter.h."""
PASS, DROP = 0xFFFFFFFF, 0
BACKLOG = 150
LOOK = 0.1
PR_SET_PDEATHSIG = 1


def rules_file(state: Path, server: str) -> Path:
    return state / "network" / f"{server}.json"


def program(own: str, hosts: Mapping[str, bool], networks: Sequence[str]) -> list[tuple[int, int, int, int]]:
    """The filter's instructions: (code, jump if true, jump if false, value)."""
    made = [(LOAD, 0, 0, SENDER)]
    for address, admitted in {**hosts, own: True}.items():
        made += [(EQUAL, 0, 1, int(IPv4Address(address))), (RETURN, 0, 0, PASS if admitted else DROP)]
    for text in networks:
        network = IPv4Network(text)
        made += [
            (LOAD, 0, 0, SENDER),
            (AND, 0, 0, int(network.netmask)),
            (EQUAL, 0, 1, int(network.network_address)),
            (RETURN, 0, 0, PASS),
        ]
    return [*made, (RETURN, 0, 0, DROP)]


def put(listener: socket.socket, rules: Path) -> None:
    """Lay the rules over a listening socket; connections that stand already go on."""
    try:
        found = json.loads(rules.read_text())
    except FileNotFoundError:
        return
    made = program(listener.getsockname()[0], found["hosts"], found["networks"])
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *i) for i in made))
    listener.setsockopt(
        socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(made), ctypes.addressof(code))
    )


def main(words: Sequence[str]) -> None:
    rules, local, address, port = Path(words[0]), Path(words[1]), words[2], int(words[3])
    local.unlink(missing_ok=True)
    tcp = socket.socket(socket.AF_INET)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind((address, port))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(local))
    put(tcp, rules)
    for listener in (tcp, unix):
        listener.listen(BACKLOG)
    server = os.getpid()
    if os.fork() == 0:
        unix.close()
        _watch(tcp, rules, server)
    _become(words[words.index("--") + 1 :], (tcp, unix))


def _watch(listener: socket.socket, rules: Path, server: int) -> None:
    """The child's life: it ends with the server, whose pid stays that of this process's parent."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    seen = 0
    while os.getppid() == server:
        try:
            now = rules.stat().st_mtime_ns
        except FileNotFoundError:
            now = 0
        if now != seen:
            put(listener, rules)
            seen = now
        time.sleep(LOOK)
    os._exit(0)


def _become(argv: Sequence[str], listeners: Sequence[socket.socket]) -> None:
    """Replace this process; the sockets are descriptors 3 and on."""
    kept = [os.dup(s.fileno()) for s in listeners]
    high = [os.dup2(fd, 100 + n, inheritable=False) for n, fd in enumerate(kept)]
    for n, fd in enumerate(high):
        os.dup2(fd, 3 + n, inheritable=True)
    environment = {**os.environ, "LISTEN_FDS": str(len(high)), "LISTEN_PID": str(os.getpid())}
    os.execve(argv[0], list(argv), environment)


if __name__ == "__main__":
    main(sys.argv[1:])
