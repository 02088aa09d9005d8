"""The zone's authoritative name servers and its parent's: Knot servers, each with a copy of its own.

`publish` is what the AWS endpoint's Route 53 calls after each change: it writes the whole zone to both
servers and returns when both serve it. Measured: 30 to 60 ms for the two.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rcode

from lab.addresses import here, root, state_dir
from lab.checks import program
from lab.dns import front
from lab.processes import LabError, Process, Registry

Record = Mapping[str, Any]
"""One record set as Route 53 has it: name, type, ttl (s), values (as in a zone file), weight (optional).

Knot knows no weights: weight 0 means not there, all others count alike, unless a front draws one
(lab.dns.front)."""
KEY = "livemove"
"""Name of the TSIG key where the zone takes dynamic updates."""

NEGATIVE_TTL = 5
NS_TTL = 3600

CONFIG = """\
server:
    rundir: "{folder}"
    listen: [ {address}@{port} ]
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
control:
    listen: "{socket}"
    timeout: 10
log:
  - target: stdout
    any: info
database:
    storage: "{folder}/db"
    journal-db-max-size: 16M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
{signed}template:
  - id: default
    storage: "{folder}/zones"
    file: "%s.zone"
    zonefile-load: whole
    zonefile-sync: -1
    journal-content: none
zone:
{zones}
"""

SIGNED = """\
key:
  - id: {key}
    algorithm: hmac-sha256
    secret: {secret}
remote:
  - id: first
    address: {first}@{port}
    via: {own}
  - id: second
    address: {second}@{port}
    via: {own}
acl:
  - id: update
    key: {key}
    action: [ update, transfer ]
  - id: transfer
    address: {second}
    action: transfer
  - id: notify
    address: {first}
    action: notify
"""
FIRST = "    acl: [ update, transfer ]\n    notify: second\n    serial-policy: increment\n"
SECOND = "    acl: notify\n    master: first\n    zonefile-load: none\n"


def weights_file() -> Path:
    """The file with the weights; it exists where a front before each Knot draws by weight."""
    return state_dir() / "dns" / "weights.json"


def key_file() -> Path:
    """The file with the secret of the TSIG key, in base64; it exists where the zone takes dynamic updates.

    The second server follows the first.
    """
    return state_dir() / "dns" / "tsig.key"


@dataclass(frozen=True)
class Authority:
    """One knotd on its address."""

    number: int
    address: str
    port: int

    @property
    def name(self) -> str:
        return f"knot-{self.number}" if self.number else "knot-parent"

    @property
    def behind(self) -> str:
        """Where Knot itself listens: behind the front, if there is one."""
        return here().ip(5, 100 + self.number) if self.number and weights_file().exists() else self.address

    @property
    def folder(self) -> Path:
        return state_dir() / "dns" / self.name

    @property
    def socket(self) -> Path:
        # a unix socket's path may have 107 characters; a project folder may be longer
        key = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"livemove-{key}.knot.sock"

    def configure(self) -> None:
        zones = sorted((self.folder / "zones").glob("*.zone"))
        signed, more, a = "", "", here()
        if self.number and key_file().exists():
            first, second = a.authorities
            signed = SIGNED.format(
                key=KEY,
                secret=key_file().read_text().strip(),
                first=first,
                second=second,
                port=a.dns,
                own=self.address,
            )
            more = FIRST if self.number == 1 else SECOND
        listed = "".join(f"  - domain: {z.name.removesuffix('.zone')}\n{more}" for z in zones)
        text = CONFIG.format(
            folder=self.folder,
            address=self.behind,
            port=self.port,
            socket=self.socket,
            zones=listed,
            signed=signed,
        )
        (self.folder / "knot.conf").write_text(text)

    def start(self, registry: Registry) -> Process:
        for sub in ("db", "zones"):
            (self.folder / sub).mkdir(parents=True, exist_ok=True)
        self.configure()
        started = registry.start(
            self.name,
            [program("knotd"), "-c", str(self.folder / "knot.conf")],
            ready=lambda: self.control("status", check=False) == 0,
            address=self.address,
            ports={"dns": self.port},
            data=str(self.folder),
            login=f"kdig @{self.address} -p {self.port} <name>",
        )
        if self.behind != self.address:
            front = [
                sys.executable,
                "-m",
                "lab.dns.front",
                self.address,
                str(self.port),
                self.behind,
                str(weights_file()),
            ]
            registry.start(
                f"front-{self.number}",
                front,
                ready=lambda: self._listens(),
                cwd=root(),
                env={**os.environ, "PYTHONPATH": str(root())},
                address=self.address,
                ports={"dns": self.port},
            )
        return started

    def _listens(self) -> bool:
        with socket.socket() as s:
            s.settimeout(1)
            return s.connect_ex((self.address, self.port)) == 0

    def control(self, *command: str, check: bool = True) -> int:
        """One knotc command; LabError with its words when it fails."""
        done = subprocess.run(
            [program("knotc"), "-s", str(self.socket), "-t", "10", *command],
            capture_output=True,
            text=True,
            timeout=15,
        )
        if check and done.returncode:
            raise LabError(f"{self.name}: knotc {' '.join(command)}: {(done.stderr + done.stdout).strip()}")
        return done.returncode

    def load(self, zone: str, text: str) -> None:
        file = self.folder / "zones" / f"{zone}.zone"
        new = not file.exists()
        temporary = file.with_suffix(".new")
        temporary.write_text("" if self.number == 2 and key_file().exists() else text)
        os.replace(temporary, file)
        if new:
            self.configure()
            self.control("reload")
        else:
            self.control("-b", "zone-reload", zone)

    def serial(self, zone: str) -> int | None:
        """Serial number that this server answers with; None when it does not serve the zone."""
        query = dns.message.make_query(f"{zone}.", "SOA")
        try:
            answer = dns.query.udp(query, self.address, port=self.port, timeout=2)
        except (dns.exception.Timeout, OSError):
            return None
        if answer.rcode() != dns.rcode.NOERROR or not answer.answer:
            return None
        return int(answer.answer[0][0].serial)


def authorities() -> list[Authority]:
    a = here()
    return [Authority(n, address, a.dns) for n, address in enumerate(a.authorities, 1)]


def parent(zone: str) -> Authority:
    """The server of the zone above, which delegates to the two authorities with glue."""
    return Authority(0, here().ip(5, 3), here().dns)


def delegate(registry: Registry, zone: str) -> None:
    """Start the parent's server with its delegation of this zone."""
    above = zone.rstrip(".").partition(".")[2]
    server = parent(zone)
    lines = [
        f"{above}. {NS_TTL} SOA ns.nic.{above}. hostmaster.nic.{above}. 1 7200 900 1209600 {NEGATIVE_TTL}"
    ]
    lines += [f"{above}. {NS_TTL} NS ns.nic.{above}.", f"ns.nic.{above}. {NS_TTL} A {server.address}"]
    lines += [f"{zone}. {NS_TTL} NS ns{n}.{zone}." for n in (1, 2)]
    lines += [f"ns{n}.{zone}. {NS_TTL} A {ip}" for n, ip in enumerate(here().authorities, 1)]
    (server.folder / "zones").mkdir(parents=True, exist_ok=True)
    (server.folder / "zones" / f"{above}.zone").write_text("\n".join(lines) + "\n")
    server.start(registry)


