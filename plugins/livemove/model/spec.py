"""The spec: everything that is true for one service, in one YAML file.

What is changed for one run (a shorter soak, another window) comes from the trigger form;
`livemove.runtime.trigger_form` lays it over the spec. Passwords are never in here: they come from Airflow
connections and Secrets Manager.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import posixpath
import re
from datetime import date, time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from livemove.model.errors import SpecError

Seconds = Annotated[float, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]


class Side(StrEnum):
    """Where a database or a server stands: the data centre (source) or AWS (target)."""

    SOURCE = "source"
    TARGET = "target"

    @property
    def other(self) -> Side:
        return Side.TARGET if self is Side.SOURCE else Side.SOURCE


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Tls(StrEnum):
    """How the connections to a database are encrypted.

    What DMS calls them: verify-full, verify-ca, none; it has no mode between the last two for MariaDB.
    https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Security.SSL.html
    """

    VERIFY_IDENTITY = "verify_identity"
    VERIFY_CA = "verify_ca"
    NONE = "none"


class Aws(Strict):
    """The account, the region and the bucket."""

    connection: str = Field(
        description=(
            "Airflow connection of type aws, as the Amazon provider reads it: keys, session token, profile or"
            " role; the region is aws.region; endpoint_url only in a rehearsal"
        )
    )
    region: str = Field("ap-northeast-2", description="region of everything but the zone")
    bucket: str = Field(description="S3 bucket for Terraform state, plans, releases and the ledger")


class Source(Strict):
    """The database in the data centre (IDC)."""

    connection: str = Field(
        description="Airflow connection (mysql): livemove's own account on the IDC database"
    )
    address: str = Field(description="address at which web servers and DMS reach the IDC database")
    port: int = Field(3306, description="its port")
    schemas: tuple[str, ...] = Field(
        min_length=1, description="every schema that the application writes to; all of them move"
    )
    accounts: tuple[str, ...] = Field(
        min_length=1, description="application accounts, fenced at the switchover"
    )
    require_keys: bool = Field(False, description="refuse tables without a primary key instead of warning")
    tls: Tls = Field(
        Tls.VERIFY_CA,
        description=(
            "TLS of livemove, DMS and the cloud's servers to it: verify_identity (certificate and name),"
            " verify_ca (certificate) or none; the CA is the file that the connection's extra names:"
            ' {"ssl": {"ca": ...}}'
        ),
    )


class Target(Strict):
    """The database on RDS, as Terraform makes it."""

    connection: str = Field(
        description=(
            "Airflow connection (mysql): login and password of the RDS master user; without a host it comes"
            " from Terraform"
        )
    )
    instance_class: str = Field("db.t3.medium", description="RDS instance class")
    storage_gb: int = Field(
        200, ge=20, description="gp3 storage in GiB; room for binlogs and for the indexes while they are made"
    )
    multi_az: bool = Field(False, description="keep a standby in a second availability zone")
    engine_version: str = Field("10.11", description="MariaDB version of RDS, major and minor")
    tls: Tls = Field(
        Tls.VERIFY_IDENTITY,
        description=(
            "TLS of everybody to it: verify_identity, verify_ca or none; the CA is AWS's bundle of the"
            ' region, the file that the connection\'s extra names: {"ssl": {"ca": ...}}'
        ),
    )
    require_tls: bool = Field(
        True, description="RDS refuses clear text; false when the application cannot speak TLS"
    )

    @model_validator(mode="after")
    def _encrypted(self) -> Target:
        if self.require_tls and self.tls is Tls.NONE:
            raise ValueError("tls: none needs require_tls: false, or livemove and DMS would be refused")
        return self


class Commands(Strict):
    """The user's own commands on one server.

    `livemove-server` runs them in the login directory (SSH) or in the folder that holds `directory` (SSM).
    """

    reload: str = Field(
        description="make the application read its settings file again and drop its connections"
    )
    probe: str = Field(description="write through the application; exit 0 and print the database it went to")
    hold: str | None = Field(None, description="make new requests wait; $SECONDS_TO_HOLD is the limit")
    release: str | None = Field(
        None, description="let the requests go on; may be called at any time, also twice"
    )
    watch: str | None = Field(
        None,
        description=(
            "run $WATCH_SQL with the login in the file $WATCH_LOGIN and print each row at once; none: the"
            " server's own mariadb or mysql client"
        ),
    )
    jobs_off: str | None = Field(
        None, description="keep this server's jobs (cron, workers) from running while the writes move"
    )
    jobs_on: str | None = Field(None, description="let them run again; asked of the owner's site")
    close_idle: str | None = Field(
        None, description="tell long keep-alive connections to end, so that users ask the name again"
    )
    stop: str | None = Field(None, description="end the service for good and keep it from starting again")


class Server(Strict):
    """One web server that writes. Those of the target are Terraform's instances, in the order of the spec."""

    name: Name = Field(description="its name in messages and reports")
    site: Side = Field(description="its site: source or target")
    reach: Literal["ssh", "ssm"] = Field(description="how livemove runs a command on it")
    connection: str | None = Field(None, description="Airflow connection (ssh), for reach: ssh")
    jump: str | None = Field(
        None,
        description="Airflow connection (ssh) of a jump host through which it is reached, for reach: ssh",
    )
    instance: str | None = Field(
        None,
        pattern=r"^mi-[0-9a-f]{8,17}$",
        description=(
            "id of a server of the data centre that is registered with SSM (hybrid node), for reach: ssm;"
            " those at AWS get theirs from Terraform"
        ),
    )
    address: str | None = Field(
        None, description="public address; servers that Terraform makes get theirs from its outputs"
    )
    directory: str = Field(
        description=(
            "where livemove may keep its script and settings; absolute, or over SSH relative to the login"
            " directory"
        )
    )
    settings_link: str = Field(
        description="the path from which the application reads its settings; livemove makes it a link"
    )
    runs_as: str | None = Field(
        None,
        pattern=r"^[a-z_][a-z0-9_.-]{0,31}$",
        description=(
            "the service's own user there, for example www-data; it is seen to read the settings before they"
            " are in use. None: whoever could read the file that was there"
        ),
    )
    settings_owner: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9_][\w.-]*:[A-Za-z0-9_][\w.-]*$",
        description=(
            "user:group of the settings files; none: of the file that was there, and where there was none the"
            " login and the group of runs_as"
        ),
    )
    settings_mode: str | None = Field(
        None,
        description=(
            "mode of the settings files, closed to others, for example 0640; none: of the file that was"
            " there, else 0640"
        ),
    )
    commands: Commands = Field(description="what livemove calls there")

    @field_validator("settings_mode", mode="before")
    @classmethod
    def _octal(cls, value: Any) -> Any:
        """YAML reads 0640 as a number in base eight."""
        text = f"{value:04o}" if isinstance(value, int) else value
        if isinstance(text, str) and not re.fullmatch(r"0[0-7][0-7]0", text):
            raise ValueError(
                f"{text}: wanted four digits that begin and end with 0, for example 0640: the file holds the"
                " password, and others must not read it"
            )
        return text

    @model_validator(mode="after")
    def _reachable(self) -> Server:
        if self.reach == "ssh" and not self.connection:
            raise ValueError("reach: ssh needs a connection (an Airflow connection of type ssh)")
        if self.jump and self.reach != "ssh":
            raise ValueError("jump: a jump host leads to a server over SSH only; reach is ssm")
        hybrid = self.reach == "ssm" and self.site is Side.SOURCE
        if hybrid and not (self.instance and self.address):
            raise ValueError(
                "reach: ssm at the source needs instance (mi-..., its id as a hybrid node of SSM) and address"
            )
        if self.instance and not hybrid:
            raise ValueError("instance: only for a server of the source with reach: ssm")
        return self

    @model_validator(mode="after")
    def _absolute(self) -> Server:
        """The SSM agent's own folder, where its commands begin, is replaced when the agent is updated."""
        for field in ("directory", "settings_link") if self.reach == "ssm" else ():
            path = getattr(self, field)
            if not path.startswith("/"):
                raise ValueError(
                    f"{field}: {path} is relative; reach: ssm needs an absolute path, for example"
                    f" /srv/{path}: commands over SSM begin in a folder that an update of the agent replaces"
                )
        return self

    @property
    def work_folder(self) -> str | None:
        """Where its commands run; None: where the login begins."""
        return posixpath.dirname(posixpath.normpath(self.directory)) if self.reach == "ssm" else None

    @model_validator(mode="after")
    def _not_served(self) -> Server:
        """A web server shows files that are no PHP as they are."""
        folder = posixpath.dirname(self.settings_link)
        if self.settings_link.endswith(".php") and posixpath.normpath(self.directory).startswith(
            f"{folder}/"
        ):
            raise ValueError(
                f"directory: {self.directory} lies below {folder}, beside pages that are served: its files"
                " hold the password; choose a folder that no web server shows"
            )
        return self


