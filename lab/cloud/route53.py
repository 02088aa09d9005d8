"""Route 53: a change is PENDING until the lab's name servers serve it, then INSYNC."""

from __future__ import annotations

import logging
import secrets
import string
import threading
import time
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.route53.exceptions import Route53ClientError
from moto.route53.models import FakeZone, RecordSet, Route53Backend
from moto.route53.responses import Route53

from lab.cloud import pace, route53_rules
from lab.cloud.base import Cloud
from lab.cloud.patching import background, wrap

log = logging.getLogger(__name__)

_publishing = threading.Lock()
_changing = threading.Lock()
ATTEMPTS = 20
"""Times that a zone is offered to the name servers, a second apart, before the change stays PENDING."""


def install(cloud: Cloud) -> None:
    changes: dict[str, dict[str, Any]] = {}

    @wrap(Route53, "change_resource_record_sets")
    def change(original: Any, self: Any) -> ActionResult:
        zone = self.backend.get_hosted_zone(self._get_param("HostedZoneId"))
        with _changing:
            # moto takes what Route 53 refuses, and deletes every set with the same identifier: the batch is
            # made here
            after, against = route53_rules.apply(
                [as_api(r) for r in zone.rrsets], [_change(c) for c in self._get_param("ChangeBatch.Changes")]
            )
            outside = [s["Name"] for s in after if not f".{s['Name']}".endswith(f".{zone.name}")]
            against += [f"RRSet with DNS name {n} is not permitted in zone {zone.name}" for n in outside]
            if against:
                raise Refused(f"[{', '.join(against)}]")
            zone.rrsets = [RecordSet(dict(s)) for s in after]
        return ActionResult({"ChangeInfo": _submit(zone)})

    @wrap(Route53, "list_hosted_zones_by_name")
    def by_name(original: Any, self: Any) -> ActionResult:
        result: ActionResult = original(self)
        # required members of the answer, which moto leaves out
        return ActionResult({**result.result, "IsTruncated": False, "MaxItems": 100})

    def get_change(self: Any) -> ActionResult:
        id_ = "/change/" + self._get_param("Id").rsplit("/", 1)[-1]
        # changes from before a restart of the endpoint are long in sync
        known = changes.get(id_, {"Id": id_, "Status": "INSYNC", "SubmittedAt": utcnow()})
        return ActionResult({"ChangeInfo": known})

    @wrap(Route53Backend, "create_hosted_zone")
    def create(original: Any, self: Any, *args: Any, **kwargs: Any) -> Any:
        zone = original(self, *args, **kwargs)
        _submit(zone)
        return zone

    @wrap(Route53Backend, "create_reusable_delegation_set")
    def delegate(original: Any, self: Any, caller_reference: str, *args: Any, **kwargs: Any) -> Any:
        delegation = original(self, caller_reference, *args, **kwargs)
        if caller_reference.startswith("DelSet_"):
            zone = caller_reference.removeprefix("DelSet_").rstrip(".")
            delegation.name_servers = [f"ns1.{zone}", f"ns2.{zone}"]
        return delegation

    def _submit(zone: Any) -> dict[str, Any]:
        id_ = "/change/C" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(20))
        changes[id_] = {"Id": id_, "Status": "PENDING", "SubmittedAt": utcnow()}
        background(_serve, zone, changes[id_], time.monotonic())
        return dict(changes[id_])

    Route53.get_change = get_change


class Refused(Route53ClientError):  # type: ignore[misc]
    """InvalidChangeBatch with Amazon's words."""

    def __init__(self, message: str) -> None:
        super().__init__("InvalidChangeBatch", message)


def as_api(r: RecordSet) -> dict[str, Any]:
    """A set of moto's as the API has it; what is not there is left out."""
    found = {
        "Name": r.name,
        "Type": r.type,
        "TTL": r.ttl,
        "ResourceRecords": list(r.records or ()),
        "SetIdentifier": r.set_identifier,
        "Weight": r.weight,
        "Region": r.region,
        "HealthCheckId": r.health_check_id,
        "AliasTarget": r.alias_target,
        "Failover": r.failover,
        "GeoLocation": r.geo_location,
        "MultiValueAnswer": r.multi_value_answer,
    }
    return {k: v for k, v in found.items() if v not in (None, [], {})}


def _change(asked: dict[str, Any]) -> dict[str, Any]:
    wanted = dict(asked["ResourceRecordSet"])
    wanted["Name"] = str(wanted["Name"]).rstrip(".").replace("\\052", "*") + "."
    if wanted.get("ResourceRecords"):
        wanted["ResourceRecords"] = [v["Value"] for v in wanted["ResourceRecords"]]
    return {"Action": asked["Action"], "ResourceRecordSet": wanted}


def records_of(zone: FakeZone) -> list[dict[str, Any]]:
    """The zone's record sets as the name servers want them; weight 0 counts as not there."""
    return [
        {
            "name": r.name.replace("\\052", "*"),
            "type": r.type,
            "ttl": int(r.ttl or 0),
            "values": list(r.records),
            "set": r.set_identifier,
            "weight": None if r.weight is None else int(r.weight),
        }
        for r in zone.rrsets
        if r.records
    ]


def _serve(zone: Any, change: dict[str, Any], since: float) -> None:
    try:
        from lab.dns.authority import publish
    except ImportError as e:
        log.warning("no name server to tell about %s: %s", zone.name, e)
    else:
        for attempt in range(ATTEMPTS):
            try:
                # read under the lock: a slower thread must not put an older zone over a newer one
                with _publishing:
                    publish(zone.name, records_of(zone))
                break
            except Exception as e:
                log.warning("the name servers did not take %s (attempt %s): %s", zone.name, attempt + 1, e)
                time.sleep(1)
        else:
            log.error("%s was not published; change %s stays PENDING", zone.name, change["Id"])
            return
    time.sleep(max(0.0, since + pace.DNS_INSYNC.lab - time.monotonic()))
    change["Status"] = "INSYNC"
