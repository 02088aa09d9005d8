"""Builds, resets and ends one harness. See lab/switchover_harness/__init__.py for how it is used."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from lab.addresses import root
from lab.mariadb import Server
from lab.processes import MARK, LabError, Registry, start_time
from lab.switchover_harness.application import Application
from lab.switchover_harness.hosts import LocalHost
from lab.switchover_harness.replicators import Replicators
from lab.switchover_harness.settings import (
    ACCOUNT,
    ADMIN,
    HARNESS_ACCOUNT,
    MASTER,
    PASSWORD,
    PORT,
    ROOT,
    SCHEMA,
    SERVICE,
    Settings,
    root_connection,
)
from lab.switchover_harness.users import Audit, DirectWriter, Record, Users, audit, misplaced_rows
from lab.switchover_harness.world import DOWN, HarnessWorld
from livemove.model.ledger import TableComparison
from livemove.model.ports import ControlState, Json, Link
from livemove.model.spec import Side
from livemove.runtime.mariadb import statements
from livemove.schema.adapters.lob_helpers import help_follower
from livemove.servers.adapters.equipping import install_agent, place_settings
from livemove.switchover.adapters.wiring import build_dependencies, prepare_control, prepare_return

HERE = Path(__file__).parent
ZONES = {Side.SOURCE: "Asia/Seoul", Side.TARGET: "UTC"}
"""Each machine's own zone; the target's `time_zone` is the source's by name, as a parameter group sets it."""
SMALL = {
    "innodb_buffer_pool_size": "48M",
    "innodb_log_file_size": "16M",
    "max_connections": "200",
    "aria_pagecache_buffer_size": "8M",
}


