"""The connection pool to one database, and what a database error means for the request that met it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymysql
from pymysql.constants import CR, ER
from pymysql.cursors import DictCursor
from sqlalchemy import exc
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from .settings import Settings

LOST = {
    0,
    CR.CR_CONNECTION_ERROR,
    CR.CR_CONN_HOST_ERROR,
    CR.CR_SERVER_GONE_ERROR,
    CR.CR_SERVER_LOST,
    CR.CR_COMMANDS_OUT_OF_SYNC,
    CR.CR_SERVER_LOST_EXTENDED,
    ER.SERVER_SHUTDOWN,
    ER.CON_COUNT_ERROR,
    ER.QUERY_INTERRUPTED,
    1927,
}
"""The connection is gone, or never was (1927: MariaDB's 'Connection was killed')."""
CLOSED = {ER.OPTION_PREVENTS_STATEMENT, 1836, ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, 4151}
"""The server answers and refuses writes or logins (1290 read_only, 1836, 1045, 1044, 4151 locked)."""
REPEAT = {ER.LOCK_DEADLOCK}
BUSY = {ER.LOCK_WAIT_TIMEOUT}


class Unavailable(Exception):
    """The database did not do it. `uncertain`: it may have, because the answer to COMMIT is missing."""

    def __init__(self, reason: str, *, repeat: bool, lost: bool = False, uncertain: bool = False) -> None:
        super().__init__(reason)
        self.repeat, self.lost, self.uncertain = repeat, lost, uncertain


class Pool:
    """Connections to one database with fixed settings. A retired pool closes every returned connection."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.busy = 0
        self.retired = False
        self._out: set[Any] = set()
        self._pool = QueuePool(
            self._connect,
            pool_size=settings.pool,
            max_overflow=settings.pool * 2,
            timeout=10,
            reset_on_return=None,
        )

    def _connect(self) -> Any:
        s = self.settings
        return pymysql.connect(
            host=s.host,
            port=s.port,
            user=s.user,
            password=s.password,
            database=s.database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=3,
            read_timeout=20,
            write_timeout=20,
            init_command="SET SESSION time_zone = '+00:00', SESSION innodb_lock_wait_timeout = 10",
            cursorclass=DictCursor,
            ssl_ca=s.ca,
            ssl_verify_cert=bool(s.ca),
            ssl_verify_identity=bool(s.ca),
        )

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        """A connection for one piece of work. Database errors come out as Unavailable, except wrong data."""
        if self.retired:
            raise Unavailable("this pool is retired", repeat=True)
        source = self._pool
        with _explained(self):
            connection = source.connect()
        driver = connection.driver_connection
        self._out.add(driver)
        try:
            with _explained(self):
                yield connection
        except LookupError:
            # the work itself found something missing; the connection is as good as before
            self._give_back(connection, source)
            raise
        except BaseException as e:
            connection.invalidate()
            if isinstance(e, Unavailable) and e.lost:
                self._renew(source)
            raise
        else:
            self._give_back(connection, source)
        finally:
            self._out.discard(driver)

    def _give_back(self, connection: PoolProxiedConnection, source: QueuePool) -> None:
        if self.retired or source is not self._pool:
            connection.detach()
        connection.close()

    def _renew(self, source: QueuePool) -> None:
        # when one connection died the idle ones most likely died with it
        if source is self._pool:
            self._pool = source.recreate()
            source.dispose()

    def warm(self, count: int = 4) -> None:
        """Open some connections at once, so that the first requests do not wait for it."""
        count = min(count, self.settings.pool)
        with ThreadPoolExecutor(count) as threads, _explained(self):
            for connection in list(threads.map(lambda _: self._pool.connect(), range(count))):
                connection.close()

    def retire(self) -> None:
        self.retired = True
        self._pool.dispose()

    def cut(self) -> None:
        """Break the connections that are still in use, so that nobody waits for a database that is silent."""
        for driver in list(self._out):
            with contextlib.suppress(OSError, AttributeError):
                # closing it would not wake the thread that reads from it
                driver._sock.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def _explained(pool: Pool) -> Iterator[None]:
    place = pool.settings.place
    try:
        yield
    except exc.TimeoutError:
        raise Unavailable(f"all connections to {place} are in use", repeat=False) from None
    except pymysql.err.MySQLError as e:
        code = e.args[0] if e.args and isinstance(e.args[0], int) else -1
        if code in LOST or isinstance(e, pymysql.err.InterfaceError):
            raise Unavailable(f"connection to {place} lost ({code})", repeat=True, lost=True) from e
        if code in CLOSED:
            raise Unavailable(f"{place} takes no requests: {e.args[1]} ({code})", repeat=False) from e
        if code in REPEAT | BUSY:
            raise Unavailable(f"{place}: {e.args[1]} ({code})", repeat=code in REPEAT) from e
        raise


@contextlib.contextmanager
def transaction(connection: Any) -> Iterator[Any]:
    """A cursor in a transaction. Only a lost answer to COMMIT leaves it uncertain whether it happened."""
    with connection.cursor() as cursor:
        connection.begin()
        try:
            yield cursor
        except (pymysql.err.IntegrityError, LookupError):
            connection.rollback()
            raise
        try:
            connection.commit()
        except pymysql.err.MySQLError as e:
            code = e.args[0] if e.args and isinstance(e.args[0], int) else 0
            # a refusal is an answer: read_only rolls the transaction back
            answered = code in CLOSED | REPEAT | BUSY
            raise Unavailable(
                f"no answer to COMMIT ({code})" if not answered else f"COMMIT refused ({code})",
                repeat=not answered or code in REPEAT,
                lost=not answered,
                uncertain=not answered,
            ) from e
