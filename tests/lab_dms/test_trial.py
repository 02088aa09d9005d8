"""The trial on real servers and the lab's DMS: what it finds, what it leaves, and what it refuses."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest

from lab.mariadb import Server
from livemove.model.errors import RefusedError, ReplicationError, UnreachableError
from livemove.model.ledger import Outputs
from livemove.model.ports import Link, Severity, TaskState
from livemove.model.spec import MigrationSpec, Side
from livemove.replication.adapters.dms import DmsReplicator
from livemove.replication.dms_rules import trial_links
from livemove.runtime.clock import SystemClock
from livemove.runtime.mariadb import Login, MariaDb, Trust
from livemove.trial import recording
from livemove.trial.adapters import replication as adapter
from livemove.trial.adapters.databases import try_databases
from livemove.trial.adapters.recorder import Recorder
from livemove.trial.adapters.replication import try_replication
from livemove.trial.adapters.scratch import (
    ACCOUNTS,
    APPLIER,
    LOCKED,
    SCHEMA,
    SESSION,
    refuse_beside_another,
    scratch_of,
)
from livemove.trial.judgement import MEASURED, expected_pause, wrong
from tests.doubles.worlds import SHOP, OwnPorts
from tests.lab_dms.conftest import REGION, SETTINGS
from tests.raising import raises

pytestmark = pytest.mark.servers


@dataclass
class World(OwnPorts):
    """Both servers as livemove's own account, and a DMS with the settings of the night."""

    sides: dict[Side, Server]
    trial_replicator: DmsReplicator
    spec: MigrationSpec = SHOP
    clock: SystemClock = field(default_factory=SystemClock)

    def database(self, side: Side, **options: Any) -> MariaDb:
        server = self.sides[side]
        assert server.certificate
        trust = Trust(str(server.certificate[0]), False)
        return MariaDb(side, Login(server.address, server.port, "root", "root", trust), **options)

    def seen(self, side: Side, query: str) -> list[Any]:
        with self.database(side) as db:
            return [tuple(r.values()) for r in db.rows(query)]

    def left(self) -> list[str]:
        """What of a trial is still there."""
        found = []
        names = ", ".join(f"'{a}'" for a in ACCOUNTS)
        for side in Side:
            there = (
                "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'livemove_trial%'"
            )
            found += [f"{side} {r[0]}" for r in self.seen(side, there)]
            found += [
                f"{side} {r[0]}"
                for r in self.seen(side, f"SELECT User FROM mysql.user WHERE User IN ({names})")
            ]
        for link in trial_links(self.spec.service):
            if self.trial_replicator.status(link).state is not TaskState.ABSENT:
                found.append(link.name)
        return found


@pytest.fixture
def world(servers: tuple[Server, Server], client: Callable[[str], Any], standing: Outputs) -> Iterator[World]:
    def trust(side: Side) -> Trust:
        certificate = servers[0].certificate
        assert certificate
        return Trust(str(certificate[0]), False)

    replicator = DmsReplicator(
        client("dms"),
        client("secretsmanager"),
        service=SHOP.service,
        schemas=(SCHEMA,),
        settings=lambda: SETTINGS,
        outputs=lambda: standing,
        clock=SystemClock(),
        watermarks=False,
        trust=trust,
    )
    made = World(dict(zip(Side, servers, strict=True)), replicator)
    yield made
    for link in trial_links(SHOP.service):
        replicator.delete(link)
    with scratch_of(made) as scratch:  # type: ignore[arg-type]
        scratch.drop()


def test_both_databases_are_tried_and_nothing_stays(world: World) -> None:
    findings, measured = try_databases(world)  # type: ignore[arg-type]
    assert [(f.severity, f.subject) for f in findings] == [(Severity.OK, s) for s in Side]
    assert set(measured) == {f"{what}_{s}" for s in Side for what in ("round_trip", "event", "end_session")}
    assert all(measured.values())
    assert world.left() == []