PLACEHOLDERS = ("host", "port", "user", "password", "password_url", "database", "site", "ca")
"""What a settings file is filled in with, as {host}."""


class SettingsMerge(Strict):
    """Keys of the application's own settings file that name the database; all else in it stays."""

    format: Literal["env", "php", "properties", "yaml"] = Field(
        description=(
            "of the file: env (.env, environment files of systemd), php (define, arrays, variables),"
            " properties, yaml (block style)"
        )
    )
    keys: dict[str, str] = Field(
        min_length=1,
        description=(
            "key: its new value, with {host} {port} {user} {password} {database} {site} {ca} filled in, and"
            " {password_url} as addresses want it. In yaml a path like production.host, in php a constant, a"
            " path like mysql.host, or a $variable"
        ),
    )

    @field_validator("keys")
    @classmethod
    def _can_be_filled_in(cls, keys: dict[str, str]) -> dict[str, str]:
        for key, value in keys.items():
            try:
                value.format(**dict.fromkeys(PLACEHOLDERS, ""))
            except (KeyError, IndexError, ValueError) as e:
                raise ValueError(
                    f"{key}: {value} cannot be filled in ({type(e).__name__} {e}); wanted only"
                    f" {' '.join(f'{{{p}}}' for p in PLACEHOLDERS)}, other braces doubled"
                ) from None
        return keys


