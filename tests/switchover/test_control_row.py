"""The control objects on real servers: what the fence stops, what the lease's end opens, who is refused."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pymysql
import pytest

from lab.cloud import rds_server
from livemove.control.adapters.control_row import Control, touches
from livemove.control.adapters.setup import install, keep_binlogs, native_hash
from livemove.model.errors import RefusedError, UnreachableError
from livemove.model.ports import Answered, ControlState
from livemove.model.spec import Side
from livemove.runtime.mariadb import Login, MariaDb
from livemove.switchover.adapters.wiring import StoredCode
from tests.doubles.memory import MemoryLedger
from tests.raising import raises
from tests.switchover.conftest import Two

LOCKED, READ_ONLY = 4151, 1290


class Writer(threading.Thread):
    """The application: writes as fast as it can, and connects again after every error."""

    def __init__(self, two: Two, side: Side) -> None:
        super().__init__(daemon=True)
        self.two, self.side = two, side
        self.acknowledged = 0
        self.errors: set[int] = set()
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                with closing(self.two.application(self.side)) as c, c.cursor() as cursor:
                    while not self.stop.is_set():
                        cursor.execute("INSERT INTO log (what) VALUES ('written')")
                        self.acknowledged += 1
            except pymysql.err.MySQLError as e:
                self.errors.add(int(e.args[0]))
                time.sleep(0.005)


@contextmanager
def writing(two: Two, side: Side) -> Iterator[Writer]:
    writer = Writer(two, side)
    writer.start()
    two.until(lambda: writer.acknowledged > 0, "the first write")
    try:
        yield writer
    finally:
        writer.stop.set()
        writer.join(10)


def close_until_clear(control: Control, epoch: int, attempt: str) -> None:
    clear = 0
    for _ in range(500):
        out = control.close(epoch, attempt)
        assert out.done
        clear = 0 if out.remaining else clear + 1
        if clear == 2:
            return
        time.sleep(0.005)
    raise AssertionError("the fence never became clear")


def make_owner(two: Two, side: Side) -> int:
    """The epoch at which that side is the owner."""
    if side is Side.SOURCE:
        return 1
    assert two.s.arm(1, "setup", 60).done
    close_until_clear(two.s, 1, "setup")
    assert two.s.cede(1, "setup", 1).done
    assert two.t.claim(2).done
    assert two.t.set_position(2, two.t.binlog_position()).done
    assert two.t.open(2).done
    assert two.s.follow(2).done
    return 2


@pytest.mark.parametrize("side", list(Side))
def test_a_closed_fence_stops_a_busy_writer_and_the_binlog(two: Two, side: Side) -> None:
    epoch, control = make_owner(two, side), two.control[side]
    with writing(two, side) as writer:
        assert control.arm(epoch, "me", 30).done
        close_until_clear(control, epoch, "me")
        written, position = writer.acknowledged, control.binlog_position()
        time.sleep(1.2)  # the switch ticks meanwhile
        assert writer.acknowledged == written
        assert control.binlog_position() == position
        assert LOCKED in writer.errors
        assert control.lift(epoch, "me").done
        two.until(lambda: writer.acknowledged > written, "writes after the fence was lifted")
    rows = two.root(side, "SELECT COUNT(*) FROM shop.log")[0][0]
    # the session may have died after its commit and before the answer
    assert rows in (writer.acknowledged, writer.acknowledged + 1)


@pytest.mark.parametrize("side", list(Side))
def test_the_dead_mans_switch_opens_a_fence_that_outlives_its_lease(two: Two, side: Side) -> None:
    epoch, control = make_owner(two, side), two.control[side]
    with writing(two, side) as writer:
        assert control.arm(epoch, "dies", 2).done
        close_until_clear(control, epoch, "dies")
        written = writer.acknowledged
        two.until(lambda: writer.acknowledged > written, "writes after the lease")
    row = control.read()
    assert (row.state, row.epoch, row.attempt) == (ControlState.OPEN, epoch, "")
    assert not two.locked(side)
    assert control.cede(epoch, "dies", 1).answered is Answered.REFUSED


def test_a_fence_that_was_armed_and_never_closed_opens_too(two: Two) -> None:
    assert two.s.arm(1, "dies", 1).done
    two.until(lambda: two.s.read().state is ControlState.OPEN, "OPEN again")


def test_the_fence_ends_idle_sessions_and_rolls_open_transactions_back(two: Two) -> None:
    with closing(two.application(Side.SOURCE)) as c, c.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO log (what) VALUES ('never committed')")
        assert two.s.arm(1, "me", 30).done
        close_until_clear(two.s, 1, "me")
        with pytest.raises(pymysql.err.MySQLError):
            c.commit()
    assert two.root(Side.SOURCE, "SELECT COUNT(*) FROM shop.log")[0][0] == 0


@pytest.mark.parametrize("side", list(Side))
def test_a_session_inside_a_routine_of_somebody_else_is_fenced(two: Two, side: Side) -> None:
    """The process list has it under the definer, whom neither the account lock nor read_only stops."""
    epoch, control = make_owner(two, side), two.control[side]
    two.root(
        side,
        "CREATE DEFINER = root@'127.%' PROCEDURE shop.slow() BEGIN DO SLEEP(20); INSERT INTO shop.log (what)"
        " VALUES ('late'); END",
    )
    application = two.application(side)
    ended: list[BaseException] = []

    def call() -> None:
        try:
            application.cursor().execute("CALL shop.slow()")
        except pymysql.err.MySQLError as e:
            ended.append(e)

    caller = threading.Thread(target=call)
    caller.start()
    listed = (
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE = 'User sleep' AND USER = 'root'"
    )
    two.until(lambda: two.root(side, listed) == [(1,)], "the session under its definer's name")
    assert control.arm(epoch, "me", 30).done
    close_until_clear(control, epoch, "me")
    caller.join(5)
    assert ended, "the fence was called clear beside a session of the application"
    assert two.root(side, "SELECT COUNT(*) FROM shop.log") == [(0,)]


def test_a_login_of_rds_itself_that_was_taken_for_a_strangers_does_not_break_the_fence(two: Two) -> None:
    """Listed while it authenticates, it is rdsadmin by the time of the kill, and RDS refuses that."""
    server = two.servers[Side.TARGET]
    rdsadmin = pymysql.connect(
        host=server.address, port=server.port, user="rdsadmin", password=server.root_password
    )
    with closing(rdsadmin) as own, own.cursor() as cursor:
        with pytest.raises(pymysql.err.OperationalError, match="CANNOT KILL RDSADMIN SESSION"):
            two.db[Side.TARGET].rows("CALL mysql.rds_kill(%s)", (own.thread_id(),))
        two.db[Side.TARGET].rows("CALL livemove.end_session(%s)", (own.thread_id(),))
        cursor.execute("SELECT 1")
    with pytest.raises(pymysql.err.MySQLError, match="31999"):
        two.db[Side.TARGET].rows("CALL mysql.rds_kill(%s)", (1 << 40,))
    two.db[Side.TARGET].rows("CALL livemove.end_session(%s)", (1 << 40,))  # gone


def test_a_session_that_rds_will_not_end_keeps_the_fence_from_being_clear(two: Two) -> None:
    """Whatever rds_kill says, the count of sessions decides."""
    epoch, control, server = make_owner(two, Side.TARGET), two.t, two.servers[Side.TARGET]
    server.query(
        "CREATE OR REPLACE DEFINER = rdsadmin@localhost PROCEDURE mysql.rds_kill(IN thread BIGINT)"
        " SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 30001, MESSAGE_TEXT = 'NOT TODAY'"
    )
    try:
        with closing(two.application(Side.TARGET)) as application, application.cursor() as cursor:
            assert control.arm(epoch, "me", 30).done
            assert all(control.close(epoch, "me").remaining for _ in range(3))
            cursor.execute("SELECT 1")
    finally:
        rds_server.furnish(server, "master", "m")
    close_until_clear(control, epoch, "me")


def test_every_host_pattern_of_an_application_account_is_fenced(two: Two) -> None:
    two.root(Side.SOURCE, "CREATE USER shop_app@'127.0.0.%' IDENTIFIED BY 'app'")
    assert two.s.arm(1, "me", 30).done
    close_until_clear(two.s, 1, "me")
    assert two.locked(Side.SOURCE)
    assert two.s.lift(1, "me").done
    assert not two.locked(Side.SOURCE)


def test_a_restart_of_the_source_in_the_fence_lets_nobody_in(two: Two) -> None:
    assert two.s.arm(1, "me", 60).done
    close_until_clear(two.s, 1, "me")
    two.s.close_connection()
    server = two.servers[Side.SOURCE]
    server.stop()
    server.start()
    with pytest.raises(pymysql.err.OperationalError) as refused:
        two.application(Side.SOURCE)
    assert refused.value.args[0] == LOCKED
    assert two.s.read().state is ControlState.FENCED
    assert two.s.lift(1, "me").done
    two.application(Side.SOURCE).close()


@pytest.mark.parametrize("side", list(Side))
def test_application_events_sleep_in_the_fence_and_wake_afterwards(two: Two, side: Side) -> None:
    epoch, control = make_owner(two, side), two.control[side]
    two.db[side].run(
        "CREATE EVENT shop.often ON SCHEDULE EVERY 1 SECOND ON COMPLETION PRESERVE DO INSERT INTO shop.log"
        " (what) VALUES (CONCAT('event ', SLEEP(3)))"
    )
    two.db[side].run("CREATE EVENT shop.never ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1")
    running = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE COMMAND = 'Connect' AND DB = 'shop'"
    two.until(lambda: two.root(side, running)[0][0] != 0, "a running event body")
    definer = two.root(side, "SELECT DEFINER FROM information_schema.EVENTS WHERE EVENT_NAME = 'often'")
    assert control.arm(epoch, "me", 30).done
    close_until_clear(control, epoch, "me")
    assert [e["event_name"] for e in control.sleeping_events()] == ["often"]
    assert two.root(side, running)[0][0] == 0
    status = "SELECT EVENT_NAME, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop' ORDER BY 1"
    assert two.root(side, status) == [("never", "DISABLED"), ("often", "DISABLED")]
    assert control.lift(epoch, "me").done
    assert two.root(side, status) == [("never", "DISABLED"), ("often", "ENABLED")]
    assert (
        two.root(side, "SELECT DEFINER FROM information_schema.EVENTS WHERE EVENT_NAME = 'often'") == definer
    )
    assert control.sleeping_events() == []


@pytest.mark.parametrize("side", Side)
def test_an_event_of_another_character_set_says_the_same_after_the_fence(two: Two, side: Side) -> None:
    epoch, control = make_owner(two, side), two.control[side]
    with two.db[side].fresh() as db:
        c = db.connection()
        cursor = c.cursor()
        cursor.execute("SET SESSION character_set_client = 'euckr'")
        c.encoding = "cp949"
        cursor.execute(
            "CREATE EVENT shop.`마감` ON SCHEDULE EVERY 1 DAY DO INSERT INTO log (what) VALUES ('매물')"
        )
    asked = "SELECT character_set_client, collation_connection, HEX(body) FROM mysql.event WHERE db = 'shop'"
    before = two.root(side, asked)
    assert before[0][0] == "euckr"
    assert control.arm(epoch, "me", 30).done
    close_until_clear(control, epoch, "me")
    assert [e["event_name"] for e in control.sleeping_events()] == ["마감"]
    assert two.root(side, asked) == before
    assert control.lift(epoch, "me").done
    assert two.root(side, asked) == before
    assert two.root(side, "SELECT status FROM mysql.event WHERE db = 'shop'") == [("ENABLED",)]


def test_a_definer_of_somebody_else_survives_sleep_and_waking(two: Two) -> None:
    two.root(Side.SOURCE, "CREATE USER `shop_o'neil`@'127.%'")
    two.root(
        Side.SOURCE,
        "CREATE DEFINER=`shop_o'neil`@'127.%' EVENT shop.rare ON SCHEDULE EVERY 1 DAY DO SELECT 1",
    )
    assert two.s.arm(1, "me", 30).done
    close_until_clear(two.s, 1, "me")
    assert two.s.lift(1, "me").done
    seen = two.root(
        Side.SOURCE, "SELECT DEFINER, STATUS FROM information_schema.EVENTS WHERE EVENT_NAME = 'rare'"
    )
    assert seen == [("shop_o'neil@127.%", "ENABLED")]


def test_only_one_of_two_attempts_arms_and_only_it_commits(two: Two) -> None:
    assert two.s.arm(1, "first", 30).done
    assert two.s.arm(1, "second", 30).answered is Answered.REFUSED
    assert two.s.close(1, "second").answered is Answered.REFUSED
    assert two.s.cede(1, "second", 1).answered is Answered.REFUSED
    assert two.s.lift(1, "second").answered is Answered.REFUSED
    out = two.s.cede(1, "first", 1)
    assert (out.done, out.state, out.epoch) == (True, ControlState.CEDED, 2)
    assert two.s.cede(1, "first", 1).answered is Answered.REFUSED


def test_the_commit_refuses_when_the_lease_is_nearly_over(two: Two) -> None:
    assert two.s.arm(1, "me", 1.5).done
    time.sleep(0.7)
    out = two.s.cede(1, "me", 1.0)
    assert (out.answered, out.state) == (Answered.REFUSED, ControlState.FENCED)


def test_after_the_commit_the_old_owner_stays_shut(two: Two) -> None:
    assert two.s.arm(1, "me", 2).done
    close_until_clear(two.s, 1, "me")
    assert two.s.cede(1, "me", 1).done
    two.root(Side.SOURCE, "SET GLOBAL read_only = 0")  # as after a restart
    two.until(lambda: two.root(Side.SOURCE, "SELECT @@read_only") == [(1,)], "read_only again")
    time.sleep(1.5)
    assert two.locked(Side.SOURCE)
    assert two.s.read().state is ControlState.CEDED


def test_claiming_shuts_the_replicator_out_and_ends_its_sessions(two: Two) -> None:
    server = two.servers[Side.TARGET]
    inside = pymysql.connect(host=server.address, port=server.port, user="livemove_apply_e1", password="a")
    assert two.t.replicator_sessions(1) == {inside.thread_id()}
    assert two.t.claim(2).remaining == 1
    two.until(lambda: two.t.claim(2).remaining == 0, "no session")
    with pytest.raises(pymysql.err.MySQLError):
        inside.query("SELECT 1")
    with pytest.raises(pymysql.err.OperationalError) as refused:
        pymysql.connect(host=server.address, port=server.port, user="livemove_apply_e1", password="a")
    assert refused.value.args[0] == LOCKED


def test_a_database_opens_only_with_a_position_and_the_position_is_written_once(two: Two) -> None:
    assert two.t.open(2).answered is Answered.REFUSED
    assert two.t.claim(2).done
    assert two.t.open(2).answered is Answered.REFUSED
    assert two.t.set_position(2, "a:1").done
    assert two.t.set_position(2, "a:2").answered is Answered.REFUSED
    assert two.t.open(2).done
    assert two.t.open(2).done
    assert two.t.read().position == "a:1"
    two.application(Side.TARGET).close()


def test_the_follower_of_a_later_epoch_lets_only_its_own_replicator_in(two: Two) -> None:
    two.allow_replicator(Side.SOURCE, 2)
    assert two.locked(Side.SOURCE, "livemove_apply_e2")
    make_owner(two, Side.TARGET)
    assert not two.locked(Side.SOURCE, "livemove_apply_e2")
    assert two.locked(Side.TARGET, "livemove_apply_e1")
    assert two.locked(Side.SOURCE)


def test_the_next_replicator_may_log_in_for_its_test_and_no_longer(two: Two) -> None:
    two.allow_replicator(Side.SOURCE, 2)
    assert two.s.allow_test(1, 60).done
    assert not two.locked(Side.SOURCE, "livemove_apply_e2")
    assert two.s.allow_test(1, 0).done
    assert two.locked(Side.SOURCE, "livemove_apply_e2")
    assert two.s.allow_test(1, 1).done
    two.until(lambda: two.locked(Side.SOURCE, "livemove_apply_e2"), "locked by the switch")


def test_work_under_the_lock_is_refused_in_another_state_and_keeps_others_waiting(two: Two) -> None:
    done: list[str] = []
    assert two.t.while_in(ControlState.CLAIMED, 2, lambda: done.append("never")).answered is Answered.REFUSED
    other = Control(two.db[Side.TARGET])
    other.db.run("SET SESSION lock_wait_timeout = 1")

    def work() -> None:
        done.append(str(other.db.one("SELECT GET_LOCK('livemove.control', 0) AS got")["got"]))

    assert two.t.while_in(ControlState.FOLLOW, 1, work).done
    other.close_connection()
    assert done == ["0"]


TRIGGER = (
    "CREATE TRIGGER shop.after_order AFTER INSERT ON shop.orders FOR EACH ROW INSERT INTO shop.log (what)"
    " VALUES (CONCAT('order ', NEW.k))"
)


def test_code_wakes_by_the_session_that_holds_the_lock_which_gets_its_settings_back(two: Two) -> None:
    two.root(Side.SOURCE, "SET SESSION sql_mode = 'PIPES_AS_CONCAT'")
    two.root(Side.SOURCE, TRIGGER)
    code = StoredCode(two.db, two.control, MemoryLedger(), ["shop"])
    code.ready(Side.TARGET)
    asked = "SELECT CONNECTION_ID(), @@sql_mode, @@character_set_client, @@collation_connection, @@time_zone"
    before = two.t.db.one(asked)
    assert two.t.while_in(ControlState.FOLLOW, 1, lambda: code.wake(Side.TARGET, None)).done
    assert code.awake(Side.TARGET) == ["trigger shop.after_order"]
    assert two.t.db.one(asked) == before


@pytest.mark.parametrize("act", ["wake", "sleep"])
def test_an_attempt_whose_session_was_ended_changes_no_code(two: Two, act: str) -> None:
    two.root(Side.SOURCE if act == "wake" else Side.TARGET, TRIGGER)
    code = StoredCode(two.db, two.control, MemoryLedger(), ["shop"])
    code.ready(Side.TARGET)

    def late() -> None:
        # as the server does with a session that rests for too long; another attempt may have been here since
        two.root(Side.TARGET, f"KILL {two.t.db.one('SELECT CONNECTION_ID() AS id')['id']}")
        if act == "wake":
            code.wake(Side.TARGET, None)
        else:
            code.sleep(Side.TARGET)

    with pytest.raises(UnreachableError):
        two.t.while_in(ControlState.FOLLOW, 1, late)
    assert code.awake(Side.TARGET) == ([] if act == "wake" else ["trigger shop.after_order"])
    with pytest.raises(RuntimeError):
        code.wake(Side.TARGET, None)


@pytest.mark.parametrize("side", list(Side))
def test_only_what_the_application_wrote_counts_behind_the_position(two: Two, side: Side) -> None:
    control, server = two.control[side], two.servers[side]
    position = control.binlog_position()
    control.write_watermark(side, "me", 1)
    two.root(side, "FLUSH BINARY LOGS")
    if side is Side.TARGET:
        rds_server.beat(server)
        keep_binlogs(two.db[side], 24)
        rds_server.rotate(server)
        rds_server.beat(server)
        two.root(side, "REPLACE INTO mysql.rds_heartbeat2 VALUES (1, 1)")
    assert control.touched_since(position) == []
    two.root(side, "INSERT INTO shop.log (what) VALUES ('late')")
    two.root(side, "ALTER TABLE shop.log COMMENT 'x'")
    touched = control.touched_since(position)
    assert touched[0] == "shop.log"
    assert "ALTER TABLE" in touched[1]


def test_a_position_whose_binlog_was_purged_proves_nothing(two: Two) -> None:
    two.root(Side.TARGET, "UPDATE mysql.rds_configuration SET value = NULL")
    position = two.t.binlog_position()
    two.root(Side.TARGET, "INSERT INTO shop.log (what) VALUES ('late')")

    def purged() -> bool:
        rds_server.rotate(two.servers[Side.TARGET])
        return "is gone" in two.t.touched_since(position)[0]

    two.until(purged, "the end of that binlog")


def test_unknown_kinds_of_binlog_events_count_as_touching() -> None:
    assert touches("Query", "CREATE TABLE shop.x (id INT)")
    assert touches("Something_new", "x")
    assert touches("Query", "COMMIT") is None
    seen_on_aws = (
        "INSERT INTO mysql.rds_heartbeat2(id, value) values (1,1393029075007) \nON DUPLICATE KEY UPDATE value"
        " = 1393029075007"
    )
    assert touches("Query", seen_on_aws) is touches("Query", f"use `mysql`; {seen_on_aws}") is None
    assert touches("Query", "use `mysql`; UPDATE mysql.rds_configuration SET value = 1") is None
    assert touches("Query", "use `mysql`; UPDATE mysql.global_priv SET Priv = ''")
    assert touches("Query", f"use `shop`; {seen_on_aws.replace('mysql.rds_heartbeat2', 'orders')}")


def test_health_names_what_would_make_the_switchover_unsafe(two: Two) -> None:
    two.until(lambda: two.s.read().heartbeat_age is not None, "a tick")
    health = two.s.health(5)
    assert health.durable
    assert health.event_scheduler
    assert health.long_transactions == ()
    two.root(Side.SOURCE, "SET GLOBAL sync_binlog = 0")
    two.root(Side.SOURCE, "SET GLOBAL event_scheduler = OFF")
    try:
        with closing(two.application(Side.SOURCE)) as c, c.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("INSERT INTO log (what) VALUES ('long')")
            time.sleep(2.1)  # INNODB_TRX counts whole seconds, and does not change while it is polled
            health = two.s.health(1)
    finally:
        two.root(Side.SOURCE, "SET GLOBAL sync_binlog = 1")
        two.root(Side.SOURCE, "SET GLOBAL event_scheduler = ON")
    assert not health.durable
    assert not health.event_scheduler
    assert "shop_app" in health.long_transactions[0]


def test_a_job_that_runs_for_long_is_told_also_without_a_transaction(two: Two) -> None:
    with closing(two.application(Side.SOURCE)) as c, c.cursor() as cursor:

        def dump() -> None:
            with suppress(pymysql.err.MySQLError):
                cursor.execute("SELECT SLEEP(30)")

        job = threading.Thread(target=dump, daemon=True)
        job.start()
        two.until(lambda: bool(two.s.health(1).long_transactions), "the statement")
        (told,) = two.s.health(1).long_transactions
        assert "of shop_app for" in told
        two.root(Side.SOURCE, f"KILL QUERY {c.thread_id()}")
        job.join(10)
    assert (two.s.health(1).uptime or 0) > 0


def test_installing_again_changes_nothing_and_resets_no_row(two: Two) -> None:
    assert two.s.arm(1, "me", 60).done
    assert not install(two.db[Side.SOURCE], ["shop_app"], ["shop"])
    two.root(Side.SOURCE, "UPDATE livemove.control SET version = 'older'")
    assert install(two.db[Side.SOURCE], ["shop_app"], ["shop"])
    row = two.s.read()
    assert (row.state, row.epoch, row.attempt) == (ControlState.FENCED, 1, "me")


def test_an_account_that_a_person_locked_is_not_opened_by_installing(two: Two) -> None:
    two.clean()
    two.root(Side.SOURCE, "CREATE USER shop_app@'10.%' ACCOUNT LOCK")
    with raises(RefusedError, "shop_app@10.%"):
        install(two.db[Side.SOURCE], ["shop_app"], ["shop"])
    assert two.root(
        Side.SOURCE, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = 'livemove'"
    ) == [(0,)]


def test_the_copied_application_account_is_locked_and_has_the_same_password(two: Two) -> None:
    server = two.servers[Side.TARGET]
    for password, code in (("app", LOCKED), ("wrong", 1045)):
        with MariaDb(Side.TARGET, Login(server.address, server.port, "shop_app", password)) as db:
            with pytest.raises(Exception, match=str(code)):
                db.rows("SELECT 1")
    grants = two.root(Side.TARGET, "SHOW GRANTS FOR shop_app@'127.%'")
    assert any("ON `shop`.*" in str(g[0]) for g in grants)


def test_the_hash_is_the_one_that_the_server_makes(two: Two) -> None:
    assert two.root(Side.SOURCE, "SELECT PASSWORD('sécret')") == [(native_hash("sécret"),)]