def test_scratch_tables_go_there_and_back_and_nothing_stays(
    world: World, client: Callable[[str], Any]
) -> None:
    findings, measured = try_replication(world)  # type: ignore[arg-type]
    assert wrong(findings) == []
    assert {f.check for f in findings} == {
        "trial.lob_not_null_there",
        "trial.lob_not_null_back",
        "trial.rows_there",
        "trial.rows_back",
        "trial.lone_lob",
        "trial.timestamp",
    }
    lone = next(f for f in findings if f.check == "trial.lone_lob")
    assert "leaves out" in lone.measured, "the lab's DMS does as AWS documents"
    assert set(measured) <= set(MEASURED)
    assert {"load", "cached", "apply_there", "apply_back", "stop", "resume"} <= set(measured)
    pause = expected_pause(
        {**measured, "round_trip_source": 1, "round_trip_target": 2}, budget=30, at="2026-01-01"
    )
    assert pause
    assert pause.ms > 2 * measured["apply_there"]
    assert world.left() == []
    assert client("secretsmanager").list_secrets()["SecretList"] == []
    assert client("dms").describe_endpoints()["Endpoints"] == []


def test_a_trial_that_was_interrupted_is_begun_afresh(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise ReplicationError("the worker is gone")

    with monkeypatch.context() as patched:
        patched.setattr(adapter._Trial, "_compare", interrupted)
        with raises(ReplicationError, "the worker is gone"):
            try_replication(world)  # type: ignore[arg-type]
    assert world.left() != []
    findings, _ = try_replication(world)  # type: ignore[arg-type]
    assert wrong(findings) == []
    assert world.left() == []


def test_what_dms_does_to_timestamps_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A follower whose values are nine hours late, as a source in Asia/Seoul could make them."""
    compare = adapter._Trial._compare

    def shifted(trial: Any, link: Link) -> None:
        compare(trial, link)
        follower = trial.scratch.of(link.writes)
        if link.writes is Side.TARGET:
            follower.run("UPDATE moment SET at = at + INTERVAL 9 HOUR WHERE came = 'change'")

    monkeypatch.setattr(adapter._Trial, "_compare", shifted)
    findings, _ = try_replication(world)  # type: ignore[arg-type]
    stamps = next(f for f in findings if f.check == "trial.timestamp")
    assert stamps.severity is Severity.ERROR
    assert "change by +32400 s" in stamps.measured


def test_what_a_resume_loses_is_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    there, _ = trial_links(SHOP.service)
    stop, stopped = world.trial_replicator.stop, []

    def losing(link: Link) -> None:
        running = world.trial_replicator.status(link).state is TaskState.RUNNING
        stop(link)
        if link == there and running and not stopped:
            stopped.append(link)
            with world.database(Side.TARGET) as db:
                db.run(f"DELETE FROM {SCHEMA}.word WHERE id = 2")

    monkeypatch.setattr(world.trial_replicator, "stop", losing)
    findings, _ = try_replication(world)  # type: ignore[arg-type]
    assert "trial.rows_there" in {f.check for f in wrong(findings)}


@pytest.mark.parametrize("by", ["nobody", "another service"])
def test_a_schema_of_somebody_else_is_left_alone(world: World, by: str) -> None:
    with world.database(Side.TARGET) as db:
        db.run(f"CREATE DATABASE {SCHEMA}")
        db.run(f"CREATE TABLE {SCHEMA}.theirs (id INT)")
        if by != "nobody":
            db.run(f"CREATE TABLE {SCHEMA}.made_by_livemove (service VARCHAR(64))")
            db.run(f"INSERT INTO {SCHEMA}.made_by_livemove VALUES ('other')")
    try:
        for tried in (try_databases, try_replication):
            with raises(RefusedError, SCHEMA):
                tried(world)  # type: ignore[arg-type]
        assert world.seen(Side.TARGET, f"SELECT COUNT(*) FROM {SCHEMA}.theirs") == [(0,)]
        assert world.seen(Side.SOURCE, f"SHOW DATABASES LIKE '{SCHEMA}'") == []
    finally:
        with world.database(Side.TARGET) as db:
            db.run(f"DROP DATABASE {SCHEMA}")


def test_a_session_that_rests_is_kept_by_firewalls(world: World) -> None:
    """It holds the lock for half an hour, mostly while DMS works; AWS's NAT forgets it after 350 s."""
    with scratch_of(world) as scratch:  # type: ignore[arg-type]
        for side in Side:
            link = scratch.of(side).connection()._sock
            assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) < 350


