"""All servers of a service at once: the AppServers port, and what livemove-server is told about each.

`equipping` places script, settings and logins before the switchover: repoint only flips a link, and an armed
server does it by itself.
"""

from __future__ import annotations

import json
import logging
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livemove.control.adapters.setup import WATCH_ACCOUNT
from livemove.model.errors import LivemoveError, SetupError
from livemove.model.ports import CommandResult, Host, Reply
from livemove.model.spec import MigrationSpec, Server, Side
from livemove.runtime.mariadb import CLEAR_TEXT, Trust
from livemove.runtime.parallel import in_parallel_within

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
QUICK, ARM, SLOW, LATE = 15.0, 30.0, 70.0, 5.0
"""Time limits of one server in seconds: status, hold; arm, release; repoint, jobs, stop; delivery."""

WATCH_LOGIN = """\
# written by livemove: what waiters on this server watch the {side} database with
[client]
host={host}
port={port}
user={user}
password={password}
connect-timeout=5
{tls}
"""
"""A defaults file for the clients of MariaDB and MySQL."""


@dataclass(frozen=True)
class Databases:
    """Where the application finds each database, and who vouches for it; no password in here."""

    source: tuple[str, int]
    target: tuple[str, int]
    user: str
    trust: Mapping[Side, Trust | None] = field(default_factory=dict)
    """A side that is missing is spoken to in clear text."""
    ca: Mapping[Side, str] = field(default_factory=dict)
    """The CA files on the server that this is for."""

    @classmethod
    def of(cls, world: ServiceContext) -> Databases:
        s, t = (world.application_login(side) for side in (Side.SOURCE, Side.TARGET))
        return cls((s.host, s.port), (t.host, t.port), s.user, {Side.SOURCE: s.trust, Side.TARGET: t.trust})

    def at(self, side: Side) -> tuple[str, int]:
        return self.source if side is Side.SOURCE else self.target


def settings(spec: MigrationSpec, databases: Databases, side: Side, site: Side, password: str) -> str:
    """The application's whole settings file for one database, on a server of `site`."""
    try:
        return (spec.application.settings or "").format(**placeholders(spec, databases, side, site, password))
    except (KeyError, IndexError, ValueError) as e:
        raise SetupError(
            f"application.settings of the spec cannot be filled in: {type(e).__name__} {e}",
            wanted="only {host} {port} {user} {password} {database} {site} {ca}; other braces doubled",
        ) from e


def placeholders(
    spec: MigrationSpec, databases: Databases, side: Side, site: Side, password: str
) -> dict[str, str | int]:
    """What {host} and its like are for one database, on a server of `site`."""
    host, port = databases.at(side)
    return {
        "host": host,
        "port": port,
        "user": databases.user,
        "password": password,
        "password_url": "{password_url}",
        "database": spec.application.database,
        "site": site,
        "ca": databases.ca.get(side, ""),
    }


def changed_keys(spec: MigrationSpec, databases: Databases, side: Side, site: Side) -> dict[str, str | int]:
    """The named keys of the settings file for one database; the password is still to be filled in."""
    merge = spec.application.settings_merge
    known = placeholders(spec, databases, side, site, "{password}")
    keys = merge.keys if merge else {}
    # a port alone is a number: formats with types write it bare
    return {
        k: databases.at(side)[1] if template == "{port}" else template.format(**known)
        for k, template in keys.items()
    }


def configuration(server: Server, databases: Databases) -> str:
    """server.conf: the user's commands, as shell variables."""
    c = server.commands
    values = {
        "SITE": server.site,
        "SETTINGS_LINK": server.settings_link,
        "WORK": server.work_folder or "",
        "RUNS_AS": server.runs_as or "",
        "SETTINGS_OWNER": server.settings_owner or "",
        "SETTINGS_MODE": server.settings_mode or "",
        "SOURCE_DATABASE": databases.source[0],
        "TARGET_DATABASE": databases.target[0],
        "RELOAD": c.reload,
        "PROBE": c.probe,
        "HOLD": c.hold or "",
        "RELEASE": c.release or "",
        "STOP": c.stop or "",
        "NAME": server.name,
        "WATCH": c.watch or "",
        "JOBS_OFF": c.jobs_off or "",
        "JOBS_ON": c.jobs_on or "",
    }
    return "# written by livemove\n" + "".join(f"{k}={shlex.quote(v)}\n" for k, v in values.items())


