"""What Route 53 refuses and moto accepts.

A change batch is checked against the whole zone, then made as a whole or not at all.

Sources: https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html and
API_ResourceRecordSet.html; the messages are Amazon's, as clients quote them in public issues.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Set = Mapping[str, Any]
"""A record set as the API has it: Name, Type, TTL, ResourceRecords [values], SetIdentifier, Weight ..."""
Key = tuple[str, str, str]
ROUTINGS = (
    "Weight",
    "Region",
    "GeoLocation",
    "Failover",
    "MultiValueAnswer",
    "CidrRoutingConfig",
    "GeoProximityLocation",
)
MOST = 100
"""Weighted sets of one name and type."""


def key(s: Set) -> Key:
    return (str(s["Name"]).rstrip(".").lower(), str(s["Type"]), str(s.get("SetIdentifier") or ""))


def apply(zone: Sequence[Set], changes: Sequence[Mapping[str, Any]]) -> tuple[list[Set], list[str]]:
    """(the sets after the batch, everything against it); with anything against it nothing of it is made."""
    sets = {key(s): s for s in zone}
    against: list[str] = []
    deleted: set[Key] = set()
    for change in changes:
        action, new = change["Action"], change["ResourceRecordSet"]
        k = key(new)
        if said := _malformed(new):
            against.append(said)
            continue
        if action == "DELETE":
            old = sets.get(k)
            if old is None or k in deleted:
                against.append(f"Tried to delete resource record set {_name(new)} but it was not found")
            elif not _equal(old, new):
                against.append(
                    f"Tried to delete resource record set {_name(new)} but the values provided do not match"
                    " the current values"
                )
            else:
                deleted.add(k)
                del sets[k]
        elif action == "CREATE" and k in sets:
            against.append(f"Tried to create resource record set {_name(new)} but it already exists")
        else:
            sets[k] = new
    against += _together(sets, {key(c["ResourceRecordSet"])[:2] for c in changes})
    return list(sets.values()), against


def _malformed(s: Set) -> str:
    routed = [r for r in ROUTINGS if s.get(r) is not None]
    if bool(s.get("SetIdentifier")) != bool(routed):
        return (
            f"Invalid request: Expected exactly one of [{', '.join(ROUTINGS)}] with SetIdentifier, for"
            f" {_name(s)}"
        )
    if s.get("Weight") is not None and not 0 <= int(s["Weight"]) <= 255:
        return f"Invalid request: Weight must be between 0 and 255, for {_name(s)}"
    if not s.get("AliasTarget") and (s.get("TTL") is None or not s.get("ResourceRecords")):
        return (
            "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or"
            f" TrafficPolicyInstanceId], but found none in Change with {_name(s)}"
        )
    return ""


def _together(sets: Mapping[Key, Set], touched: set[tuple[str, str]]) -> list[str]:
    """Record sets that may not exist together."""
    found = []
    for name, kind in sorted(touched):
        mine = [s for k, s in sets.items() if k[:2] == (name, kind)]
        kinds = {next((r for r in ROUTINGS if s.get(r) is not None), "simple") for s in mine}
        if len(kinds) > 1 and "simple" in kinds:
            found.append(
                f"RRSet with DNS name {name}., type {kind}, SetIdentifier null cannot be created because a"
                " non-simple RRSet with the same name and type exists"
            )
        elif len(kinds) > 1:
            found.append(
                f"RRSet with DNS name {name}., type {kind} cannot be created as sets of"
                f" {' and '.join(sorted(kinds))} together"
            )
        if len(mine) > MOST:
            found.append(f"more than {MOST} sets of {name}. {kind}")
        types = {k[1] for k in sets if k[0] == name}
        if "CNAME" in types and len(types) > 1:
            found.append(
                f"RRSet of type CNAME with DNS name {name}. is not permitted as it conflicts with other"
                " records with the same DNS name"
            )
    return list(dict.fromkeys(found))


def _equal(a: Set, b: Set) -> bool:
    return bool(_plain(a) == _plain(b))


def _plain(s: Set) -> Any:
    values = sorted(v["Value"] if isinstance(v, Mapping) else v for v in s.get("ResourceRecords") or ())
    others = {k: s.get(k) for k in ("HealthCheckId", "AliasTarget", *ROUTINGS)}
    return (key(s), str(s.get("TTL")), values, {k: str(v) for k, v in others.items() if v is not None})


def _name(s: Set) -> str:
    id_ = f", set identifier='{s['SetIdentifier']}'" if s.get("SetIdentifier") else ""
    return f"[name='{str(s['Name']).rstrip('.')}.', type='{s['Type']}'{id_}]"