class Application(Strict):
    """The web application: its login, its release, its settings file, its address."""

    connection: str = Field(
        description="Airflow connection (mysql): login and password of the application account"
    )
    database: str = Field(description="the application's default schema")
    release: str | None = Field(
        None, description="key of the release archive (.tar.gz) in the bucket; none: servers come ready"
    )
    install: str | None = Field(
        None,
        description=(
            "command that installs the release on a new server; runs in the unpacked release, which is"
            " $RELEASE, over SSM as root, with HOME"
        ),
    )
    install_timeout: Annotated[float, Field(ge=1, le=7200)] = Field(
        1200, description="longest time that the install command may take"
    )
    settings: str | None = Field(
        None,
        description=(
            "the whole settings file, in the place of the one that is there; {host} {port} {user} {password}"
            " {database} {site} are filled in, and {ca}: the database's CA file on that server, empty"
            " without TLS"
        ),
    )
    settings_merge: SettingsMerge | None = Field(
        None,
        description=(
            "instead of settings: only some keys of the file that is there change. On a new server the"
            " release has to bring it"
        ),
    )
    url: str = Field(description="public address of the service, for example https://www.example.com")
    health_path: str = Field(
        "/healthz",
        description=(
            "page that answers 200 with a JSON object, and only when the database answers; best with"
            ' "database_host" and "database_port", which the smoke test compares'
        ),
    )
    ca_file: str | None = Field(
        None, description="CA bundle for the service's certificate; none: the system's"
    )

    @property
    def templates(self) -> str:
        """All that is filled in for the application, to see what it uses."""
        return self.settings or " ".join(self.settings_merge.keys.values() if self.settings_merge else ())

    @model_validator(mode="after")
    def _one_way_to_the_settings(self) -> Application:
        if (self.settings is None) == (self.settings_merge is None):
            raise ValueError(
                "give settings (the whole file) or settings_merge (some keys of the file that is there),"
                " one of them"
            )
        return self


