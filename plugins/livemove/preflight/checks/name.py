"""The public name is in the zone, as an A record that points at the source's servers."""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.spec import Side
from livemove.preflight.facts import Facts
from livemove.preflight.result import error, ok, some, warning

CHECK = "name"
LONG_TTL = 3600


def check(facts: Facts) -> list[Finding]:
    name, zone = facts.spec.dns.name, facts.spec.dns.zone
    if facts.records is None:
        why = facts.problems.get("zone", "not read")
        return [
            error(
                CHECK,
                why,
                f"the zone {zone}",
                "create the zone, or correct dns.zone and dns.provider in the spec; check the connection",
                subject=zone,
            )
        ]
    if not facts.records:
        return [
            error(
                CHECK,
                f"{name} is not in the zone {zone}",
                "an A record of exactly this name",
                "create the record as it is served today, or correct dns.name in the spec",
                subject=name,
            )
        ]
    addresses = [r for r in facts.records if r.type == "A"]
    if not addresses:
        types = some({r.type for r in facts.records})
        return [
            error(
                CHECK,
                f"{name} has only {types}",
                "one A record",
                "make it an A record, or move the name that it points to",
                subject=name,
            )
        ]
    return [*_points(facts, addresses[0].values), *_ttl(name, addresses[0].ttl), *_zone(facts)]


def _points(facts: Facts, values: tuple[str, ...]) -> list[Finding]:
    source = {s.address for s in facts.spec.at(Side.SOURCE) if s.address}
    name = facts.spec.dns.name
    if not set(values) <= source:
        return [
            warning(
                CHECK,
                f"{name} points at {some(values)}",
                f"the source's servers: {some(sorted(source))}",
                "right after a first move; before it, correct servers[].address in the spec or the record",
                subject=name,
            )
        ]
    return [ok(CHECK, f"{name} A {some(values)}", subject=name)]


def _zone(facts: Facts) -> list[Finding]:
    """The move of the name would be refused for this; better to know it days before."""
    zone = facts.spec.dns.zone
    if facts.zone is None:
        why = facts.problems.get("authorities", "not asked")
        return [
            error(
                CHECK,
                why,
                f"an answer of every authority of {zone}",
                "fix what is named, then clear this task",
                subject=zone,
            )
        ]
    against = [
        error(
            CHECK,
            reason,
            f"a zone {zone} whose name can be moved",
            "fix the zone before the switchover; the question about the name shows it again",
            subject=zone,
        )
        for reason in facts.zone.against
    ]
    return against or [ok(CHECK, note, subject=zone) for note in facts.zone.notes]


def _ttl(name: str, ttl: int) -> list[Finding]:
    if ttl <= LONG_TTL:
        return []
    return [
        warning(
            CHECK,
            f"{name} may be cached for {ttl} s",
            f"{LONG_TTL} s",
            "the TTL is lowered early, and the switch waits until the old one has passed: plan that time in",
            subject=name,
        )
    ]