def publish(zone: str, records: Iterable[Record], *, timeout: float = 10) -> int:
    """Serve exactly these records from both authorities; the new serial number.

    SOA and NS of the zone itself are the lab's own (ns1 and ns2), whatever `records` says about them:
    Amazon's name servers exist, moto's do not. LabError when a server does not serve the zone in time.
    """
    zone = zone.rstrip(".").lower()
    servers = authorities()
    servers[0].folder.mkdir(parents=True, exist_ok=True)
    with (servers[0].folder / "publish.lock").open("w") as lock:
        # two changes at once would get the same serial number
        fcntl.flock(lock, fcntl.LOCK_EX)
        serial = max(_last_serial(s, zone) for s in servers) + 1
        listed = list(records)
        text = zone_text(zone, listed, serial)
        if weights_file().exists():
            weights = weights_file().with_suffix(".new")
            weights.write_text(json.dumps(front.document(listed)))
            os.replace(weights, weights_file())
        for server in servers:
            server.load(zone, text)
        deadline = time.monotonic() + timeout
        for server in servers:
            while server.serial(zone) != serial:
                if time.monotonic() > deadline:
                    raise LabError(
                        f"{server.name} does not serve {zone} with serial {serial} after {timeout:.0f} s; "
                        f"its log: {state_dir() / 'logs' / (server.name + '.log')}"
                    )
                time.sleep(0.01)
    return serial


def zone_text(zone: str, records: Iterable[Record], serial: int) -> str:
    """A zone file with the lab's SOA, NS and glue in front."""
    a = here()
    lines = [f"{zone}. {NS_TTL} SOA ns1.{zone}. hostmaster.{zone}. {serial} 7200 900 1209600 {NEGATIVE_TTL}"]
    lines += [f"{zone}. {NS_TTL} NS ns{n}.{zone}." for n in (1, 2)]
    lines += [f"ns{n}.{zone}. {NS_TTL} A {ip}" for n, ip in enumerate(a.authorities, 1)]
    for record in records:
        owner, kind = record["name"].rstrip(".").lower(), record["type"]
        ours = (owner == zone and kind in ("SOA", "NS")) or owner in (f"ns1.{zone}", f"ns2.{zone}")
        if not ours and record.get("weight") != 0:
            lines += [f"{owner}. {record['ttl']} {kind} {value}" for value in record["values"]]
    return "\n".join(lines) + "\n"


def _last_serial(server: Authority, zone: str) -> int:
    file = server.folder / "zones" / f"{zone}.zone"
    words = file.read_text().split(maxsplit=6) if file.exists() else []
    return int(words[5]) if words else 0