class Dns(Strict):
    """The public name, its zone, and the caches that are watched while it moves."""

    name: str = Field(description="the public name that moves")
    zone: str = Field(description="the zone that holds it")
    provider: Literal["route53", "rfc2136", "manual"] = Field(
        "route53",
        description=(
            "who changes the zone: Route 53, a primary that takes dynamic updates (RFC 2136), or a person at"
            " a panel"
        ),
    )
    primary: str | None = Field(
        None, description="rfc2136: the zone's primary name server, address or address@port"
    )
    connection: str | None = Field(
        None,
        description=(
            "rfc2136: Airflow connection whose login is the TSIG key's name and whose password its secret"
            ' (base64); extra {"algorithm": "hmac-sha256"}'
        ),
    )
    ttl: int = Field(
        60,
        ge=1,
        le=86400,
        description="TTL in seconds during the move; the old one is put back after the soak",
    )
    steps: tuple[Annotated[int, Field(ge=1, le=100)], ...] = Field(
        (100,),
        description=(
            "shares of the answers in percent that give the cloud, one after the other, the last one 100;"
            " needs a provider with weights"
        ),
    )
    resolvers: tuple[str, ...] = Field((), description="caches to watch, address or address@port")
    public_resolvers: bool = Field(
        True,
        description="also watch livemove's list of well-known caches, those of Korean providers included",
    )
    stays: tuple[str, ...] = Field(
        (), description="other names of the zone that point at the old servers and may go on doing so"
    )
    authority_port: int = Field(53, description="port of the zone's name servers")
    propagation_timeout: Seconds = Field(
        7200, description="longest wait for every authority and cache to give the new answer"
    )

    @field_validator("name", "zone")
    @classmethod
    def _ascii(cls, value: str) -> str:
        """As it is in the DNS: an IDN becomes its A-labels (RFC 5890)."""
        return value if value.isascii() else value.encode("idna").decode()

    @model_validator(mode="after")
    def _inside(self) -> Dns:
        name, zone = self.name.rstrip(".").lower(), self.zone.rstrip(".").lower()
        if name != zone and not name.endswith("." + zone):
            raise ValueError(f"{self.name} is not in the zone {self.zone}")
        return self

    @model_validator(mode="after")
    def _shift(self) -> Dns:
        if not self.steps or self.steps[-1] != 100 or sorted(set(self.steps)) != list(self.steps):
            raise ValueError(f"steps {list(self.steps)} must grow and end with 100, for example [5, 25, 100]")
        if len(self.steps) > 1 and self.provider != "route53":
            raise ValueError(
                f"steps: {self.provider} has no weights, so the name moves at once: steps: [100]"
            )
        return self

    @model_validator(mode="after")
    def _signed(self) -> Dns:
        if self.provider == "rfc2136" and not (self.primary and self.connection):
            raise ValueError("provider: rfc2136 needs primary (address) and connection (the TSIG key)")
        return self


class Window(Strict):
    """The low-traffic window in which the name and the writes may move."""

    opens: time = Field(time(3, 0), description="HH:MM in the window's time zone")
    closes: time = Field(
        time(5, 0), description="HH:MM, may be past midnight; the same as opens: open all day"
    )
    timezone: str = Field("Asia/Seoul", description="IANA name of the time zone")
    closed_on: tuple[date, ...] = Field(
        (), description="days on which it does not open, in its time zone: holidays, the day of a campaign"
    )
    max_requests: float | None = Field(
        None, gt=0, description="open only while the sites together answer at most so many requests a second"
    )

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in available_timezones():
            near = difflib.get_close_matches(value, available_timezones(), 1)
            raise ValueError(f"unknown time zone {value!r}" + (f"; did you mean {near[0]}?" if near else ""))
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Drain(Strict):
    """When the old site counts as empty of users, and where the requests are counted."""

    share: float = Field(
        0.0, ge=0, le=1, description="largest share of all requests that may still reach the old site"
    )
    seconds: Seconds = Field(300, description="how long the share must have stayed that low")
    timeout: Seconds = Field(86400, description="longest wait for the old site to be empty")
    source: Literal["http", "log", "prometheus", "cloudwatch"] = Field(
        "http", description="where the requests of each server are counted"
    )
    counter_path: str = Field(
        "/metrics.json",
        description=(
            'http: path on every server that returns its requests as JSON {"requests": N}, best with "errors"'
            ' and "seconds" (time spent on them)'
        ),
    )
    log: str | None = Field(
        None, description="log: access log on every server, one line a request, read over its reach"
    )
    ignore: str | None = Field(
        None, description="log: lines with this basic regular expression are not users' requests"
    )
    prometheus: str | None = Field(None, description="prometheus: base URL of its HTTP API")
    query: str | None = Field(
        None, description="prometheus: query that gives one counter for {server} at {address}"
    )
    metric: str | None = Field(
        None,
        description=(
            "cloudwatch: Namespace/Metric whose Sum counts requests, for example"
            " AWS/ApplicationELB/RequestCount"
        ),
    )
    dimension: str | None = Field(
        None,
        description="cloudwatch: Name=value of the metric's dimension; {server} and {instance} are filled in",
    )

    @model_validator(mode="after")
    def _complete(self) -> Drain:
        needs = {
            "log": ("log",),
            "prometheus": ("prometheus", "query"),
            "cloudwatch": ("metric", "dimension"),
        }
        missing = [n for n in needs.get(self.source, ()) if getattr(self, n) is None]
        if missing:
            raise ValueError(f"source: {self.source} needs {' and '.join(missing)}")
        return self


