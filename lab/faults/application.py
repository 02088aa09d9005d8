"""An application that keeps working while it is fenced: transactions, logins, locks, statements, events."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import pymysql

from lab.faults.context import NOBODY, RETRY, ROLLBACK, Fault, FaultContext
from lab.switchover_harness.application import NOT_DONE
from lab.switchover_harness.settings import ACCOUNT, PASSWORD, PORT, SCHEMA
from lab.switchover_harness.users import Write
from livemove.model.spec import Side


def connect(context: FaultContext, side: Side) -> Any:
    return pymysql.connect(
        host=context.harness.settings.address(side),
        port=PORT,
        user=ACCOUNT,
        password=PASSWORD,
        database=SCHEMA,
        autocommit=False,
        connect_timeout=3,
        read_timeout=30,
    )


def acknowledged(context: FaultContext, key: str, sent: float) -> None:
    context.harness.record.acked.append(Write(key, context.f, sent, time.monotonic(), "transaction"))


def commit(context: FaultContext, connection: Any, key: str, sent: float) -> str:
    """committed, refused or unclear; the record gets what it must know."""
    try:
        connection.commit()
    except (pymysql.err.MySQLError, OSError) as e:
        code = e.args[0] if e.args and isinstance(e.args[0], int) else -1
        if code in NOT_DONE:
            return "refused"
        context.harness.record.unclear.append(key)
        return "unclear"
    acknowledged(context, key, sent)
    return "committed"


def insert(connection: Any, key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders (k, customer) VALUES (%s, 12)", (key,))


def _open_transaction(context: FaultContext) -> None:
    """A transaction that is opened before the fence and committed after it was closed."""
    mover = context.attempt_until("{f}.arm.before")
    connection, sent = connect(context, context.f), time.monotonic()
    insert(connection, "opened-before-the-fence")
    mover.go()
    context.until(
        lambda: str(context.state(context.f)) != "OPEN", "the fence came while a transaction was open"
    )
    context.finish(mover)
    context.notes.append(f"its COMMIT: {commit(context, connection, 'opened-before-the-fence', sent)}")


def _committing(context: FaultContext) -> None:
    """Transactions that begin and commit all the time, four at once, on both sides."""
    end, done = threading.Event(), [0, 0]

    def live(number: int, side: Side) -> None:
        connection: Any = None
        for n in range(1_000_000):
            if end.wait(0.01):
                break
            key, sent = f"tx-{side}-{number}-{n}", time.monotonic()
            try:
                connection = connection or connect(context, side)
                insert(connection, key)
            except (pymysql.err.MySQLError, OSError):
                _close(connection)
                connection = None
                continue
            end.wait(0.01)
            try:
                connection.commit()
                context.harness.record.acked.append(Write(key, side, sent, time.monotonic(), "transaction"))
                done[0] += 1
            except (pymysql.err.MySQLError, OSError) as e:
                code = e.args[0] if e.args and isinstance(e.args[0], int) else -1
                if code not in NOT_DONE:
                    context.harness.record.unclear.append(key)
                done[1] += 1
                _close(connection)
                connection = None
        _close(connection)

    threads = [threading.Thread(target=live, args=(n, s), daemon=True) for n in range(2) for s in Side]
    _during(context, threads, end)
    context.require(done[0] > 0, f"{done[0]} transactions committed around the move, {done[1]} did not")


def _connecting(context: FaultContext) -> None:
    """Logins all the time, on both sides, each with one write."""
    end, made = threading.Event(), [0, 0]

    def live(number: int, side: Side) -> None:
        n = 0
        while not end.wait(0.002):
            n += 1
            key, sent, tried = f"login-{side}-{number}-{n}", time.monotonic(), False
            connection = None
            try:
                connection = connect(context, side)
                connection.autocommit(True)
                tried = True
                insert(connection, key)
                context.harness.record.acked.append(Write(key, side, sent, time.monotonic(), "login"))
                made[0] += 1
            except (pymysql.err.MySQLError, OSError) as e:
                code = e.args[0] if e.args and isinstance(e.args[0], int) else -1
                if tried and code not in NOT_DONE:
                    context.harness.record.unclear.append(key)
                made[1] += 1
            finally:
                _close(connection)

    threads = [threading.Thread(target=live, args=(n, s), daemon=True) for n in range(2) for s in Side]
    _during(context, threads, end)
    context.require(made[0] > 0 and made[1] > 0, f"{made[0]} logins wrote, {made[1]} were refused")


def _during(context: FaultContext, threads: list[threading.Thread], end: threading.Event) -> None:
    context.harness.add_cleanup(end.set)
    for thread in threads:
        thread.start()
    mover = context.attempt()
    context.finish(mover)

    def over() -> None:
        end.set()
        for thread in threads:
            thread.join(20)

    context.after_recovery.append(over)


def _lock_tables(context: FaultContext) -> None:
    mover = context.attempt_until("{f}.arm.before")
    connection = connect(context, context.f)
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLES orders WRITE, order_audit WRITE, customers WRITE")
    context.notes.append("the application holds LOCK TABLES")
    mover.go()
    context.finish(mover)
    _close(connection)


def _statement(sql: str, key: str, what: str) -> Callable[[FaultContext], None]:
    def inject(context: FaultContext) -> None:
        mover = context.attempt_until("{f}.arm.before")
        connection, sent, said = connect(context, context.f), time.monotonic(), [""]
        connection.autocommit(True)

        def long() -> None:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(sql, (key,))
                acknowledged(context, key, sent)
                said[0] = "done"
            except (pymysql.err.MySQLError, OSError) as e:
                context.harness.record.unclear.append(key)
                said[0] = f"ended by {e.args}"

        thread = threading.Thread(target=long, daemon=True)
        thread.start()
        running = "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE %s AND ID <> CONNECTION_ID()"
        context.until(lambda: bool(context.harness.query(context.f, running, (f"%{key}%",))), f"{what} runs")
        mover.go()
        context.finish(mover)
        thread.join(30)
        context.notes.append(said[0])

    return inject


def _event_body(context: FaultContext) -> None:
    """The body of an event that is in the middle of its work when the fence comes."""
    with context.harness.world().database(context.f) as db:
        # as livemove's own account: on RDS nobody but SUPER may touch the event of another definer
        db.run(
            "CREATE EVENT shop.slow ON SCHEDULE EVERY 1 SECOND DO BEGIN "
            "INSERT INTO shop.ticks (token) VALUES (UUID()); DO SLEEP(3); "
            "INSERT INTO shop.ticks (token) VALUES (UUID()); END"
        )
    mover = context.attempt_until("{f}.arm.before")
    running = (
        "SELECT 1 FROM information_schema.PROCESSLIST WHERE INFO LIKE '%SLEEP(3)%' AND ID <> CONNECTION_ID()"
    )
    context.until(lambda: bool(context.harness.query(context.f, running)), "the event is in its body")
    mover.go()
    context.finish(mover)


def _cron_as_root(context: FaultContext) -> None:
    """read_only and account locks do not stop root: the commit must see what was written."""
    mover = context.attempt_until("{f}.touched_since.before")
    sent = time.monotonic()
    context.harness.servers[context.f].query("INSERT INTO shop.orders (k, customer) VALUES ('by-root', 12)")
    acknowledged(context, "by-root", sent)
    mover.go()
    context.finish(mover)
    out = mover.outcome or {}
    context.require(
        "written on the" in out.get("text", ""), "the commit saw root's write and was given up", mover
    )


def _second_account(context: FaultContext) -> None:
    """An account that the spec does not name goes on writing in the fence."""
    name = "'shop_cron'@'127.%'"
    context.harness.query(context.f, f"CREATE OR REPLACE USER {name} IDENTIFIED BY '{PASSWORD}'")
    context.harness.query(context.f, f"GRANT SELECT, INSERT ON shop.* TO {name}")
    mover = context.attempt_until("{f}.touched_since.before")
    sent, wrote = time.monotonic(), False
    connection = pymysql.connect(
        host=context.harness.settings.address(context.f),
        port=PORT,
        user="shop_cron",
        password=PASSWORD,
        database=SCHEMA,
        autocommit=True,
        connect_timeout=3,
        read_timeout=10,
    )
    try:
        insert(connection, "by-a-second-account")
        acknowledged(context, "by-a-second-account", sent)
        wrote = True
    except pymysql.err.MySQLError as e:
        context.notes.append(f"the second account was refused: {e.args}")
    _close(connection)
    mover.go()
    context.finish(mover)
    out = mover.outcome or {}
    seen = "written on the" in out.get("text", "")
    context.require(
        seen or not wrote, "a write of the second account was refused, or seen by the commit", mover
    )


def _close(connection: Any) -> None:
    if connection is not None:
        with contextlib.suppress(pymysql.err.Error, OSError):
            connection.close()


LONG = "INSERT INTO orders (k, customer) SELECT %s, 12 FROM (SELECT SLEEP(4)) AS slow"
LATER = (RETRY, ROLLBACK)
FAULTS = [
    Fault("transaction open across the fence", "3", _open_transaction, LATER),
    Fault("transactions committing all the time", "3", _committing, LATER),
    Fault("logins all the time", "3", _connecting, LATER),
    Fault("LOCK TABLES across the fence", "3", _lock_tables, LATER),
    Fault("a long INSERT across the fence", "3", _statement(LONG, "a-long-insert", "a long INSERT"), LATER),
    Fault("an event in its body at the fence", "3", _event_body, LATER),
    Fault("cron as root writes in the fence", "6", _cron_as_root, (NOBODY, RETRY)),
    Fault("an unknown account writes in the fence", "6", _second_account, (NOBODY, RETRY)),
]
