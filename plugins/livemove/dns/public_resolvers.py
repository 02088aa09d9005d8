"""Well-known public caches, so that a migration watches more of its users' way than its own network.

Providers' caches often answer their own customers only: one that never gave an answer is shown, and nobody
waits for it.
"""

from __future__ import annotations

from livemove.model.spec import Dns

PUBLIC: dict[str, str] = {
    "8.8.8.8": "Google",
    "1.1.1.1": "Cloudflare",
    "9.9.9.9": "Quad9",
    "208.67.222.222": "OpenDNS",
    "168.126.63.1": "KT",
    "168.126.63.2": "KT",
    "210.220.163.82": "SK Broadband",
    "219.250.36.130": "SK Broadband",
    "164.124.101.2": "LG U+",
    "203.248.252.2": "LG U+",
}
"""Address -> operator. Anycast: each address is many caches, of which this machine meets one."""


def caches(dns: Dns) -> tuple[str, ...]:
    """All caches to watch: those of the spec first, then the public ones unless switched off."""
    return tuple(dict.fromkeys((*dns.resolvers, *(PUBLIC if dns.public_resolvers else ()))))


def not_waited_for(dns: Dns) -> frozenset[str]:
    """Caches that only come from the list."""
    return frozenset(PUBLIC) - frozenset(dns.resolvers) if dns.public_resolvers else frozenset()
