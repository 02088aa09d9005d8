"""All servers of a service at once: the AppServers port, and the placing of livemove-server on each.

Both settings files lie on every server before the switchover, so that repoint only flips a link. Over SSH they
are placed by SFTP; over SSM the host itself fetches the password from Secrets Manager, because AWS keeps the
parameters of commands.
"""

from __future__ import annotations

import json
import logging
import shlex
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from livemove.errors import SetupError, UnreachableError
from livemove.ports import CommandResult, Host, Reply
from livemove.spec import MigrationSpec, Server, Side

if TYPE_CHECKING:
    from livemove.adapters.world import World

log = logging.getLogger(__name__)
SCRIPT = Path(__file__).parent / "scripts" / "livemove-server"
QUICK, SLOW, LATE = 15.0, 70.0, 5.0
"""Seconds that one server may take for status, hold and release; for repoint and stop; and for the delivery."""
PASSWORD = "{password}"

FETCH = """\
set -eu
umask 077
secret=$(aws secretsmanager get-secret-value --secret-id {secret} --query SecretString --output text)
for side in source target; do
    SECRET=$secret python3 - {directory}/$side.template > {directory}/$side.env.new <<'PYTHON'
import json, os, sys
text = open(sys.argv[1], encoding="utf-8").read()
sys.stdout.write(text.replace("{{password}}", json.loads(os.environ["SECRET"])["password"]))
PYTHON
    mv -f {directory}/$side.env.new {directory}/$side.env
done
"""
"""The password is filled in on the server, from the application's secret."""

LINK = """\
set -eu
dir=$(CDPATH= cd -- {directory} && pwd)
mkdir -p "$(dirname {link})"
if [ -f {link} ] && [ ! -L {link} ]; then
    cp -p {link} "$dir/original.env"
    chmod 600 "$dir/original.env"
    if [ {site} = source ]; then cp -p "$dir/original.env" "$dir/source.env"; fi
fi
if [ ! -L {link} ]; then
    ln -sfn "$dir/source.env" {link}.new
    mv -fT {link}.new {link}
fi
"""
"""The settings file that a server has becomes source.env, and a link takes its place; an existing link stays."""

RELEASE = """\
set -eu
top=$(pwd)
cd {directory}
aws s3 cp --only-show-errors s3://{bucket}/{key} release.tar.gz
rm -rf release && mkdir release
tar -xzf release.tar.gz -C release
cd release
HOME=${{HOME:-$top}} sh -c {install}
"""


@dataclass(frozen=True)
class Databases:
    """Where the application finds each database; no password in here."""

    source: tuple[str, int]
    target: tuple[str, int]
    user: str

    @classmethod
    def of(cls, world: World) -> Databases:
        s, t = (world.application_login(side) for side in (Side.SOURCE, Side.TARGET))
        return cls((s.host, s.port), (t.host, t.port), s.user)

    def at(self, side: Side) -> tuple[str, int]:
        return self.source if side is Side.SOURCE else self.target


def settings(spec: MigrationSpec, databases: Databases, side: Side, site: Side, password: str) -> str:
    """The application's settings file for one database, on a server of `site`."""
    host, port = databases.at(side)
    try:
        return spec.application.settings.format(
            host=host,
            port=port,
            user=databases.user,
            password=password,
            database=spec.application.database,
            site=site,
        )
    except (KeyError, IndexError, ValueError) as e:
        raise SetupError(
            f"application.settings of the spec cannot be filled in: {type(e).__name__} {e}",
            wanted="only {host} {port} {user} {password} {database} {site}; other braces doubled",
        ) from e


def configuration(server: Server, databases: Databases) -> str:
    """server.conf: the user's commands, as shell variables."""
    c = server.commands
    values = {
        "SITE": server.site, "SETTINGS_LINK": server.settings_link,
        "SOURCE_DATABASE": databases.source[0], "TARGET_DATABASE": databases.target[0],
        "RELOAD": c.reload, "PROBE": c.probe, "HOLD": c.hold or "", "RELEASE": c.release or "", "STOP": c.stop or "",
    }  # fmt: skip
    return "# written by livemove\n" + "".join(f"{k}={shlex.quote(v)}\n" for k, v in values.items())


