"""Brings the whole world up, in parallel where nothing waits for anything, and proves that it serves.

Order: checks and lock; secrets, certificates, keys; then side by side the data centre's database, the name
servers, sshd and the AWS endpoint; then the zone, the release and the data centre's web host; last a look
through every resolver. A failure ends what was started and keeps the logs.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab import ca, checks, connections, dump, lock, secrets_file, specs, status
from lab.addresses import REGION, Addresses, here, settings_file, settle, state_dir
from lab.ca import write_private
from lab.cloud import worker
from lab.dns import authority, resolvers
from lab.down import down, end_processes
from lab.idc import database, ssh
from lab.mariadb import Server
from lab.processes import LabError, Process, Registry
from lab.web import users

START_TTL = 20
"""TTL of the public name when the story begins, in seconds."""
TRAFFIC = "livemove_traffic"


@dataclass
class Plan:
    """What kind of world: the listings, or a dump."""

    service: str
    zone: str
    schemas: list[str]
    database: str
    """The web application's schema."""
    dump: Path | None = None
    variant: str = ""
    """How the spec differs from the project's own: see lab.specs.VARIANTS."""
    app: str = ""
    """The application's kind: see lab.specs.APPS."""
    rows: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def account(self) -> str:
        return f"{self.service}_app"

    @property
    def name(self) -> str:
        return f"www.{self.zone}"


def up(*, dump: Path | None = None, rows: int = 300_000, variant: str = "", app: str = "") -> None:
    """Start everything, or say that it stands; LabError when it cannot."""
    plan = _plan(dump, rows, variant, app)
    if _stands(plan):
        print(f"The lab stands already: https://{plan.name}. python -m lab status shows it")
        return
    began = time.monotonic()
    checks.check_programs()
    checks.check_disk(state_dir())
    _own_folder()
    lock.take(here().octet, state_dir())
    try:
        _clear_leftovers()
        addresses = checks.settle_ports(here())
        _settle(addresses, plan, complete=False)
        registry = Registry(state_dir())
        _start(registry, addresses, plan)
        _settle(addresses, plan, complete=True)
        status.write()
        aws = registry.find("aws")
        lock.hand_over(addresses.octet, state_dir(), aws.pid if aws else os.getpid())
    except BaseException:
        end_processes(state_dir())
        lock.release(here().octet, state_dir())
        raise
    for note in plan.notes:
        print(f"  note: {note}")
    print(
        f"The lab is up after {time.monotonic() - began:.1f} s: {_url(addresses, plan)}, {plan.rows} rows,"
        f" state in {state_dir()}"
    )


def _plan(file: Path | None, rows: int, variant: str, app: str) -> Plan:
    if file is None:
        return Plan("shop", "shop.test", ["shop"], "shop", variant=variant, app=app, rows=rows)
    dump.files_of(file.expanduser())
    return Plan("dump", "dump.test", [], TRAFFIC, dump=file.expanduser().absolute())


def _stands(plan: Plan) -> bool:
    """True when this very lab runs; LabError when it runs as something else or is half dead."""
    found = status.read()
    if found["standing"]:
        if found["dump"] != (str(plan.dump) if plan.dump else None):
            raise LabError(
                f"A lab with {found['dump'] or 'the listings'} stands in {found['state']}. Next: python -m"
                " lab down"
            )
        return True
    dead = [h["name"] for h in found["hosts"] if not h["alive"]]
    if status.settings().get("complete") and len(dead) < len(found["hosts"]):
        raise LabError(
            f"A part of the lab in {found['state']} is dead: {', '.join(dead)}. Next: python -m lab down,"
            " then up again"
        )
    return False


def _own_folder() -> None:
    state = state_dir()
    if state.exists() and any(state.iterdir()) and not settings_file().exists():
        raise LabError(
            f"{state} is not empty and not the lab's. Next: name an empty folder in LIVEMOVE_LAB_STATE"
        )


def _clear_leftovers() -> None:
    """After a crash: nothing of the old world is used again. The lock is ours, so nobody needs it."""
    if settings_file().exists():
        say("clearing what an earlier lab left")
        octet = here().octet
        down(say=False)
        lock.take(octet, state_dir())


def _settle(addresses: Addresses, plan: Plan, *, complete: bool) -> None:
    settle(
        addresses,
        service=plan.service,
        zone=plan.zone,
        name=plan.name,
        url=_url(addresses, plan),
        schemas=plan.schemas,
        dump=str(plan.dump) if plan.dump else None,
        rows=plan.rows,
        notes=plan.notes,
        complete=complete,
    )