class Watch(Strict):
    """What is watched while both sites serve, measured against the time just before the name moves."""

    baseline: Seconds = Field(300, description="how long both sites are watched before the question is asked")
    hold: Seconds = Field(300, description="how long a step of dns.steps must have been clean, at least")
    poll: Annotated[float, Field(gt=0, le=60)] = Field(
        5, description="seconds between two looks at both sites"
    )
    errors: float = Field(
        0.01, gt=0, le=1, description="share of the cloud's requests that may fail more than before"
    )
    latency: float = Field(3, gt=1, description="how often slower than before a request at the cloud may be")
    load: float = Field(3, gt=1, description="how often higher than before the owner's load may be")
    on_breach: Literal["rollback", "ask"] = Field(
        "ask",
        description="rollback: the name goes back at once, by itself; ask: the shift stops, a person decides",
    )


class Replication(Strict):
    """DMS: its instance, its settings, and how long it may take."""

    instance_class: str = Field("dms.t3.medium", description="DMS replication instance class")
    storage_gb: int = Field(50, description="its storage in GiB, for cached changes and logs")
    settings: str = Field("dms/task-settings.json", description="DMS task settings, a file under include/")
    batch_apply: bool = Field(
        False,
        description=(
            "DMS applies changes in batches, table by table: faster over a long way, not with cascading"
            " foreign keys"
        ),
    )
    full_load_timeout: Seconds = Field(
        86400, description="longest wait for the full load, and for CDC to have caught up"
    )
    validation_timeout: Seconds = Field(
        3600, description="so long the chapter validate waits for DMS to have validated every table once"
    )
    max_lag: Seconds = Field(
        5, description="largest delay of a watermark row at which CDC counts as caught up"
    )


class Switchover(Strict):
    """The fenced move of the writes."""

    lease: Seconds = Field(
        60,
        ge=5,
        le=900,
        description=(
            "after this time in the fence the old owner opens again by itself; far below the task's own"
            " timeout of an hour"
        ),
    )
    pause_budget: Seconds = Field(
        10, gt=0, description="the switchover is undone when the fence lasts this long before the commit"
    )
    hold: bool = Field(True, description="ask the servers to make requests wait meanwhile")

    @model_validator(mode="after")
    def _lease_outlives(self) -> Switchover:
        if self.lease < 2 * self.pause_budget:
            raise ValueError(
                f"lease ({self.lease} s) must be at least twice pause_budget ({self.pause_budget} s)"
            )
        return self


class SiteState(Strict):
    """The state outside the database, declared by the user: two sites that serve at once break on it."""

    sessions: Literal["none", "database", "shared", "sticky"] = Field(
        "none", description="where users' sessions live; sticky ones log users out when the name moves"
    )
    uploads: Literal["none", "database", "shared", "copied"] = Field(
        "none", description="where uploaded files live; local ones would be seen by half of the users"
    )
    jobs: Literal["none", "source", "target", "both"] = Field(
        "none", description="which site runs scheduled jobs while both serve"
    )
    partners: tuple[str, ...] = Field(
        (), description="allow lists of partners that must learn the new addresses"
    )


class Gates(Strict):
    """The three questions."""

    timeout: Seconds = Field(
        86400, description="after this time an unanswered question ends its task; nothing is changed"
    )


Moment = Literal["question", "breach", "failure", "finish"]


