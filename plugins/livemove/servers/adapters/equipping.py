"""What is placed on one server before anything moves: livemove-server, settings, logins, the release.

Over SSH settings come by SFTP; over SSM the host itself fetches the passwords from Secrets Manager, because
AWS keeps the parameters of commands. Either way they lie as `<side>.env.new`, closed to everybody but the
login, until `livemove-server place` gives them to the service's own user and sees that it can read them.
"""

from __future__ import annotations

import base64
import json
import logging
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from livemove.control.adapters.setup import WATCH_ACCOUNT, credentials, secret_name
from livemove.model.errors import SetupError, UnreachableError
from livemove.model.ports import Host, Reply
from livemove.model.spec import Server, Side
from livemove.servers import settings_merge
from livemove.servers.adapters.servers import (
    Databases,
    changed_keys,
    configuration,
    settings,
    told,
    watch_login,
)

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)
SCRIPT = Path(__file__).parents[1] / "scripts" / "livemove-server"
PASSWORD = "{password}"
PLACE, CLOUD_INIT = 60.0, 600
"""Seconds that placing the settings and a reload may take; that user data of a new server may take."""

WITH_SECRET = """\
set -eu
umask 077
HOME=${{HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}}
export HOME
cd {directory}
SECRET=$(aws secretsmanager get-secret-value --secret-id {secret} --query SecretString --output text)
export SECRET
{fill}
for file in {files}; do
    fill "${{file%.new}}.template" > "$file.part"
    mv -f "$file.part" "$file"
done
"""
"""Each file is made on the server, with a password that it fetches itself; `fill` does it, from a template.

SSM sets no HOME, where a hybrid node has its credentials.
"""

IN_TEMPLATE = """\
fill() {
    python3 - "$1" <<'PYTHON'
import json, os, sys, urllib.parse
text, password = open(sys.argv[1], encoding="utf-8").read(), json.loads(os.environ["SECRET"])["password"]
text = text.replace("{password_url}", urllib.parse.quote(password, safe=""))
sys.stdout.write(text.replace("{password}", password))
PYTHON
}"""
"""The template is the file; the password is filled in, the application's or the watching account's."""

IN_NAMED_KEYS = """fill() {{ python3 settings_merge.py "$1" {link}; }}"""
"""The template says which keys of the file change that the application reads now; it has no password."""

STARTED = """\
[ ! -e {directory}/user-data-repaired ] || exit 0
command -v cloud-init >/dev/null || exit 0
timeout {seconds} cloud-init status --wait --long && exit 0
code=$?
case $code in
    2) exit 0 ;;
    124) echo "it is still at work after {seconds} s" ;;
esac
tail -n 15 /var/log/cloud-init-output.log 2>/dev/null
exit $code
"""
"""2: it has ended with warnings.
https://cloudinit.readthedocs.io/en/latest/explanation/failure_states.html#error-codes"""

RELEASE = """\
set -eu
cd {directory}
aws s3 cp --only-show-errors s3://{bucket}/{key} release.tar.gz
rm -rf release && mkdir release
tar -xzf release.tar.gz -C release
cd release
RELEASE=$(pwd)
HOME=${{HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}}
export HOME RELEASE
sh -c {install}
"""


def deploy(world: ServiceContext, server: Server, host: Host) -> str:
    """Equip one server, and install the release on those at AWS; returns what there is to say about it.

    Safe to repeat. UnreachableError with the server's own words when a step fails; settings that were in use
    are then in use still.
    """
    if server.site is Side.TARGET:
        wait_until_started(server, host)
    if missing := install_agent(world, server, host):
        log.warning("%s: %s", server.name, missing)
    release = server.site is Side.TARGET and bool(world.spec.application.release)
    if not release:
        return "; ".join(s for s in (place_settings(world, server, host).message, missing) if s)
    # a file of its own that is merged comes with the release; else it lies there when the release starts
    merged = world.spec.application.settings_merge is not None
    early = None if merged else place_settings(world, server, host, early=True)
    said = deploy_release(world, server, host)
    placed = place_settings(world, server, host)
    if early is None or early.message != placed.message:
        # what the release has started has not read its settings yet
        checked(told(server, host, "reload", PLACE + 10))
    return "; ".join(s for s in (said, placed.message, missing) if s)


