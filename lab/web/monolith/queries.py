"""What the site asks its database: each function is one piece of work on one connection."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pymysql
from pymysql.constants import ER

from .pool import Unavailable, transaction

Row = dict[str, Any]
_LIST = (
    "SELECT id, kind, status, title, price, area_m2, listed_at FROM listings WHERE id > %s ORDER BY id"
    " LIMIT %s"
)
_ONE = (
    "SELECT id, kind, status, title, description, price, area_m2, enquiry_count, order_count, listed_at FROM"
    " listings WHERE id = %s"
)
_ENQUIRY = (
    "INSERT INTO enquiries (idempotency_key, listing_id, contact, message) VALUES (%(key)s, %(listing_id)s,"
    " %(contact)s, %(message)s)"
)
_ORDER = (
    "INSERT INTO orders (idempotency_key, listing_id, amount, details) VALUES (%(key)s, %(listing_id)s,"
    " %(amount)s, %(details)s)"
)
_PROBE = "INSERT INTO app_probe (idempotency_key, site, host) VALUES (%(key)s, %(site)s, %(host)s)"


class NoSuchListing(LookupError):
    """The listing that a write refers to does not exist."""


def listings(connection: Any, after: int, limit: int) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(_LIST, (after, limit))
        return list(cursor.fetchall())


def listing(connection: Any, number: int) -> Row | None:
    with connection.cursor() as cursor:
        cursor.execute(_ONE, (number,))
        row: Row | None = cursor.fetchone()
        return row


def server(connection: Any) -> Row:
    """Which server this really is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION() AS server_version, @@server_id AS server_id")
        row: Row = cursor.fetchone()
        return row


def enquire(connection: Any, row: Row) -> tuple[int, bool]:
    def make(cursor: Any) -> None:
        _lock(cursor, row["listing_id"])
        cursor.execute(_ENQUIRY, row)

    return _once(connection, "enquiries", row["key"], make)


def order(connection: Any, row: Row) -> tuple[int, bool]:
    def make(cursor: Any) -> None:
        price = _lock(cursor, row["listing_id"])
        details = json.dumps({"note": row.get("note", "")}, ensure_ascii=False)
        cursor.execute(_ORDER, {**row, "amount": price, "details": details})

    return _once(connection, "orders", row["key"], make)


def _lock(cursor: Any, number: int) -> Any:
    """The listing's price, with its row locked first.

    The foreign key locks the row shared and the trigger then exclusively: without the lock, two buyers of
    one listing would deadlock.
    """
    cursor.execute("SELECT price FROM listings WHERE id = %s FOR UPDATE", (number,))
    row = cursor.fetchone()
    if row is None:
        raise NoSuchListing(number)
    return row["price"]


def probe(connection: Any, key: str, site: str, host: str) -> Row:
    _once(connection, "app_probe", key, lambda c: c.execute(_PROBE, {"key": key, "site": site, "host": host}))
    return server(connection)


def livemove_probe(connection: Any) -> str:
    """As the guide's page does it; where the connection goes that wrote, in the words of its driver."""
    with connection.cursor() as cursor:
        cursor.execute("REPLACE INTO livemove_probe (id, seen) VALUES (1, NOW(6))")
    return str(connection.get_host_info())


def _once(connection: Any, table: str, key: str, make: Callable[[Any], Any]) -> tuple[int, bool]:
    """Insert under an idempotency key: (id, True) when it is new, (id, False) when it was there before."""
    try:
        with transaction(connection) as cursor:
            make(cursor)
            number = int(cursor.lastrowid)
        return number, True
    except pymysql.err.IntegrityError as e:
        if e.args[0] != ER.DUP_ENTRY:
            raise
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} WHERE idempotency_key = %s", (key,))
        found = cursor.fetchone()
    if found is None:
        # the first one was rolled back after it made us wait
        raise Unavailable("the first request with this key did not finish", repeat=True)
    return int(found["id"]), False
