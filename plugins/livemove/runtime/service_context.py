"""One service at run time: its spec, Airflow connections, AWS sessions, ledger, databases and servers.

Operators ask it for what they need; nothing is connected before it is used. Zone, replicator and Terraform
are ports of their rooms, which make them from this.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

from livemove.model.errors import RefusedError, SetupError
from livemove.model.ledger import Outputs, WebServer
from livemove.model.spec import MigrationSpec, Server, Side, Tls
from livemove.runtime.clock import SystemClock
from livemove.runtime.ssh import SshHost
from livemove.runtime.ssm import SsmHost

if TYPE_CHECKING:
    import boto3

    from livemove.model import ports
    from livemove.runtime.mariadb import Login, MariaDb, Trust


IDENTITIES = {"aws_access_key_id", "aws_session_token", "profile_name", "role_arn"}
"""Extras of an Amazon connection that say as whom AWS is asked."""


@dataclass(frozen=True)
class Secret:
    """What an Airflow connection says; its repr hides the password."""

    id: str
    host: str
    port: int | None
    login: str
    password: str
    extra: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"Secret({self.id}: {self.login}@{self.host}:{self.port})"


class ServiceContext:
    """All ports of one service. `run_id`, `task_id` and `dag_id` go into the ledger's events."""

    aws_attempts = 6
    """How often a call of AWS is tried; a person who waits at a terminal wants to know sooner."""

    def __init__(self, spec: MigrationSpec, *, run_id: str = "", task_id: str = "", dag_id: str = "") -> None:
        self.spec, self.run_id, self.task_id, self.dag_id = spec, run_id, task_id, dag_id
        self.clock: ports.Clock = SystemClock()
        self.ports: dict[str, Any] = {}
        """Ports that were made, by name; a test or a rehearsal may put its own here."""
        self._making = threading.RLock()

    def secret(self, connection_id: str) -> Secret:
        """An Airflow connection; SetupError when it is not defined."""
        from airflow.sdk import BaseHook

        try:
            c = BaseHook.get_connection(connection_id)
        except Exception as e:
            raise SetupError(
                f"The Airflow connection {connection_id!r} is missing ({type(e).__name__})",
                wanted=f"a connection of that id, as the spec of {self.spec.service} names it",
                next_step=f"Admin > Connections, or AIRFLOW_CONN_{connection_id.upper()}",
            ) from e
        return Secret(connection_id, c.host or "", c.port, c.login or "", c.password or "", c.extra_dejson)

    # AWS ------------------------------------------------------------------------------------------
    @cached_property
    def endpoint_url(self) -> str | None:
        """The AWS endpoint; None is real AWS. A rehearsal refuses any that is not loopback."""
        extra = self.secret(self.spec.aws.connection).extra
        url = extra.get("endpoint_url")
        if self.spec.rehearsal:
            self._refuse_outside(url, '"endpoint_url"')
            if extra.get("role_arn"):
                # the role is asked for at STS, which never is that endpoint
                sts = extra.get("service_config", {}).get("sts", {}).get("endpoint_url")
                self._refuse_outside(sts, '"service_config": {"sts": {"endpoint_url": ...}}')
        return url

    def _refuse_outside(self, url: str | None, field: str) -> None:
        host = urlparse(url or "").hostname or ""
        try:
            loopback = bool(host) and all(
                ipaddress.ip_address(a[4][0]).is_loopback for a in socket.getaddrinfo(host, None)
            )
        except OSError:
            loopback = False
        if not loopback:
            raise RefusedError(
                f"{self.spec.service} is a rehearsal, but the endpoint of connection"
                f" {self.spec.aws.connection!r} is {url or 'real AWS'}",
                wanted="a loopback address, as the lab has",
                next_step=f"set {field} in the connection's extra, or rehearsal: false in the spec",
            )

    @cached_property
    def _session(self) -> boto3.Session:
        """The session of the connection by Airflow's Amazon provider: keys, token, profile, role or none.

        A role's keys are renewed before they end.
        """
        from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

        self.secret(self.spec.aws.connection)  # the hook goes on without a connection that is missing
        with self._usable():
            return AwsBaseHook(
                aws_conn_id=self.spec.aws.connection, region_name=self.spec.aws.region
            ).get_session()

    def listen(self, event: str, handler: Callable[..., None]) -> None:
        """Call a handler at an event of boto3, in every client that is made from now on."""
        _ = self.endpoint_url  # refuses before anything is asked
        self._session.events.register(event, handler)

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """SetupError, without the connection's secrets, where AWS accepts nobody by that connection."""
        from airflow.sdk.exceptions import AirflowException
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield
        except (BotoCoreError, ClientError, AirflowException, ValueError, NotImplementedError) as e:
            code = e.response.get("Error", {}).get("Code") if isinstance(e, ClientError) else None
            raise SetupError(
                f"AWS cannot be asked by the connection {self.spec.aws.connection!r}"
                f" ({code or type(e).__name__})",
                wanted="an access key and its secret, a role that may be assumed, or a profile that is there",
                next_step="Admin > Connections; a profile must be on every worker and on the API server",
            ) from e

    def aws(self, service: str) -> Any:
        """A boto3 client with timeouts and standard retries."""
        from botocore.config import Config

        url = self.endpoint_url  # refuses before anything is asked
        with self._making:  # a session makes one client at a time
            client: Any = self._session.client  # its stubs know each service by a literal name
            config = Config(
                connect_timeout=5,
                read_timeout=60,
                retries={"mode": "standard", "max_attempts": self.aws_attempts},
            )
            with self._usable():
                return client(service, endpoint_url=url, config=config)

    def aws_environment(self) -> dict[str, str]:
        """Variables that let another program act as the same AWS user; a role's keys there may expire."""
        region = self.spec.aws.region
        found = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region}
        if self.endpoint_url:
            found["AWS_ENDPOINT_URL"] = self.endpoint_url
        s = self.secret(self.spec.aws.connection)
        if not (s.login or s.extra.keys() & IDENTITIES):
            return found  # the worker's own role, which the program finds and renews itself
        with self._making, self._usable():
            keys = self._session.get_credentials()
            frozen = keys and keys.get_frozen_credentials()
        if frozen is None:
            raise SetupError(
                f"The connection {s.id!r} leads to no credentials",
                wanted="an access key and its secret, a role, or a profile that is there",
                next_step="Admin > Connections",
            )
        found |= {
            "AWS_ACCESS_KEY_ID": frozen.access_key or "",
            "AWS_SECRET_ACCESS_KEY": frozen.secret_key or "",
        }
        if frozen.token:
            found["AWS_SESSION_TOKEN"] = frozen.token
        return found

    @cached_property
    def ledger(self) -> ports.Ledger:
        from livemove.runtime.s3_ledger import S3Ledger  # loads the AWS SDK

        return S3Ledger(
            self.aws("s3"),
            self.spec.aws.bucket,
            self.spec.service,
            run_id=self.run_id,
            task_id=self.task_id,
            dag_id=self.dag_id,
        )

    def port[P](self, name: str, make: Callable[[], P]) -> P:
        """The port of this name, made once; rooms offer theirs by functions such as `zone_of(world)`."""
        with self._making:
            if name not in self.ports:
                self.ports[name] = make()
        made: P = self.ports[name]
        return made

    @cached_property
    def outputs(self) -> Outputs:
        """Terraform's outputs as the provision chapter left them in the ledger."""
        found = self.ledger.load(Outputs)
        if found is None:
            raise SetupError(
                "Terraform's outputs are not in the ledger",
                next_step="clear the provision chapter so that it runs again",
            )
        return found

    # Databases ------------------------------------------------------------------------------------
    def login(self, side: Side) -> Login:
        """livemove's own login: the IDC account of the spec, or the master user of RDS."""
        from livemove.runtime.mariadb import Login

        s, trust = self._database_secret(side), self.trust(side)
        if side is Side.SOURCE:
            host, port = s.host or self.spec.source.address, s.port or self.spec.source.port
        elif s.host:  # for a night in which even the ledger does not answer
            host, port = s.host, s.port or 3306
        else:
            host, port = self.outputs.database_address, self.outputs.database_port
        return Login(host, port, s.login, s.password, trust)

    def _database_secret(self, side: Side) -> Secret:
        spec = self.spec.source if side is Side.SOURCE else self.spec.target
        return self.secret(spec.connection)

    def trust(self, side: Side) -> Trust | None:
        """The CA that vouches for a database, None where the spec wants no TLS.

        It is where Airflow's MySQL provider looks, too: {"ssl": {"ca": "path"}} in the connection's extra.
        """
        from livemove.runtime.mariadb import Trust

        tls = (self.spec.source if side is Side.SOURCE else self.spec.target).tls
        if tls is Tls.NONE:
            return None
        s = self._database_secret(side)
        found = s.extra.get("ssl")
        ca = found.get("ca") if isinstance(found, Mapping) else None
        if not ca:
            raise SetupError(
                f"The connection {s.id!r} names no CA, and {side}.tls of the spec is {tls}",
                wanted='{"ssl": {"ca": "/path/to/ca.pem"}} in its extra',
                next_step=(
                    "put the CA's certificate on every worker and its path into the extra, or say"
                    f" {side}.tls: none in the spec"
                ),
            )
        return Trust(str(ca), tls is Tls.VERIFY_IDENTITY)

    def database(self, side: Side, **options: Any) -> MariaDb:
        """A new connection as livemove's own account."""
        from livemove.runtime.mariadb import MariaDb

        return MariaDb(side, self.login(side), **options)

    def application_login(self, side: Side) -> Login:
        """The application's own login on that side, as the web servers use it."""
        from livemove.runtime.mariadb import Login

        app = self.secret(self.spec.application.connection)
        if side is Side.SOURCE:
            host, port = self.spec.source.address, self.spec.source.port
        else:
            host, port = self.outputs.database_address, self.outputs.database_port
        return Login(host, port, app.login, app.password, self.trust(side))

    # Servers --------------------------------------------------------------------------------------
    def host(self, server: Server) -> ports.Host:
        if server.reach == "ssh":
            address = server.address or self.secret(server.connection or "").host
            return SshHost(server.name, server.site, address, server.connection or "", jump=server.jump)
        if server.instance:
            node, address = server.instance, server.address or ""
        else:
            made = self._instance(server)
            node, address = made.instance_id, made.public_ip
        return SsmHost(self.aws("ssm"), server.name, node, address, self.clock, site=server.site)

    def _instance(self, server: Server) -> WebServer:
        """What Terraform made for this server: the first server of the spec is the first instance."""
        number = [s.name for s in self.spec.at(server.site)].index(server.name)
        made = self.outputs.web_servers
        if number >= len(made):
            raise SetupError(
                f"Terraform made {len(made)} web servers, but {server.name} is number {number + 1}"
                " in the spec",
                next_step="raise infra.web_servers in the spec and run the provision chapter again",
            )
        return made[number]

    def hosts(self, site: Side | None = None) -> list[ports.Host]:
        """All servers of the spec, those of the cloud with the ids and addresses that Terraform gave them."""
        return [self.host(s) for s in self.spec.servers if site is None or s.site is site]