class MoverProcess:
    """A mover that runs. `outcome` is what it wrote, or None while it runs or when it was killed."""

    def __init__(self, process: subprocess.Popen[bytes], result: Path, points: Sequence[str]) -> None:
        self.process, self.result, self.points = process, result, list(points)

    @property
    def outcome(self) -> Json | None:
        try:
            return dict(json.loads(self.result.read_text()))
        except OSError:
            return None

    @property
    def reached(self) -> str:
        """The armed point that it met, empty when it met none."""
        try:
            return self.result.with_suffix(".reached").read_text()
        except OSError:
            return ""

    @property
    def stopped(self) -> bool:
        """Whether it stands still under SIGSTOP."""
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rsplit(")", 1)[1].split()[0] == "T"

    def wait(self, seconds: float = 90) -> int | None:
        """Its exit code (negative: the signal); None when it did not end in time."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def until(self, true: Callable[[], bool], seconds: float = 60) -> bool:
        """Wait until something is true or the process has ended; what it was then."""
        deadline = time.monotonic() + seconds
        while not true():
            if self.process.poll() is not None or time.monotonic() > deadline:
                return true()
            time.sleep(0.005)
        return True

    def go(self) -> None:
        """Let it go on from a `wait`."""
        self.result.with_suffix(".go").touch()

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def end(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
            self.process.wait(10)

    def log(self) -> str:
        return self.result.with_suffix(".log").read_text(errors="replace")


class SwitchoverHarness:
    def __init__(
        self,
        folder: Path,
        *,
        rate: float = 60,
        connections: int = 6,
        lease: float = 6.0,
        pause_budget: float = 3.0,
        hold: bool = True,
        sites: Mapping[str, list[str]] | None = None,
        seed: int = 0,
    ) -> None:
        """`rate`: orders a second of all users together. `folder` is made, and removed at the end."""
        self.rate, self.connections, self.seed = rate, connections, seed
        self._network = _own_network()
        octet = self._network.getsockname()[0].split(".")[1]
        self.settings = Settings(
            folder.absolute(),
            f"127.{octet}.1.10",
            f"127.{octet}.4.10",
            lease,
            pause_budget,
            hold,
            dict(sites or {"source": ["idc_web"], "target": ["cloud_web"]}),
        )
        self.registry = Registry(self.settings.folder)
        self.servers = {side: self._server(side) for side in Side}
        self.replicators = Replicators(self.settings)
        self.record = Record()
        self.applications: list[Application] = []
        self.users: Users | None = None
        self.direct_writers: list[DirectWriter] = []
        self.movers: list[MoverProcess] = []
        self._cleared: ExitStack = ExitStack()

    # life -----------------------------------------------------------------------------------------
    def __enter__(self) -> SwitchoverHarness:
        try:
            self.up()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def up(self) -> None:
        self.settings.folder.mkdir(parents=True, exist_ok=True)
        for server in self.servers.values():
            server.install()
        for side, server in self.servers.items():
            server.start()
            _create_accounts(side, server)

    def close(self) -> None:
        """End every process and remove the folder. A thread that still works in it can start nothing more."""
        self.registry.closed = self.replicators.registry.closed = True
        self.clear()
        self.registry.stop_all()
        for server in self.servers.values():
            server.socket.unlink(missing_ok=True)
        shutil.rmtree(self.settings.folder, ignore_errors=True)
        self._network.close()

    def _server(self, side: Side) -> Server:
        from lab.cloud.parameters import server_options

        options = dict(SMALL)
        if side is Side.TARGET:
            options |= server_options(
                {
                    "event_scheduler": "ON",
                    "log_bin_trust_function_creators": "1",
                    "time_zone": ZONES[Side.SOURCE],
                }
            )
        return Server(
            self.registry,
            f"{side}-mariadb",
            self.settings.address(side),
            PORT,
            self.settings.folder / "data" / side,
            10 + list(Side).index(side),
            ROOT,
            options,
            zone=ZONES[side],
        )

    def clear(self) -> None:
        """End users, movers, applications, replicators and what hangs on the hosts; the databases stay up."""
        self._cleared.close()
        for mover in self.movers:
            mover.end()
        self.stop_users()
        for application in self.applications:
            application.close()
        for link in self.replicators.links():
            self.registry.stop(link.name, sig=signal.SIGKILL)
        Registry(self.settings.folder / "hosts").kill_strays()
        self.movers, self.applications = [], []
        for name in ("hosts", "tasks", "ledger", "secrets", "movers"):
            shutil.rmtree(self.settings.folder / name, ignore_errors=True)
        (self.settings.folder / DOWN).unlink(missing_ok=True)

    def add_cleanup(self, act: Callable[[], object]) -> None:
        """Something to undo when this case is over."""
        self._cleared.callback(act)

    # one case -------------------------------------------------------------------------------------
    def begin(
        self,
        *,
        users: bool = True,
        direct_writers: bool = False,
        mover_addresses: Mapping[Side, tuple[str, int]] | None = None,
        replicator_addresses: Mapping[Side, tuple[str, int]] | None = None,
    ) -> None:
        """Start anew: source OPEN@1, target FOLLOW@1 behind a replicator, reverse replication prepared."""
        self.clear()
        self.record = Record()
        self.settings = Settings(
            **{
                **vars(self.settings),
                "mover_addresses": {},
                "replicator_addresses": dict(replicator_addresses or {}),
            }
        )
        self.replicators.settings = self.settings
        for side, server in self.servers.items():
            if not server.answers():
                server.start()
            self._empty(side)
        self._schema()
        self.settings.write()
        world = self.world()
        prepare_control(world)
        self._help_target(world)
        self._install_servers(world)
        link = Link(SERVICE, 1, Side.SOURCE)
        accounts = {Side.SOURCE: "livemove_read", Side.TARGET: "livemove_apply_e1"}
        secrets = {
            side: json.loads(
                world.aws("secretsmanager").get_secret_value(f"{SERVICE}/livemove/{side}/{account}")[
                    "SecretString"
                ]
            )
            for side, account in accounts.items()
        }
        self.replicators.prepare(
            link, full_load=True, reader=secrets[Side.SOURCE], applier=secrets[Side.TARGET]
        )
        self.replicators.start(link)
        self.replicators.following(link)
        with build_dependencies(world) as parts:
            prepare_return(world, parts)
        self.compared()
        if mover_addresses:
            self.settings = Settings(**{**vars(self.settings), "mover_addresses": dict(mover_addresses)})
            self.settings.write()
        if users:
            self.start_users(direct_writers=direct_writers)

    def compared(self) -> None:
        """What the validate chapter leaves behind: every table was compared just now and is equal."""
        world = self.world()
        epoch = max((row[1] for side in Side if (row := self.row(side))), default=1)
        now = world.clock.now().isoformat()
        for (table,) in self.query(
            Side.SOURCE,
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s",
            (SCHEMA,),
        ):
            found = TableComparison(
                epoch=epoch,
                table=f"{SCHEMA}.{table}",
                equal=True,
                rows_source=0,
                rows_target=0,
                checked_at=now,
            )
            world.ledger.save(found)

    def start_users(self, *, direct_writers: bool = False) -> None:
        """Users (and direct_writers at both databases) write; returns after the first acknowledged write."""
        self.users = Users(
            self.applications, self.record, rate=self.rate, connections=self.connections, seed=self.seed
        )
        self.users.start()
        if direct_writers:
            self.direct_writers = [DirectWriter(s, self.settings.address(s), self.record) for s in Side]
            for writer in self.direct_writers:
                writer.start()
        self.until(lambda: bool(self.record.of_users()), "the first write of a user")

    def stop_users(self) -> None:
        if self.users:
            self.users.stop()
        for writer in self.direct_writers:
            writer.stop()
        self.users, self.direct_writers = None, []

    def mover(self, verb: str, *, to: Side = Side.TARGET, at: Sequence[str] = ()) -> MoverProcess:
        """Start one attempt as a process. `at`: points at which it dies or stops (see mover.py)."""
        folder = self.settings.folder / "movers"
        folder.mkdir(exist_ok=True)
        result = folder / f"{len(self.movers) + 1}-{verb}.json"
        argv = [
            sys.executable,
            "-m",
            "lab.switchover_harness.mover",
            str(self.settings.folder),
            verb,
            "--to",
            str(to),
            "--result",
            str(result),
        ]
        for point in at:
            argv += ["--at", point]
        env = {
            **os.environ,
            "PYTHONPATH": f"{root() / 'plugins'}:{root()}",
            MARK: str(self.settings.folder / "movers"),
        }
        with result.with_suffix(".log").open("ab") as log:
            process = subprocess.Popen(
                argv, cwd=root(), env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.movers.append(made := MoverProcess(process, result, at))
        return made

    # looking --------------------------------------------------------------------------------------
    def world(self) -> HarnessWorld:
        return HarnessWorld(self.settings)

    def host(self, name: str) -> LocalHost:
        site = next(Side(s) for s, names in self.settings.sites.items() if name in names)
        return LocalHost(name, site, self.settings.host_folder(name))

    @property
    def hosts(self) -> list[LocalHost]:
        return [self.host(name) for names in self.settings.sites.values() for name in names]

    def root(self, side: Side, **options: Any) -> Any:
        """A new connection as root."""
        return root_connection(self.settings.address(side), **options)

    def query(self, side: Side, sql: str, args: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self.root(side, read_timeout=30) as c, c.cursor() as cursor:
            cursor.execute(sql, args or None)
            return list(cursor.fetchall())

    def row(self, side: Side) -> tuple[ControlState, int] | None:
        """State and epoch of a database, or None when it does not answer."""
        import pymysql

        try:
            found = self.query(side, "SELECT state, epoch FROM livemove.control WHERE id = 1")
        except pymysql.err.MySQLError:
            return None
        return ControlState(found[0][0]), int(found[0][1])

    def owner(self) -> Side | None:
        """The one database that is OPEN; None when none is, or both are."""
        is_open = [s for s in Side if (r := self.row(s)) and r[0] is ControlState.OPEN]
        return is_open[0] if len(is_open) == 1 else None

    def until(self, true: Callable[[], bool], what: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise LabError(f"not seen within {seconds:.0f} s: {what}")
            time.sleep(0.01)

    def kill_database(self, side: Side) -> None:
        """kill -9; returns when it is dead."""
        p = self.registry.find(self.servers[side].name)
        if not p or not p.alive():
            raise LabError(f"the {side} database does not run")
        os.kill(p.pid, signal.SIGKILL)
        while start_time(p.pid) == p.started:
            time.sleep(0.002)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(p.pid, os.WNOHANG)

    def start_database(self, side: Side) -> None:
        self.servers[side].start()

    def audit(self, owner: Side) -> Audit:
        """Stop the users, then look for every acknowledged write in that database."""
        self.stop_users()
        with self.root(owner) as c:
            return audit(c, self.record)

    def misplaced_rows(self, owner: Side) -> list[str]:
        """Rows that are in the other database and not in the owner's."""
        with self.root(owner) as a, self.root(owner.other) as b:
            return misplaced_rows(a, b)

    # making ---------------------------------------------------------------------------------------
    def _empty(self, side: Side) -> None:
        with self.root(side) as c, c.cursor() as cursor:
            cursor.execute("SET SESSION sql_log_bin = 0")
            cursor.execute("SET GLOBAL read_only = 0")
            cursor.execute("SET GLOBAL event_scheduler = ON")
            cursor.execute(
                "SELECT ID FROM information_schema.PROCESSLIST WHERE USER NOT IN ('root', 'livemove_harness',"
                " 'system user', 'event_scheduler') AND ID <> CONNECTION_ID()"
            )
            for (session,) in cursor.fetchall():
                with contextlib.suppress(Exception):
                    cursor.execute(f"KILL {session}")
            for schema in ("livemove", SCHEMA, "awsdms_control"):
                cursor.execute(f"DROP DATABASE IF EXISTS {schema}")
            cursor.execute(
                "SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) FROM mysql.global_priv WHERE (User LIKE"
                " 'livemove\\_%%' AND User NOT IN %s) OR User LIKE 'shop%%'",
                ((ADMIN, HARNESS_ACCOUNT),),
            )
            for (user,) in cursor.fetchall():
                cursor.execute(f"DROP USER {user}")

    def _schema(self) -> None:
        for side in Side:
            with self.root(side) as c, c.cursor() as cursor:
                if side is Side.TARGET:
                    cursor.execute("SET SESSION sql_log_bin = 0")
                for statement in statements((HERE / "shop.sql").read_text()):
                    if side is Side.SOURCE or not statement.startswith("INSERT"):
                        cursor.execute(statement)
                if side is Side.SOURCE:
                    for statement in statements((HERE / "shop_code.sql").read_text()):
                        cursor.execute(statement)
                    for pattern in ("127.%", "127.0.0.0/255.0.0.0"):
                        # a server that was killed in the middle of DROP USER keeps rights without an account
                        cursor.execute(f"DROP USER IF EXISTS {ACCOUNT}@'{pattern}'")
                        cursor.execute(f"CREATE USER {ACCOUNT}@'{pattern}' IDENTIFIED BY '{PASSWORD}'")
                        cursor.execute(
                            f"GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE, LOCK TABLES ON {SCHEMA}.* TO"
                            f" {ACCOUNT}@'{pattern}'"
                        )

    def _help_target(self, world: HarnessWorld) -> None:
        """As carry_tables does."""
        with world.database(Side.TARGET) as db:
            help_follower(db, [SCHEMA])

    def _install_servers(self, world: HarnessWorld) -> None:
        from lab.web import monolith

        control = Path(monolith.__file__).parent / "bin" / "control.py"
        for server in world.spec.servers:
            host = world.host(server)
            host.put("control.py", control.read_bytes())
            login = world.application_login(Side.SOURCE)
            host.put(
                "app/shop.env",
                (world.spec.application.settings or "")
                .format(
                    host=login.host,
                    port=login.port,
                    user=login.user,
                    password=login.password,
                    database=SCHEMA,
                    site=server.site,
                )
                .encode(),
                mode=0o600,
            )
            install_agent(world, server, host)
            place_settings(world, server, host)
            application = Application(host.folder, {self.settings.address(s): s for s in Side})
            application.start()
            self.applications.append(application)