def wait_until_started(server: Server, host: Host) -> None:
    """Until cloud-init has run the user data of a new server, which brings what is needed below.

    The agent of SSM is online long before that. UnreachableError quotes cloud-init; an image without it is
    taken as it is.
    """
    script = STARTED.format(directory=shlex.quote(server.directory), seconds=CLOUD_INIT)
    done = host.run(script, timeout=CLOUD_INIT + 30)
    if done.exit_code:
        raise UnreachableError(
            f"cloud-init on {host.name} says: {(done.stdout or done.stderr).strip()[-1000:]}",
            wanted="a new server whose user data has run to its end",
            next_step=(
                "see /var/log/cloud-init-output.log there. Either fix infra.user_data and replace the server,"
                f" or finish it by hand and `touch {server.directory}/user-data-repaired`; clear this task"
            ),
        )


def install_agent(world: ServiceContext, server: Server, host: Host) -> str:
    """Place livemove-server, its configuration and the logins of its waiters.

    Returns what is missing for the server to be armed, or an empty text.
    """
    folder = server.directory
    host.put(f"{folder}/livemove-server", SCRIPT.read_bytes(), mode=0o755)
    databases = databases_at(world, server, host)
    host.put(f"{folder}/server.conf", configuration(server, databases).encode())
    for side in Side:
        if trust := databases.trust[side]:
            host.put(f"{folder}/{side}.ca.pem", trust.pem())
        password = credentials(world, side, WATCH_ACCOUNT)["password"]
        if server.reach == "ssh":
            login = watch_login(databases, side, password)
            host.put(f"{folder}/{side}.watch", login.encode(), mode=0o600)
        else:
            host.put(f"{folder}/{side}.watch.template", watch_login(databases, side, PASSWORD).encode())
            fetch(server, host, secret_name(world.spec.service, side, WATCH_ACCOUNT), [f"{side}.watch"])
    if server.commands.watch or host.run("command -v mariadb || command -v mysql").exit_code == 0:
        return ""
    return (
        "no mariadb or mysql client: it cannot be armed; its command is sent in the pause;"
        " install mariadb-client, or give commands.watch in the spec"
    )


def databases_at(world: ServiceContext, server: Server, host: Host) -> Databases:
    """The databases as this server finds them: the CAs lie in livemove's folder, for everybody to read."""
    databases = Databases.of(world)
    folder = server.directory
    if not folder.startswith("/"):
        where = f"CDPATH= cd -- {shlex.quote(folder)} && pwd"
        folder = run_checked(host, where, f"find the folder {folder}")
    return replace(databases, ca={s: f"{folder}/{s}.ca.pem" for s, trust in databases.trust.items() if trust})


def place_settings(world: ServiceContext, server: Server, host: Host, *, early: bool = False) -> Reply:
    """Both settings files on the server, in use there and readable for its service; else what was there.

    `early`: the service's user may be missing, because the release will make it.
    """
    stage = _stage_over_ssh if server.reach == "ssh" else _stage_over_ssm
    stage(world, server, host, databases_at(world, server, host))
    return checked(told(server, host, "place --early" if early else "place", PLACE))


def _stage_over_ssh(world: ServiceContext, server: Server, host: Host, databases: Databases) -> None:
    """Both files as <side>.env.new, made here."""
    password = world.application_login(Side.SOURCE).password
    merge = world.spec.application.settings_merge
    now = _settings_now(server, host) if merge else ""
    for side in Side:
        if merge is None:
            text = str(
                settings_merge.fill(settings(world.spec, databases, side, server.site, PASSWORD), password)
            )
        else:
            keys = changed_keys(world.spec, databases, side, server.site)
            try:
                filled = {k: settings_merge.fill(v, password) for k, v in keys.items()}
                text = settings_merge.merge(merge.format, now, filled)
            except settings_merge.MergeError as e:
                raise SetupError(
                    f"{server.settings_link} on {server.name} cannot be changed: {e}",
                    wanted=f"application.settings_merge fits the file ({merge.format})",
                    next_step="change the file or the spec, then clear this task; nothing was changed",
                ) from None
        host.put(f"{server.directory}/{side}.env.new", text.encode("utf-8", "surrogateescape"), mode=0o600)


