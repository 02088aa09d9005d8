"""Names in SQL text: the one place where they are quoted."""

from __future__ import annotations


def quote(identifier: str) -> str:
    """An identifier for SQL text."""
    return "`" + identifier.replace("`", "``") + "`"


def qualified(schema: str, name: str) -> str:
    return f"{quote(schema)}.{quote(name)}"


def schema_pattern(schema: str) -> str:
    """A schema for GRANT ... ON `schema`.*, where _ and % are wildcards unless they are escaped.

    https://mariadb.com/kb/en/grant/#database-privileges
    """
    return quote(schema.replace("_", "\\_").replace("%", "\\%"))