def _url(addresses: Addresses, plan: Plan) -> str:
    return f"https://{plan.name}" + ("" if addresses.https == 443 else f":{addresses.https}")


# The start ------------------------------------------------------------------------------------------
def _start(registry: Registry, a: Addresses, plan: Plan) -> None:
    secrets_file.create()
    ca.create(a, (plan.zone,))
    ssh.keys()
    with timed("users of the hosts") as facts:
        who = users.settle(state_dir())
        facts.append(f"login {who.login}, service {who.service}")
    if who.note:
        plan.notes.append(f"hosts have one user, {who.login}: {who.note}")
    if plan.dump is None:
        specs.write(variant=plan.variant, app=plan.app)
        # Airflow's API server starts beside all of this, and livemove's console in it reads the ledger
        connections.write(plan.service)
    home = state_dir() / "hosts" / "idc"
    with _at_once(registry) as pool:
        data = pool.submit(_database, registry, plan)
        cloud = pool.submit(_cloud, registry, a, plan)
        names = pool.submit(_names, registry, plan)
        login = pool.submit(phase("sshd", ssh.start), registry, home, who)
        zone = pool.submit(_zone_after, names, cloud, a, plan)
        web = pool.submit(_web_after, data, registry, a, plan, home, who)
        _all([data, cloud, names, login, zone, web])
    if plan.dump is not None:
        specs.write(dump_schemas=plan.schemas)
    connections.write(plan.service)
    _prove(a, plan)


@contextmanager
def _at_once(registry: Registry) -> Iterator[ThreadPoolExecutor]:
    """Threads that are not waited for once one has failed."""
    pool = ThreadPoolExecutor(6)
    try:
        yield pool
    except BaseException:
        registry.closed = True
        pool.shutdown(wait=False, cancel_futures=True)
        end_processes(registry.state)
        raise
    pool.shutdown()


def _all(tasks: list[Future[Any]]) -> None:
    """Wait for all; the first failure is raised at once, so that nobody waits for the others' time limits."""
    done, _ = wait(tasks, return_when=FIRST_EXCEPTION)
    for task in done:
        task.result()


def _database(registry: Registry, plan: Plan) -> Server:
    with timed("IDC database") as facts:
        server = database.start(registry)
        if plan.dump is None:
            from lab.idc.listings import load, load_laravel

            plan.rows = load(server, plan.rows)
            if plan.app == "laravel":
                load_laravel(server)
        else:
            from lab.idc.listings import load_traffic

            loaded = dump.load(server, plan.dump)
            load_traffic(server)
            plan.notes += loaded.notes
            plan.schemas = [*(s for s in loaded.schemas if s != TRAFFIC), TRAFFIC]
            plan.rows = dump.count_rows(server, plan.schemas)
        database.create_application_account(server, plan.account, plan.schemas)
        facts.append(f"{plan.rows} rows")
    return server


def _names(registry: Registry, plan: Plan) -> None:
    with timed("name servers and resolvers"):
        (state_dir() / "dns").mkdir(parents=True, exist_ok=True)
        if "weights" in plan.variant:
            authority.weights_file().write_text("{}")
        if plan.variant == "rfc2136":
            write_private(authority.key_file(), base64.b64encode(os.urandom(32)))
        authority.delegate(registry, plan.zone)
        for server in authority.authorities():
            server.start(registry)
        resolvers.start(registry, (plan.zone,))


def _cloud(registry: Registry, a: Addresses, plan: Plan) -> Process:
    with timed("AWS endpoint"):
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("AWS_")},
            "LIVEMOVE_LAB_STATE": str(state_dir()),
            "LIVEMOVE_LAB_OCTET": str(a.octet),
            "PYTHONUNBUFFERED": "1",
        }
        return registry.start(
            "aws",
            [sys.executable, "-m", "lab.cloud"],
            ready=lambda: _answers(f"{a.endpoint_url}/moto-api/"),
            timeout=90,
            cwd=Path(__file__).parents[1],
            env=environment,
            address=a.aws,
            ports={"http": a.aws_port},
            data=str(state_dir()),
            login=(f"AWS_ENDPOINT_URL={a.endpoint_url} aws ... (owner_key and aws_secret of secrets.json)"),
        )