def _settings_now(server: Server, host: Host) -> str:
    """What the application reads now, byte for byte; bytes that are no UTF-8 as surrogates."""
    done = host.run(f"base64 < {shlex.quote(server.settings_link)}")
    if done.exit_code:
        raise UnreachableError(
            f"{host.name} has no settings at {server.settings_link} that could be changed:"
            f" {done.stderr.strip()[-300:]}",
            wanted="the application's own file, readable for the login",
            next_step="check settings_link in the spec, and the file; then clear this task",
        )
    return base64.b64decode(done.stdout).decode("utf-8", "surrogateescape")


def _stage_over_ssm(world: ServiceContext, server: Server, host: Host, databases: Databases) -> None:
    """Both files as <side>.env.new, made on the host, which fetches the password itself."""
    merge = world.spec.application.settings_merge
    if merge is not None:
        host.put(f"{server.directory}/settings_merge.py", Path(settings_merge.__file__).read_bytes())
    for side in Side:
        if merge is None:
            text = settings(world.spec, databases, side, server.site, PASSWORD)
        else:
            keys = changed_keys(world.spec, databases, side, server.site)
            text = json.dumps({"format": merge.format, "values": keys})
        host.put(f"{server.directory}/{side}.env.template", text.encode())
    fetch(
        server,
        host,
        world.outputs.application_secret_arn,
        [f"{side}.env.new" for side in Side],
        IN_TEMPLATE if merge is None else IN_NAMED_KEYS.format(link=shlex.quote(server.settings_link)),
    )


def fetch(server: Server, host: Host, secret: str, files: list[str], fill: str = IN_TEMPLATE) -> None:
    """Have the host fill in the password of a secret: each file from its template."""
    script = WITH_SECRET.format(
        directory=shlex.quote(server.directory),
        secret=shlex.quote(secret),
        files=" ".join(files),
        fill=fill,
    )
    run_checked(host, script, f"fetch the secret {secret}")


def deploy_release(world: ServiceContext, server: Server, host: Host) -> str:
    """Fetch the release from S3 on the server and run the spec's install command there; its last line.

    The command runs in the unpacked release with HOME and RELEASE set.
    """
    application = world.spec.application
    script = RELEASE.format(
        directory=shlex.quote(server.directory),
        bucket=shlex.quote(world.spec.aws.bucket),
        key=shlex.quote(application.release or ""),
        install=shlex.quote(application.install or "true"),
    )
    return run_checked(host, script, f"install {application.release}", timeout=application.install_timeout)


def checked(answer: Reply) -> Reply:
    """The answer, if it is good; else UnreachableError with its words."""
    if answer.ok:
        return answer
    raise UnreachableError(
        f"The settings cannot be used on {answer.server}: {answer.message}",
        wanted="the service's own user reads its settings before anything depends on it",
        next_step="fix the server, or runs_as, settings_owner, directory in the spec; clear this task",
    )


def within(server: Server, command: str) -> str:
    """A command of the user's, in the folder where livemove-server runs them, too."""
    return f"cd {shlex.quote(server.work_folder)} && (\n{command}\n)" if server.work_folder else command


def run_checked(host: Host, script: str, what: str, *, timeout: float = 60) -> str:
    """Run a script that has to succeed; UnreachableError with what it said."""
    done = host.run(script, timeout=timeout)
    if done.exit_code:
        said = (done.stderr or done.stdout).strip()[-1000:]
        raise UnreachableError(
            f"{host.name} could not {what} (exit code {done.exit_code}): {said or 'it said nothing'}",
            next_step="fix the server, then clear this task",
        )
    return done.stdout.strip().rsplit("\n", 1)[-1]
