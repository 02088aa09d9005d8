"""What the zone's name servers answer before the name moves, and what speaks against moving it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from livemove.dns.record import ADDRESSES, ELSEWHERE, Records, addresses
from livemove.model.ports import Answer, Json, RecordSet


@dataclass(frozen=True)
class NameServerAnswers:
    """One authority's answers, by type; SOA and the types beside an address included."""

    server: str
    answers: Mapping[str, Answer]

    @property
    def error(self) -> str:
        soa = self.answers["SOA"]
        return soa.error or ("" if soa.authoritative else "answers, but not for this zone (lame)")

    @property
    def serial(self) -> int:
        return int(self.answers["SOA"].addresses[0].split()[2])


@dataclass(frozen=True)
class Survey:
    """Facts about the zone. Names without the last dot."""

    live: Records
    """As the provider has it."""
    provider: str
    weights: bool
    voices: Sequence[NameServerAnswers]
    parent: str = ""
    parent_names: Sequence[str] = ()
    parent_ttl: int = 0
    parent_error: str = ""
    glue: Mapping[str, Sequence[str]] = field(default_factory=dict)
    own_names: Sequence[str] = ()
    """NS of the zone itself."""
    own_addresses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Name server -> addresses as caches find them."""
    ds: bool = False
    others: Sequence[RecordSet] | None = None
    """Records of the zone that point at the old hosts; None where the zone cannot be listed."""
    stays: Sequence[str] = ()


@dataclass(frozen=True)
class ZoneFindings:
    """`against` refuses the move; `notes` are shown beside the change."""

    against: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def document(self) -> Json:
        return {"against": list(self.against), "notes": list(self.notes)}


def judge(s: Survey) -> ZoneFindings:
    """Everything that would leave a part of the users on the old site, or that nobody could see."""
    against = [*_voices(s), *_delegation(s), *_signatures(s), *_others(s)]
    return ZoneFindings(tuple(against), tuple(_notes(s)))


def _voices(s: Survey) -> list[str]:
    if not s.voices:
        return ["no authority of the zone could be asked"]
    found = [f"authority {v.server}: {v.error}" for v in s.voices if v.error]
    speaking = [v for v in s.voices if not v.error]
    for v in speaking:
        for kind in ELSEWHERE:
            if v.answers[kind].addresses:
                found.append(
                    f"authority {v.server} gives {kind} {', '.join(v.answers[kind].addresses)}:"
                    f" {ELSEWHERE[kind]}"
                )
        for kind in ADDRESSES:
            said, known = v.answers[kind].addresses, addresses(s.live, kind)
            one_of = s.weights and any(r.weight is not None for r in s.live)
            if not (set(said) <= set(known) and said if one_of and known else set(said) == set(known)):
                found.append(
                    f"authority {v.server} gives {kind} {', '.join(said) or 'nothing'}, {s.provider} has"
                    f" {', '.join(known) or 'nothing'} (out of step, split horizon, or a wildcard)"
                )
    serials = {v.serial for v in speaking}
    if len(serials) > 1:
        text = ", ".join(f"{v.server} {v.serial}" for v in speaking)
        found.append(f"the authorities are not at one serial number: {text}")
    return found


def _delegation(s: Survey) -> list[str]:
    if s.parent_error or not s.own_names:
        return []
    found = []
    if set(s.parent_names) != set(s.own_names):
        found.append(
            f"{s.parent} delegates to {', '.join(s.parent_names)}, and the zone itself names"
            f" {', '.join(s.own_names)}"
        )
    for name, known in s.own_addresses.items():
        glue = s.glue.get(name)
        if glue and known and set(glue) != set(known):
            found.append(
                f"glue of {name} at {s.parent} is {', '.join(glue)}, its own address is {', '.join(known)}"
            )
    return found


def _signatures(s: Survey) -> list[str]:
    if not s.ds:
        return []
    bare = [
        v.server for v in s.voices if not v.error and v.answers["A"].addresses and not v.answers["A"].signed
    ]
    if not bare:
        return []
    return [
        f"{s.parent} has a DS record, and {', '.join(bare)} answers without a signature: validating caches"
        " refuse it"
    ]


def _others(s: Survey) -> list[str]:
    name = s.live[0].name
    found = [r for r in s.others or () if r.name not in (name, *s.stays)]
    if not found:
        return []
    text = ", ".join(sorted(f"{r.name} {r.type}" for r in found))
    return [f"{text} points at the same host and would stay there (dns.stays names those that shall)"]


def _notes(s: Survey) -> list[str]:
    notes = []
    if s.parent_error:
        notes.append(f"the delegation was not checked: {s.parent_error}")
    else:
        notes.append(f"{s.parent} delegates to {', '.join(s.parent_names)} (TTL {s.parent_ttl} s)")
    if s.others is None:
        notes.append(
            f"{s.provider} cannot list the zone: whether another name points at the old host is for you"
            " to see"
        )
    caa = sorted({a for v in s.voices for a in v.answers["CAA"].addresses if not v.error})
    if caa:
        notes.append(f"CAA is {'; '.join(caa)}: the cloud's certificate must come from there")
    if s.ds:
        notes.append("the zone is signed; every authority's answer carries a signature")
    return notes
