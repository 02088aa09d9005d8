"""A repoint on every server, on a path beside the settings that the application reads.

livemove-server runs in a folder of its own with the server's real users and commands; its link has no
password behind it. The service is reloaded only at AWS, where nobody uses it yet.
"""

from __future__ import annotations

import logging
import posixpath
import shlex
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from livemove.model.errors import LivemoveError, UnreachableError
from livemove.model.ports import Finding, Host, Reply
from livemove.model.spec import Server, Side
from livemove.preflight.result import error, ok
from livemove.servers.adapters.equipping import SCRIPT, databases_at, run_checked
from livemove.servers.adapters.servers import Databases, Servers, configuration, told

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
BUDGET, VERB = 1800.0, 70.0
"""Seconds. A server's steps end within the first by their own limits: none goes on after the removal."""
SCRATCH_SETTINGS = b"# written by livemove for a trial; nothing reads it\n"

BESIDE = """\
set -eu
rm -rf {folder} && mkdir -p -m 755 {folder}
rm -f {link}
cp -p --attributes-only -- "$(readlink -f {settings})" {link}
"""
"""The scratch settings have owner, group and mode of the real ones, and nothing of their content."""


def try_servers(world: ServiceContext) -> tuple[list[Finding], dict[str, int]]:
    """One finding for each server; the slowest of each number."""
    numbers: list[dict[str, int]] = []

    def one(server: Server, host: Host) -> Reply:
        measured = _try_one(world, server, host)
        numbers.append(measured)
        return Reply(server.name, ok=True, facts=dict(measured))

    servers = Servers.of(world)
    replies = _each(servers, one)
    findings = [_finding(server, reply) for (server, _), reply in zip(servers.servers, replies, strict=True)]
    slowest = {k: max(n[k] for n in numbers) for k in ("delivery", "probe", "repoint") if numbers}
    return findings, slowest


def _try_one(world: ServiceContext, server: Server, host: Host) -> dict[str, int]:
    began = time.monotonic()
    run_checked(host, "true", "run a command")
    measured = {"delivery": _ms(began)}
    scratch = beside(server)
    run_checked(
        host,
        BESIDE.format(
            folder=shlex.quote(scratch.directory),
            link=shlex.quote(scratch.settings_link),
            settings=shlex.quote(server.settings_link),
        ),
        "make settings of the trial beside the real ones",
    )
    try:
        host.put(f"{scratch.directory}/livemove-server", SCRIPT.read_bytes(), mode=0o755)
        # its commands run where those of the real one do
        as_conf = scratch.model_copy(update={"directory": server.directory})
        conf = configuration(as_conf, _always_the_source(databases_at(world, server, host)))
        host.put(f"{scratch.directory}/server.conf", conf.encode())
        for side in Side:
            host.put(f"{scratch.directory}/{side}.env.new", SCRATCH_SETTINGS, mode=0o600)
        _ask(scratch, host, "place")
        began = time.monotonic()
        _ask(scratch, host, "repoint --epoch 1 --to target")
        measured["repoint"] = _ms(began)
        measured["probe"] = int(_ask(scratch, host, "status --to target").facts.get("probe_ms") or 0)
    finally:
        remove_from(server, host)
    return measured


def beside(server: Server) -> Server:
    """The server as the trial sees it: a folder within its own, another link, no reload where users are.

    Within: the login may have been given that one folder and no right to make another beside it.
    """
    path = PurePosixPath(server.settings_link)
    link = path.with_name(f".livemove-trial.{path.name}")
    reload_ = server.commands.reload if server.site is Side.TARGET else "true"
    return server.model_copy(
        update={
            "directory": posixpath.join(server.directory, "trial"),
            "settings_link": str(link),
            "commands": server.commands.model_copy(
                update={"reload": reload_, "hold": None, "release": None, "jobs_off": None, "jobs_on": None}
            ),
        }
    )


def _always_the_source(databases: Databases) -> Databases:
    """The application stays on its database, so that is what its probe must name whatever the link says."""
    return replace(databases, target=databases.source)


def remove_from(server: Server, host: Host) -> None:
    scratch = beside(server)
    link = PurePosixPath(scratch.settings_link)
    # a flip that was cut off leaves what livemove-server makes beside a link
    files = [link, link.with_name(f".livemove-new.{link.name}")]
    run_checked(
        host,
        f"rm -rf {shlex.quote(scratch.directory)} && rm -f {shlex.join(map(str, files))}",
        "remove what the trial made",
    )


def remove_everywhere(world: ServiceContext) -> list[str]:
    """Why a server still has something of the trial, as text; none where all is gone."""

    def one(server: Server, host: Host) -> Reply:
        remove_from(server, host)
        return Reply(server.name, ok=True)

    return [f"{r.server}: {r.message}" for r in _each(Servers.of(world), one) if not r.ok]


def _each(servers: Servers, act: Callable[[Server, Host], Reply]) -> list[Reply]:
    """All in parallel; of an error what was found, because the finding says what to do next."""

    def one(server: Server, host: Host) -> Reply:
        try:
            return act(server, host)
        except LivemoveError as e:
            return Reply(server.name, ok=False, message=e.found)

    return servers.each(one, BUDGET)


def _ask(server: Server, host: Host, words: str) -> Reply:
    answer = told(server, host, words, VERB)
    if not answer.ok:
        raise UnreachableError(
            f"{words.split()[0]} failed: {answer.message}",
            wanted="what the server does on the night, on a link beside the real one",
            next_step="fix the server, or its users and commands in the spec; then clear this task",
        )
    return answer


def _finding(server: Server, reply: Reply) -> Finding:
    if not reply.ok:
        return error(
            "trial.server",
            reply.message,
            "settings placed, a link flipped, the probe answered by the source database",
            "fix the server, or its users and commands in the spec; then clear trial.servers",
            subject=server.name,
        )
    what = "placed, flipped, reloaded and probed"
    if server.site is Side.SOURCE:
        what = "placed, flipped and probed; not reloaded, because users are on it"
    return ok("trial.server", f"{what} in {reply.facts['repoint']} ms", subject=server.name)


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