def test_two_trials_at_once_are_refused(world: World) -> None:
    with scratch_of(world):  # type: ignore[arg-type]
        with raises(RefusedError, "Another trial"):
            try_databases(world)  # type: ignore[arg-type]


def test_a_trial_at_work_is_seen_before_anything_is_removed(world: World) -> None:
    refuse_beside_another(world)  # type: ignore[arg-type]
    with scratch_of(world):  # type: ignore[arg-type]
        with raises(RefusedError, "Another trial"):
            refuse_beside_another(world)  # type: ignore[arg-type]
    refuse_beside_another(world)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "theirs",
    [
        "CREATE PROCEDURE {}.theirs() SELECT 1",
        "CREATE EVENT {}.theirs ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
        "CREATE SEQUENCE {}.theirs",
        "CREATE VIEW {}.theirs AS SELECT 1",
    ],
)
def test_a_schema_without_tables_may_be_somebody_elses(world: World, theirs: str) -> None:
    with world.database(Side.SOURCE) as db:
        db.run(f"CREATE DATABASE {SCHEMA}")
        db.run(theirs.format(SCHEMA))
    try:
        with raises(RefusedError, SCHEMA):
            try_databases(world)  # type: ignore[arg-type]
        assert world.seen(Side.SOURCE, f"SHOW DATABASES LIKE '{SCHEMA}'") != []
    finally:
        with world.database(Side.SOURCE) as db:
            db.run(f"DROP DATABASE {SCHEMA}")


def test_a_drop_that_ended_early_is_gone_on_with(world: World) -> None:
    """A server drops a schema's events and procedures after its tables."""
    with world.database(Side.SOURCE) as db:
        db.run(f"CREATE DATABASE {SCHEMA}")
        db.run(f"CREATE PROCEDURE {SCHEMA}.answers() SELECT 1")
        db.run(f"CREATE EVENT {SCHEMA}.ticks ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1")
    with scratch_of(world) as scratch:  # type: ignore[arg-type]
        scratch.drop()
    assert world.left() == []


def test_a_schema_in_use_is_told_and_the_accounts_are_gone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SESSION, "lock_wait_timeout", 1)
    there, _ = trial_links(SHOP.service)
    with scratch_of(world) as scratch:  # type: ignore[arg-type]
        scratch.make()
        scratch.logins(there)
    with world.database(Side.SOURCE) as dump:
        dump.run("BEGIN")
        dump.rows(f"SELECT * FROM {SCHEMA}.word")
        with raises(RefusedError, "The source database", "1205", "SHOW FULL PROCESSLIST"):
            with scratch_of(world) as scratch:  # type: ignore[arg-type]
                scratch.drop()
    assert world.left() == [f"source {SCHEMA}", f"target {SCHEMA}", f"target {APPLIER}"]
    with scratch_of(world) as scratch:  # type: ignore[arg-type]
        scratch.drop()
    assert world.left() == []


GUEST = "livemove_test_guest"


@pytest.fixture
def as_guest(world: World) -> Iterator[Callable[..., None]]:
    """livemove's own account on the source has only these rights."""
    database = world.database

    def become(*statements: str) -> None:
        with database(Side.SOURCE) as db:
            for statement in statements:
                db.run(statement.format(guest=f"{GUEST}@'%'"))

        def login(side: Side, **options: Any) -> MariaDb:
            found = database(side, **options)
            if side is Side.SOURCE:
                found.login = replace(found.login, user=GUEST, password="g")
            return found

        world.database = login  # type: ignore[method-assign]

    yield become
    world.database = database  # type: ignore[method-assign]
    with world.database(Side.SOURCE) as db:
        db.run(f"DROP USER IF EXISTS {GUEST}@'%'")


