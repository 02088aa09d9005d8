"""The servers of both sites: reach, deploy, smoke test, stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from livemove.model.errors import LivemoveError, UnreachableError
from livemove.model.ledger import JobsKept, Promotion, ServersStopped
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.runtime.operator import LivemoveOperator

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

TRIES, PAUSE = 10, 1.5
"""A service that has just been installed or repointed gets this many tries, seconds apart."""


class ReachabilityOperator(LivemoveOperator):
    """Fails when the worker or a server cannot reach one of the databases; lists every way it tried."""

    def execute(self, context: Any) -> Json:
        from livemove.servers.adapters.connectivity import all_ways

        ways = all_ways(self.world(context))
        for way in ways:
            self.log.info("%s %s", "ok  " if way.ok else "FAIL", way)
        if closed := [str(w) for w in ways if not w.ok]:
            raise UnreachableError(
                f"{len(closed)} of {len(ways)} ways are closed: {'; '.join(closed)}",
                next_step=(
                    "open them (Terraform's output idc_firewall says what the data centre must allow), then"
                    " clear this task"
                ),
            )
        return {"ways": len(ways)}


class DeployOperator(LivemoveOperator):
    """Installs livemove-server and both settings files on every server, and the release on those at AWS."""

    def execute(self, context: Any) -> Json:
        from livemove.servers.adapters.equipping import deploy

        world = self.world(context)
        said = {}
        for server in world.spec.servers:
            said[server.name] = deploy(world, server, world.host(server))
            self.log.info("%s: %s", server.name, said[server.name])
        return said


class SmokeOperator(LivemoveOperator):
    """Asks every server of a site by its address under the public name, and which database it uses.

    :param site: whose servers are asked; they must be using the owner's database
    """

    def __init__(self, *, site: Side | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.site = str(site)

    def execute(self, context: Any) -> Json:
        from livemove.control.adapters.state import owner

        world = self.world(context)
        side = owner(world)
        seen = {h.name: self._served(world, h.name, h.address, side) for h in world.hosts(Side(self.site))}
        for asset in self.outlets:
            context["outlet_events"][asset].extra = {"database": str(side), "servers": seen}
        other = self._other_latency(world)
        for name, ms in seen.items():
            beside = (
                f"the other site answers in {other:.0f} ms"
                if other is not None
                else "the other site does not answer"
            )
            self.log.info(
                "%s serves %s in %.0f ms on the %s database; %s",
                name,
                world.spec.dns.name,
                ms,
                side,
                beside,
            )
        return {"latency_ms": seen, "other_site_ms": other}

    def _served(self, world: ServiceContext, name: str, address: str, side: Side) -> float:
        login, why = world.application_login(side), ""
        wanted = (login.host, login.port)
        for n in range(TRIES):
            if n:
                world.clock.sleep(PAUSE)
            try:
                health, ms = healthy(world, address)
            except LivemoveError as e:
                why = e.found
                continue
            found = (str(health.get("database_host", wanted[0])), int(health.get("database_port", wanted[1])))
            if found == wanted:
                return ms
            why = f"it uses the database at {found[0]}:{found[1]}"
        raise UnreachableError(
            f"Server {name} ({address}) does not serve {world.spec.dns.name}: {why}",
            wanted=(
                f"HTTP 200 under the public name with a valid certificate, on the {side} database"
                f" {wanted[0]}:{wanted[1]}"
            ),
            next_step="fix the server, then clear this task; the public name has not been touched by it",
        )

    def _other_latency(self, world: ServiceContext) -> float | None:
        from livemove.control.adapters.state import target_exists

        times = []
        other = Side(self.site).other
        for host in world.hosts(other) if other is Side.SOURCE or target_exists(world) else ():
            try:
                times.append(healthy(world, host.address)[1])
            except LivemoveError as e:
                self.log.info("%s: %s", host.name, e.found)
        return min(times, default=None)


def healthy(world: ServiceContext, address: str) -> tuple[Json, float]:
    """(what the health page says, milliseconds it took) of the server at this address."""
    from livemove.servers.adapters.http_page import get_json

    began = time.monotonic()
    said = get_json(world.spec.application, address, world.spec.application.health_path)
    return said, round((time.monotonic() - began) * 1000, 1)


class KeepJobsOperator(LivemoveOperator):
    """While both sites serve, scheduled jobs run beside the owner and nowhere else.

    The switchover takes them along. Does nothing where the spec says that jobs run on both sites.
    """

    def execute(self, context: Any) -> Json:
        from livemove.control.adapters.state import owner
        from livemove.servers.adapters.servers import Servers

        world = self.world(context)
        if world.spec.site_state.jobs == "both":
            self.log.info("site_state.jobs is both: jobs are left as they are")
            return {}
        side = owner(world)
        replies = [*Servers.of(world, side.other).jobs_off(), *Servers.of(world, side).jobs_on(side)]
        if failed := [f"{r.server}: {r.message}" for r in replies if not r.ok]:
            raise UnreachableError(
                f"Jobs could not be kept to the {side}: {'; '.join(failed)}",
                wanted="jobs on one site only, before both serve",
                next_step="fix commands.jobs_off and jobs_on of that server, then clear this task",
            )
        world.ledger.note(JobsKept(site=str(side), servers={r.server: r.message for r in replies}))
        return {r.server: r.message for r in replies}


class StopServersOperator(LivemoveOperator):
    """Ends the service on every server of a site, for good; one that is down already is only reported.

    After a promotion a source that does not answer is down by a person's word.
    """

    def __init__(self, *, site: Side | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.site = str(site)

    def execute(self, context: Any) -> Json:
        from livemove.servers.adapters.servers import Servers

        world = self.world(context)
        replies = Servers.of(world, Side(self.site)).stop()
        world.ledger.note(ServersStopped(site=self.site, servers={r.server: r.message for r in replies}))
        failed = [f"{r.server}: {r.message}" for r in replies if not r.ok]
        if failed and self.site == Side.SOURCE and _promoted(world):
            self.log.warning("Off by the word of whoever promoted the target: %s", "; ".join(failed))
        elif failed:
            raise UnreachableError(
                f"Not every server of the {self.site} site could be stopped: {'; '.join(failed)}",
                next_step="stop them by hand and mark this task as success, or clear it",
            )
        return {r.server: r.message for r in replies}


def _promoted(world: ServiceContext) -> bool:
    """A damaged document says as well that there was a promotion."""
    kept = world.ledger.load_all(Promotion)
    return bool(kept.found or kept.unreadable)