class Notify(Strict):
    """Somebody who is told, by one of Airflow's notifiers."""

    notifier: str = Field(
        pattern=r"^[\w.]+\.\w+$",
        description=(
            "dotted path of an Airflow notifier, for example"
            " airflow.providers.smtp.notifications.smtp.SmtpNotifier; its package must be installed"
        ),
    )
    when: tuple[Moment, ...] = Field(
        ("question", "breach", "failure", "finish"),
        description="a question waits, the budget is broken, a task failed for good, the report is there",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description=(
            "its arguments, a connection id among them; templates see {{ livemove.subject }}, .text, .link,"
            " .title, .moment"
        ),
    )

    @property
    def name(self) -> str:
        return self.notifier.rpartition(".")[2]


class Rollback(Strict):
    """What goes back without a question."""

    automatic: tuple[Literal["switch_dns", "switchover"], ...] = Field(
        (),
        description=(
            "stages whose failure, behind their gate and after the retries, rolls back by itself; a refusal"
            " or an undone move never does"
        ),
    )


class Infra(Strict):
    """Values for Terraform that are particular to the service."""

    instance_type: str = Field("t3.small", description="EC2 instance type of the web servers")
    web_servers: int = Field(1, ge=1, le=20, description="how many of them; the spec names as many")
    connectivity: Literal["vpn", "public_allow_list"] = Field(
        "vpn",
        description=(
            "how data centre and AWS reach each other's database: private addresses, or the internet with an"
            " allow list"
        ),
    )
    vpc_cidr: str = Field("10.20.0.0/16", description="of the new VPC, a /16; not one of the IDC's")
    vpn_gateway_id: str | None = Field(
        None, description="virtual private gateway of your VPN, attached to the new VPC"
    )
    idc_cidrs: tuple[str, ...] = Field((), description="networks of the data centre that reach RDS")
    admin_cidrs: tuple[str, ...] = Field(
        (), description="networks of administrators and Airflow workers: SSH to the web servers, and RDS"
    )
    deletion_protection: bool = Field(True, description="RDS refuses to be deleted")
    ssh_public_key: str | None = Field(
        None, description="OpenSSH public key for the web servers; none: SSM is the way in"
    )
    permissions_boundary: str | None = Field(
        None,
        pattern=r"^arn:aws[a-z-]*:iam::\d{12}:policy/\S+$",
        description=(
            "ARN of the IAM policy that bounds every role which Terraform makes; its text is"
            " include/iam/boundary.json"
        ),
    )
    user_data: str | None = Field(None, description="shell script for new servers, a file under include/")

    @field_validator("idc_cidrs", "admin_cidrs")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for cidr in value:
            ipaddress.ip_network(cidr)
        return value

    @field_validator("vpc_cidr")
    @classmethod
    def _network(cls, value: str) -> str:
        ipaddress.ip_network(value)
        return value

    @model_validator(mode="after")
    def _apart(self) -> Infra:
        """Through a VPN one address can lie on one side only."""
        vpc = ipaddress.ip_network(self.vpc_cidr)
        both = [c for c in self.idc_cidrs if vpc.overlaps(ipaddress.ip_network(c))]
        if both and self.connectivity == "vpn":
            raise ValueError(
                f"vpc_cidr {self.vpc_cidr} overlaps idc_cidrs {', '.join(both)}: through a VPN neither side"
                " would reach the other; give the new VPC a network that the data centre does not use"
            )
        return self


class MigrationSpec(Strict):
    """One service, as written in include/migrations/<service>.yaml."""

    service: Name = Field(description="the file's own name; prefix of everything that is made")
    title: str = Field(description="the service as a person says it")
    rehearsal: bool = Field(
        False, description="true: refuse every AWS endpoint that is not a loopback address"
    )
    aws: Aws
    source: Source
    target: Target
    application: Application
    servers: tuple[Server, ...] = Field(min_length=2)
    dns: Dns
    window: Window = Window()
    drain: Drain = Drain()
    watch: Watch = Watch()
    replication: Replication = Replication()
    switchover: Switchover = Switchover()
    soak: Seconds = Field(86400, description="how long the moved service is watched before Retire is asked")
    site_state: SiteState = SiteState()
    gates: Gates = Gates()
    rollback: Rollback = Rollback()
    notify: tuple[Notify, ...] = Field((), description="who is notified, by which of Airflow's notifiers")
    runbook: str | None = Field(
        None, description="address of your copy of docs/runbook.md; tasks link to its sections"
    )
    infra: Infra = Infra()

    @model_validator(mode="after")
    def _log_is_found(self) -> MigrationSpec:
        ssm = [s.name for s in self.servers if s.reach == "ssm"]
        if self.drain.log and ssm and not self.drain.log.startswith("/"):
            raise ValueError(
                f"drain.log: {self.drain.log} is relative; {ssm[0]} is reached over SSM and needs an absolute"
                " path"
            )
        return self

    @model_validator(mode="after")
    def _both_sites(self) -> MigrationSpec:
        for site in Side:
            if not any(s.site is site for s in self.servers):
                raise ValueError(f"servers: none has site: {site}; the story needs one on each side")
        names = [s.name for s in self.servers]
        if len(set(names)) != len(names):
            raise ValueError("servers: two have the same name")
        return self

    def at(self, site: Side) -> tuple[Server, ...]:
        return tuple(s for s in self.servers if s.site is site)