def _zone_after(names: Future[None], cloud: Future[Process], a: Addresses, plan: Plan) -> None:
    cloud.result()
    with timed("bucket, release and the worker's permissions"):
        _release(plan)
        _permissions(plan)
    names.result()
    with timed("zone"):
        _zone(a, plan)


def _release(plan: Plan) -> None:
    from lab.web.release import build

    bucket, s3 = f"{plan.service}-livemove", aws("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    faults = plan.variant == "weights-breach"
    archive = build(state_dir() / "shop.tar.gz", faults=faults, app=plan.app)
    s3.upload_file(str(archive), bucket, "releases/shop.tar.gz")


def _permissions(plan: Plan) -> None:
    """What the owner of an account does before the first run: the boundary, and the worker's policies."""
    bucket, key = f"{plan.service}-livemove", secrets_file.read()["aws_key"]
    worker.register(state_dir(), key=key, service=plan.service, bucket=bucket, name=plan.name, zone=plan.zone)
    words = json.loads(worker.file(state_dir()).read_text())["words"]
    aws("iam").create_policy(
        PolicyName=f"{words['PREFIX']}-boundary", PolicyDocument=json.dumps(worker.filled("boundary", words))
    )


def _zone(a: Addresses, plan: Plan) -> None:
    servers = authority.authorities()
    if plan.variant in ("rfc2136", "manual"):
        record = {"name": f"{plan.name}.", "type": "A", "ttl": START_TTL, "values": [a.idc]}
        authority.publish(plan.zone, [record])
    else:
        _hosted_zone(a, plan)
    wait_for(
        lambda: all(resolvers.lookup(plan.name, s.address, s.port)[0] == [a.idc] for s in servers),
        20,
        f"The authorities do not serve {plan.name}; see `python -m lab logs aws` and `knot-1`",
    )


def _hosted_zone(a: Addresses, plan: Plan) -> None:
    route53 = aws("route53")
    zone = route53.create_hosted_zone(Name=f"{plan.zone}.", CallerReference="lab")["HostedZone"]["Id"]
    record = {"Name": f"{plan.name}.", "Type": "A", "TTL": START_TTL, "ResourceRecords": [{"Value": a.idc}]}
    route53.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    )


def _web_after(
    data: Future[Server], registry: Registry, a: Addresses, plan: Plan, home: Path, who: users.Users
) -> None:
    data.result()
    with timed("IDC web host"):
        from lab.web.host import start

        settings = {
            "SITE": "source",
            "DB_HOST": a.idc,
            "DB_PORT": str(a.mariadb_port),
            "DB_USER": plan.account,
            "DB_PASSWORD": secrets_file.read()["app"],
            "DB_NAME": plan.database,
        }
        tls = ca.certificate().paths()
        start(registry, "idc-web", home, a.idc, a.https, settings, tls, users=who, app=plan.app)


def _prove(a: Addresses, plan: Plan) -> None:
    """Check that every resolver gives the data centre's address."""
    with timed("every resolver answers"):
        for resolver in a.resolvers:
            wait_for(
                lambda r=resolver: resolvers.lookup(plan.name, r, a.dns)[0] == [a.idc],  # type: ignore[misc]
                15,
                f"Resolver {resolver} does not give {a.idc} for {plan.name}; see `python -m lab logs`",
            )


# Small things ---------------------------------------------------------------------------------------
def aws(service: str) -> Any:
    """A client of the lab's AWS endpoint, as the owner of the account, who may everything."""
    import boto3
    from botocore.config import Config

    secret = secrets_file.read()
    return boto3.client(  # type: ignore[call-overload]
        service,
        region_name=REGION,
        endpoint_url=here().endpoint_url,
        aws_access_key_id=secret["owner_key"],
        aws_secret_access_key=secret["aws_secret"],
        config=Config(connect_timeout=5, read_timeout=30, proxies={}),
    )


def wait_for(true: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise LabError(f"{otherwise} (after {seconds:.0f} s)")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def say(text: str) -> None:
    print(f"  {text}", flush=True)


@contextmanager
def timed(what: str) -> Iterator[list[str]]:
    """Says how long it took, and the facts that were added meanwhile."""
    began, facts = time.monotonic(), list[str]()
    yield facts
    say(f"{time.monotonic() - began:5.1f} s  {what}" + (f": {', '.join(facts)}" if facts else ""))


def phase[**P, T](what: str, work: Callable[P, T]) -> Callable[P, T]:
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with timed(what):
            return work(*args, **kwargs)

    return run
