"""How long things take on AWS, and how long the lab lets them take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wait:
    lab: float
    """Seconds in the lab."""
    aws: str
    """What one sees on AWS (vendor documentation and experience; not measured here)."""


RDS_AVAILABLE = Wait(2.0, "5 to 15 min")
RDS_SNAPSHOT = Wait(3.0, "minutes; the first of a large database over an hour")
RDS_MODIFIED = Wait(1.0, "1 to 10 min")
RDS_ROTATION = Wait(10.0, "every 5 min, with a heartbeat row before it")
CLOUD_INIT = Wait(3.0, "1 to 3 min: packages, and the AWS CLI as a snap")
SSM_DELIVERY = Wait(0.3, "1 to 5 s")
DROPPED = Wait(1.0, "no answer at all: 60 s of each attempt of the AWS CLI")
DNS_INSYNC = Wait(1.0, "usually within 60 s")

ALL = {name: value for name, value in globals().items() if isinstance(value, Wait)}