class Servers:
    """The AppServers port over all servers of the spec."""

    def __init__(self, servers: Sequence[tuple[Server, Host]]) -> None:
        self.servers = list(servers)

    @classmethod
    def of(cls, world: World, site: Side | None = None) -> Servers:
        return cls([(s, world.host(s)) for s in world.spec.servers if site is None or s.site is site])

    def status(self) -> list[Reply]:
        return self._ask("status", QUICK)

    def hold(self, seconds: float) -> list[Reply]:
        return self._ask(f"hold --seconds {round(seconds)}", QUICK)

    def release(self) -> list[Reply]:
        return self._ask("release", QUICK)

    def repoint(self, epoch: int, to: Side) -> list[Reply]:
        return self._ask(f"repoint --epoch {epoch} --to {to}", SLOW)

    def stop(self) -> list[Reply]:
        return self._ask("stop", SLOW)

    def _ask(self, words: str, budget: float) -> list[Reply]:
        def one(server: Server, host: Host) -> Reply:
            script = f"{shlex.quote(server.directory)}/livemove-server"
            return reply(server, host.run(f"sh {script} {words}", timeout=budget))

        return self.each(one, budget + LATE)

    def each(self, act: Callable[[Server, Host], Reply], budget: float = 900) -> list[Reply]:
        """Do something on every server in parallel; what fails, or takes longer, becomes a Reply that is not ok.

        A server that does not answer keeps nobody waiting: its thread is left behind when the budget is over.
        """
        replies: dict[str, Reply] = {}

        def safely(server: Server, host: Host) -> None:
            try:
                replies[server.name] = act(server, host)
            except Exception as e:
                replies[server.name] = _silent(server, str(e))

        threads = [threading.Thread(target=safely, args=pair, daemon=True) for pair in self.servers]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + budget
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return [
            replies.get(s.name) or _silent(s, f"no answer within {budget:.0f} s") for s, _ in self.servers
        ]


def _silent(server: Server, why: str) -> Reply:
    return Reply(server.name, ok=False, message=why, facts={"site": str(server.site)})


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


def equip(world: World, server: Server, host: Host) -> None:
    """Place livemove-server, its configuration and both settings files; turn the settings path into a link."""
    databases, folder = Databases.of(world), server.directory
    host.put(f"{folder}/livemove-server", SCRIPT.read_bytes(), mode=0o755)
    host.put(f"{folder}/server.conf", configuration(server, databases).encode())
    if server.reach == "ssh":
        password = world.application_login(Side.SOURCE).password
        for side in Side:
            if side is server.site is Side.SOURCE and _has_link(host, server):
                continue  # the file that the application had before us stays as it is
            text = settings(world.spec, databases, side, server.site, password)
            host.put(f"{folder}/{side}.env", text.encode(), mode=0o600)
    else:
        for side in Side:
            text = settings(world.spec, databases, side, server.site, PASSWORD)
            host.put(f"{folder}/{side}.template", text.encode())
        secret = shlex.quote(str(world.outputs["application_secret_arn"]))
        must(
            host, FETCH.format(secret=secret, directory=shlex.quote(folder)), "fetch the application's secret"
        )
    must(host, LINK.format(directory=shlex.quote(folder), link=shlex.quote(server.settings_link), site=server.site), "link its settings")  # fmt: skip


def deploy_release(world: World, server: Server, host: Host) -> str:
    """Fetch the release from S3 on the server itself and run the spec's install command; returns its last line."""
    application = world.spec.application
    script = RELEASE.format(
        directory=shlex.quote(server.directory),
        bucket=shlex.quote(world.spec.aws.bucket),
        key=shlex.quote(application.release or ""),
        install=shlex.quote(application.install or "true"),
    )
    return must(host, script, f"install {application.release}", timeout=600)


def must(host: Host, script: str, what: str, *, timeout: float = 60) -> str:
    """Run a script that has to succeed; UnreachableError with what it said."""
    done = host.run(script, timeout=timeout)
    if done.exit_code:
        said = (done.stderr or done.stdout).strip()[-1000:]
        raise UnreachableError(
            f"{host.name} could not {what} (exit code {done.exit_code}): {said or 'it said nothing'}",
            next_step="mend the server, then clear this task",
        )
    return done.stdout.strip().rsplit("\n", 1)[-1]


def _has_link(host: Host, server: Server) -> bool:
    return host.run(f"test -L {shlex.quote(server.settings_link)}").exit_code == 0
