"""The link from a task to the hosted zone in AWS's console."""

from __future__ import annotations

import logging
from typing import Any

from livemove.dns.adapters.zones import zone_of
from livemove.model.errors import LivemoveError
from livemove.model.spec import MigrationSpec
from livemove.runtime.links import AwsLink
from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)


class ZoneLink(AwsLink):
    """The hosted zone of the public name."""

    name = "Route 53 zone"

    def page(self, spec: MigrationSpec, operator: Any) -> str:
        if spec.dns.provider != "route53":
            return ""
        home = "https://us-east-1.console.aws.amazon.com/route53/v2/hostedzones?region=us-east-1"
        try:
            zone_id = getattr(zone_of(ServiceContext(spec)), "zone_id", None)
        except LivemoveError as e:
            log.info("the zone's page: %s", e.found)
            return home
        return f"{home}#ListRecordSets/{zone_id}" if zone_id else home
