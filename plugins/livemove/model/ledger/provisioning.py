"""Documents and events of provisioning: plans, Terraform's outputs, the snapshot, copied server settings."""

from __future__ import annotations

from typing import ClassVar, Literal

from livemove.model.ledger.base import Document, Event, Part, Time


class _Plan(Document):
    digest: str = ""
    """Of the plan file; what was shown is exactly what is applied."""
    changes: list[tuple[str, str]] = []
    """Action and address."""
    counts: dict[str, int] = {}
    """How many of each action."""
    drift: list[str] = []
    """Addresses that were changed outside Terraform."""
    markdown: str = ""
    """As the question shows it."""


class TerraformPlan(_Plan):
    """The newest plan of the infrastructure."""

    NAME: ClassVar[str] = "plan"


class TeardownPlan(_Plan):
    """The newest plan that removes DMS."""

    NAME: ClassVar[str] = "plan/teardown"


class _Applied(Document):
    digest: str
    at: Time


class AppliedPlan(_Applied):
    """The plan that was applied last."""

    NAME: ClassVar[str] = "plan/applied"


class AppliedTeardown(_Applied):
    """The teardown that was applied last."""

    NAME: ClassVar[str] = "plan/teardown/applied"


class WebServer(Part):
    """One web server that Terraform made."""

    instance_id: str = ""
    public_ip: str
    name: str = ""
    ipv6: str | None = None


class Outputs(Document):
    """Terraform's outputs."""

    NAME: ClassVar[str] = "outputs"
    database_address: str = ""
    database_port: int = 3306
    database_identifier: str = ""
    database_arn: str = ""
    web_servers: list[WebServer] = []
    """In the order of the spec."""
    replication_instance_arn: str = ""
    replication_instance_identifier: str = ""
    dms_secrets_role_arn: str = ""
    dms_assessment_role_arn: str = ""
    application_secret_arn: str = ""
    zone_id: str | None = None
    name_servers: list[str] | None = None
    idc_firewall: str = ""
    """What the data centre's firewall must allow, for people."""


class SourceParameters(Document):
    """Server variables that the target must share, as the source had them when it was asked last."""

    NAME: ClassVar[str] = "source_parameters"
    sql_mode: str | None = None
    time_zone: str | None = None
    character_set_server: str | None = None
    collation_server: str | None = None
    max_allowed_packet: str | None = None
    lower_case_table_names: str | None = None


class TerraformApplied(Event):
    """A plan was applied."""

    event: Literal["terraform_applied"] = "terraform_applied"
    digest: str
    counts: dict[str, int] = {}


class SnapshotTaken(Event):
    """The RDS snapshot before the writes move is available."""

    event: Literal["snapshot"] = "snapshot"
    name: str
