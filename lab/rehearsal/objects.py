"""Every object of the service's schemas, by kind and name: the owner must have the same ones afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import pymysql

QUERIES = {
    "table": (
        "SELECT TABLE_SCHEMA, TABLE_NAME"
        " FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_SCHEMA IN %s"
    ),
    "view": "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA IN %s",
    "trigger": (
        "SELECT TRIGGER_SCHEMA, TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA IN %s"
    ),
    "event": (
        "SELECT EVENT_SCHEMA, CONCAT(EVENT_NAME, ' ', STATUS)"
        " FROM information_schema.EVENTS WHERE EVENT_SCHEMA IN %s"
    ),
    "function": (
        "SELECT ROUTINE_SCHEMA, ROUTINE_NAME"
        " FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'FUNCTION' AND ROUTINE_SCHEMA IN %s"
    ),
    "procedure": (
        "SELECT ROUTINE_SCHEMA, ROUTINE_NAME"
        " FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = 'PROCEDURE' AND ROUTINE_SCHEMA IN %s"
    ),
    "foreign key": (
        "SELECT CONSTRAINT_SCHEMA, CONCAT(TABLE_NAME, ' ', CONSTRAINT_NAME)"
        " FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA IN %s"
    ),
    "index": (
        "SELECT DISTINCT TABLE_SCHEMA, CONCAT(TABLE_NAME, ' ', INDEX_NAME)"
        " FROM information_schema.STATISTICS WHERE TABLE_SCHEMA IN %s"
    ),
}


def names(connection: pymysql.Connection[Any], schemas: Sequence[str]) -> set[str]:
    """All of them, each as "kind schema.name"."""
    found = set()
    with connection.cursor() as cursor:
        for kind, query in QUERIES.items():
            cursor.execute(query, (tuple(schemas),))
            found |= {f"{kind} {schema}.{name}" for schema, name in cursor.fetchall()}
    return found


def counts(objects: Iterable[str]) -> dict[str, int]:
    """How many of each kind, kinds in the order above."""
    by_kind = Counter(next(k for k in QUERIES if o.startswith(f"{k} ")) for o in objects)
    return {kind: by_kind[kind] for kind in QUERIES if by_kind[kind]}