class Servers:
    """The AppServers port over all servers of the spec."""

    def __init__(self, servers: Sequence[tuple[Server, Host]], *, jobs_everywhere: bool = False) -> None:
        self.servers, self.jobs_everywhere = list(servers), jobs_everywhere

    @classmethod
    def of(cls, world: ServiceContext, site: Side | None = None) -> Servers:
        chosen = [(s, _host(world, s)) for s in world.spec.servers if site is None or s.site is site]
        return cls(chosen, jobs_everywhere=world.spec.site_state.jobs == "both")

    def status(self, watching: Side | None = None) -> list[Reply]:
        return self._ask(f"status --to {watching}" if watching else "status", QUICK)

    def arm(self, epoch: int, to: Side, seconds: float) -> list[Reply]:
        return self._ask(f"repoint --epoch {epoch} --to {to} --when-open --wait {round(seconds)}", ARM)

    def hold(self, seconds: float, servers: Collection[str]) -> list[Reply]:
        return self._ask(f"hold --seconds {round(seconds)}", ARM, lambda s: s.name in servers)

    def release(self) -> list[Reply]:
        return self._ask("release", ARM)

    def repoint(self, epoch: int, to: Side) -> list[Reply]:
        return self._ask(f"repoint --epoch {epoch} --to {to}", SLOW)

    def jobs_off(self) -> list[Reply]:
        return self._ask("jobs-off", SLOW, lambda s: bool(s.commands.jobs_off))

    def jobs_on(self, owner: Side) -> list[Reply]:
        sites = Side if self.jobs_everywhere else (owner,)
        return self._ask("jobs-on", SLOW, lambda s: bool(s.commands.jobs_on) and s.site in sites)

    def stop(self) -> list[Reply]:
        return self._ask("stop", SLOW)

    def _ask(
        self, words: str, budget: float, of: Callable[[Server], bool] = lambda server: True
    ) -> list[Reply]:
        def one(server: Server, host: Host) -> Reply:
            return told(server, host, words, budget)

        return self.each(one, budget + LATE, of)

    def each(
        self,
        act: Callable[[Server, Host], Reply],
        budget: float = 900,
        of: Callable[[Server], bool] = lambda server: True,
    ) -> list[Reply]:
        """Call `act` for every server in parallel; an error or a timeout becomes a Reply that is not ok.

        A server that does not answer keeps nobody waiting.
        """
        chosen = [pair for pair in self.servers if of(pair[0])]
        outcomes = in_parallel_within(budget, chosen, lambda pair: act(*pair))
        return [
            said if isinstance(said, Reply) else _silent(server, str(said))
            for (server, _), said in zip(chosen, outcomes, strict=True)
        ]


def _host(world: ServiceContext, server: Server) -> Host:
    """The server, or one that never answers when the ledger with the cloud's addresses cannot be read."""
    try:
        return world.host(server)
    except LivemoveError as e:
        return Unknown(server, e)


class Unknown:
    """The Host port of a server whose address is not known now."""

    def __init__(self, server: Server, why: LivemoveError) -> None:
        self.name, self.site, self.address, self._why = server.name, server.site, server.address or "", why

    def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
        raise self._why

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        raise self._why


def _silent(server: Server, why: str) -> Reply:
    return Reply(server.name, ok=False, message=why, facts={"site": str(server.site)})


def told(server: Server, host: Host, words: str, budget: float) -> Reply:
    """What livemove-server of one server answers to these words."""
    script = f"{shlex.quote(server.directory)}/livemove-server"
    return reply(server, host.run(f"sh {script} {words}", timeout=budget))


def reply(server: Server, done: CommandResult) -> Reply:
    """What livemove-server printed, or why it could not be understood."""
    try:
        facts = json.loads(done.stdout.strip().splitlines()[-1])
        ok = bool(facts.pop("ok")) and done.exit_code == 0
        facts["reached"] = True
        return Reply(server.name, ok=ok, message=str(facts.pop("message", "")), facts=facts)
    except (ValueError, IndexError, KeyError, AttributeError):
        said = (done.stderr or done.stdout).strip()[-300:] or "nothing"
        return Reply(
            server.name,
            ok=False,
            message=f"livemove-server ended with {done.exit_code} and said: {said}",
            facts={"site": str(server.site), "reached": True},
        )


def watch_login(databases: Databases, side: Side, password: str) -> str:
    host, port = databases.at(side)
    trust = databases.trust.get(side)
    options = Trust(databases.ca[side], trust.identity).client_options() if trust else CLEAR_TEXT
    tls = "\n".join(option.removeprefix("--") for option in options)
    return WATCH_LOGIN.format(side=side, host=host, port=port, user=WATCH_ACCOUNT, password=password, tls=tls)
