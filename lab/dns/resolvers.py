"""Four caching resolvers, one unbound each, as users, partners and offices have. The last stretches TTLs.

They know the lab's zones only and refuse every other name, so that a rehearsal never asks the real DNS.
"""

from __future__ import annotations

import dns.exception
import dns.message
import dns.query

from lab.addresses import Addresses, here, state_dir
from lab.checks import program
from lab.processes import Process, Registry

STRETCHED_TTL = 20

CONFIG = """\
server:
    interface: {address}@{port}
    port: {port}
    do-ip6: no
    do-daemonize: no
    chroot: ""
    username: ""
    directory: "{folder}"
    pidfile: ""
    use-syslog: no
    logfile: ""
    num-threads: 1
    outgoing-range: 64
    num-queries-per-thread: 64
    msg-cache-size: 1m
    rrset-cache-size: 1m
    key-cache-size: 64k
    neg-cache-size: 64k
    infra-cache-numhosts: 64
    # a name server of the lab that was down is asked again soon
    infra-host-ttl: 2
    module-config: "iterator"
    access-control: 127.0.0.0/8 allow
    do-not-query-localhost: no
    # nothing but the lab's zones: no root servers, no real network
    local-zone: "." refuse
{zones}    cache-min-ttl: {min_ttl}
remote-control:
    control-enable: no
{stubs}"""


def configuration(address: str, zones: tuple[str, ...], *, min_ttl: int = 0) -> str:
    a = here()
    above = sorted({z.partition(".")[2] for z in zones})
    authorities = "".join(f"    stub-addr: {ip}@{a.dns}\n" for ip in a.authorities)
    return CONFIG.format(
        address=address,
        port=a.dns,
        folder=state_dir() / "dns",
        min_ttl=min_ttl,
        zones="".join(f'    local-zone: "{z}." transparent\n' for z in (*zones, *above)),
        stubs="".join(f'stub-zone:\n    name: "{z}."\n{authorities}' for z in zones)
        + "".join(f'stub-zone:\n    name: "{z}."\n    stub-addr: {a.ip(5, 3)}@{a.dns}\n' for z in above),
    )


def start(registry: Registry, zones: tuple[str, ...]) -> list[Process]:
    """Bring all resolvers up; they answer from the authorities from the first question on."""
    a = here()
    started = []
    for n, address in enumerate(a.resolvers, 1):
        stretches = n == len(a.resolvers)
        file = state_dir() / "dns" / f"resolver-{n}.conf"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(configuration(address, zones, min_ttl=STRETCHED_TTL if stretches else 0))
        started.append(_start(registry, n, a, address, str(file)))
    return started


def _start(registry: Registry, n: int, a: Addresses, address: str, file: str) -> Process:
    return registry.start(
        f"resolver-{n}",
        [program("unbound"), "-d", "-p", "-c", file],
        ready=lambda: answers(address, a.dns),
        address=address,
        ports={"dns": a.dns},
        data=file,
        login=f"kdig @{address} -p {a.dns} <name>",
    )


def answers(address: str, port: int) -> bool:
    """Whether it answers a query for a name outside the lab, which it refuses without caching anything."""
    query = dns.message.make_query("ready.invalid.", "A")
    try:
        dns.query.udp(query, address, port=port, timeout=0.5)
    except (dns.exception.Timeout, OSError):
        return False
    return True


def lookup(name: str, address: str, port: int) -> tuple[list[str], int]:
    """(addresses, remaining TTL) of an A record at the name server `address`; ([], 0) without an answer."""
    query = dns.message.make_query(name.rstrip(".") + ".", "A")
    try:
        answer = dns.query.udp(query, address, port=port, timeout=2)
    except (dns.exception.Timeout, OSError):
        return [], 0
    for rrset in answer.answer:
        if rrset.rdtype == 1:
            return sorted(r.to_text() for r in rrset), int(rrset.ttl)
    return [], 0