def _create_accounts(side: Side, server: Server) -> None:
    server.query(f"CREATE OR REPLACE USER {HARNESS_ACCOUNT}@'127.%' IDENTIFIED BY '{ROOT}'")
    server.query(f"GRANT ALL PRIVILEGES ON *.* TO {HARNESS_ACCOUNT}@'127.%' WITH GRANT OPTION")
    if side is Side.SOURCE:
        server.query(f"CREATE OR REPLACE USER {ADMIN}@'%' IDENTIFIED BY '{ADMIN}'")
        server.query(f"GRANT ALL PRIVILEGES ON *.* TO {ADMIN}@'%' WITH GRANT OPTION")
        return
    from lab.cloud.rds_server import furnish

    furnish(server, MASTER, ADMIN)


def _own_network() -> socket.socket:
    """Bound to an address of a network that no other harness has; the network is ours while it is open."""
    for n in range(40):
        listener = socket.socket()
        try:
            listener.bind((f"127.{150 + (os.getpid() + n) % 40}.255.1", PORT))
            return listener
        except OSError:
            listener.close()
    raise LabError("no free network for a harness between 127.150 and 127.189")


def shared_memory() -> Path:
    """A folder for harnesses that need not survive anything: in memory where there is room for it."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30:
        return Path(tempfile.mkdtemp(prefix="livemove-harness-", dir=memory))
    return Path(tempfile.mkdtemp(prefix="livemove-harness-"))