def test_an_account_that_may_not_ask_more_is_told(world: World, as_guest: Callable[..., None]) -> None:
    as_guest(
        "CREATE USER {guest} IDENTIFIED BY 'g' WITH MAX_QUERIES_PER_HOUR 2", "GRANT ALL ON *.* TO {guest}"
    )
    with raises(RefusedError, "max_queries_per_hour"):
        try_databases(world)  # type: ignore[arg-type]


def test_sessions_that_cannot_be_seen_are_not_taken_for_ended(
    world: World, as_guest: Callable[..., None]
) -> None:
    as_guest(
        "CREATE USER {guest} IDENTIFIED BY 'g'",
        "GRANT ALL ON *.* TO {guest} WITH GRANT OPTION",
        "REVOKE PROCESS ON *.* FROM {guest}",
    )
    with raises(RefusedError, "PROCESS"):
        try_databases(world)  # type: ignore[arg-type]


def test_a_full_server_is_not_taken_for_a_locked_account(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = MariaDb.fresh
    asked = []

    def crowded(db: MariaDb, **changes: Any) -> MariaDb:
        made = fresh(db, **changes)
        if made.login.user == LOCKED:
            asked.append(made)
            # the second is the one that must be refused for its lock
            if len(asked) == 2:
                made.login = replace(made.login, port=1)
        return made

    monkeypatch.setattr(MariaDb, "fresh", crowded)
    with raises(UnreachableError, "did not let us in"):
        try_databases(world)  # type: ignore[arg-type]


def test_dms_that_stops_ends_the_trial_in_its_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the helpers the first change of a LOB that is NOT NULL stops the task, as on AWS."""
    monkeypatch.setattr(adapter, "help_follower", lambda *_: [])
    with raises(ReplicationError, "1048"):
        try_replication(world)  # type: ignore[arg-type]


def test_the_watermark_table_is_not_replicated_by_a_trial(world: World, client: Callable[[str], Any]) -> None:
    there, _ = trial_links(SHOP.service)
    with scratch_of(world) as scratch:  # type: ignore[arg-type]
        scratch.make()
        reader, applier = scratch.logins(there)
        world.trial_replicator.prepare(there, full_load=True, reader=reader, applier=applier)
    task = client("dms").describe_replication_tasks()["ReplicationTasks"][0]
    rules = json.loads(task["TableMappings"])["rules"]
    assert [r["object-locator"]["schema-name"] for r in rules] == ["livemove[_]trial"]


def test_calls_are_recorded_with_their_answers_and_errors(endpoint_url: str) -> None:
    class Listening:
        session = boto3.Session(aws_access_key_id="a", aws_secret_access_key="b", region_name=REGION)

        def listen(self, event: str, handler: Any) -> None:
            self.session.events.register(event, handler)

    world, recorder = Listening(), Recorder()
    recorder.listen(world)  # type: ignore[arg-type]
    secrets = world.session.client("secretsmanager", endpoint_url=endpoint_url)
    secrets.create_secret(Name="shop/dms/x", SecretString="s3cret")
    with pytest.raises(secrets.exceptions.ResourceNotFoundException):
        secrets.get_secret_value(SecretId="absent")
    secrets.delete_secret(SecretId="shop/dms/x", ForceDeleteWithoutRecovery=True)
    world.session.client("sts", endpoint_url=endpoint_url).get_caller_identity()
    lines = [json.loads(text) for text in recorder.content.decode().splitlines()]
    assert [(r["operation"], r["answer"].get("Error", {}).get("Code")) for r in lines] == [
        ("CreateSecret", None),
        ("GetSecretValue", "ResourceNotFoundException"),
        ("DeleteSecret", None),
    ]
    assert lines[0]["parameters"]["SecretString"] == recording.MASKED
    assert "s3cret" not in recorder.content.decode()