def migration_folders() -> list[Path]:
    """Folders with specs: LIVEMOVE_MIGRATIONS (separated by ':'), else include/migrations of this project."""
    env = os.environ.get("LIVEMOVE_MIGRATIONS")
    if env:
        return [Path(p) for p in env.split(os.pathsep) if p]
    return [project_root() / "include" / "migrations"]


def project_root() -> Path:
    """The folder that holds dags/, plugins/ and include/."""
    return Path(__file__).resolve().parents[3]


def find_spec(service: str) -> MigrationSpec:
    """The spec of one service by name; SpecError when no file declares it."""
    known = []
    for path in spec_files():
        if path.stem == service:
            return load_spec(path)
        known.append(path.stem)
    near = difflib.get_close_matches(service, known, 1)
    raise SpecError(
        f"No spec file {service}.yaml in {', '.join(map(str, migration_folders()))}",
        wanted=f"one of {', '.join(known) or 'none there'}" + (f" (did you mean {near[0]}?)" if near else ""),
    )


def spec_files() -> list[Path]:
    return sorted(
        p for folder in migration_folders() for p in folder.glob("*.yaml") if not p.stem.startswith("example")
    )


def load_spec(path: Path) -> MigrationSpec:
    """Read and check one spec file; SpecError names file, line, field and the nearest valid word."""
    try:
        text = path.read_text(encoding="utf-8")
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except OSError as e:
        raise SpecError(f"{path}: cannot be read ({e.strerror})") from e
    except yaml.MarkedYAMLError as e:
        line = e.problem_mark.line + 1 if e.problem_mark else 1
        raise SpecError(f"{path}:{line}: not valid YAML: {e.problem}") from e
    if not isinstance(data, dict) or tree is None:
        raise SpecError(f"{path}:1: the file must be a mapping that begins with service:")
    try:
        spec = MigrationSpec.model_validate(data)
    except ValidationError as e:
        raise SpecError(_explain(path, tree, e)) from None
    if spec.service != path.stem:
        raise SpecError(
            f"{path}:{_line_of(tree, ('service',))}: service is {spec.service!r}",
            wanted=f"the file's own name, {path.stem!r}",
        )
    return spec


def _explain(path: Path, tree: yaml.Node, error: ValidationError) -> str:
    lines = []
    for e in error.errors():
        loc = e["loc"]
        field = ".".join(str(p) for p in loc) or "the spec"
        message = e["msg"].removeprefix("Value error, ")
        if e["type"] == "extra_forbidden":
            valid = _fields_at(loc[:-1])
            near = difflib.get_close_matches(str(loc[-1]), valid, 1)
            message = "unknown key" + (
                f"; did you mean {near[0]}?" if near else f"; valid here: {', '.join(valid)}"
            )
        lines.append(f"{path}:{_line_of(tree, loc)}: {field}: {message}")
    return "\n".join(lines)


def _fields_at(loc: tuple[int | str, ...]) -> list[str]:
    model: Any = MigrationSpec
    for part in loc:
        if isinstance(part, int):
            continue
        annotation = model.model_fields[part].annotation
        while not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            args = [a for a in getattr(annotation, "__args__", ()) if a not in (type(None), Ellipsis)]
            if not args:
                return []
            annotation = args[0]
        model = annotation
    return sorted(model.model_fields)


def _line_of(node: yaml.Node, loc: tuple[int | str, ...]) -> int:
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            hit = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if hit is None:
                break
            node = hit[1] if isinstance(hit[1], yaml.MappingNode | yaml.SequenceNode) else hit[0]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            break
    return int(node.start_mark.line) + 1
