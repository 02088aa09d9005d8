"""Accounts of the target under which views and routines run there, for definers that it may not name.

RDS has no SET USER: whoever creates code is its definer, and that would be the master user. So each definer
of the source gets an account of its own, `definer_of_<user>_<digest>`, with its rights on the schemas that
move and no others; livemove logs in as it to create the code, and locks it. Code runs on under a locked
definer.
A definer that does not exist on the source has no rights here either: its code fails as it did there.
https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.MasterAccounts.html

Triggers and events are none of its business: they are created inside the write pause, by the session that
holds the lock, and the master is their definer. The preflight's `definers` refuses what makes that dangerous.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

import pymysql

from livemove.control.adapters.setup import ensure_account, schema_rights
from livemove.model.sql_names import quote, schema_pattern
from livemove.runtime.mariadb import MariaDb
from livemove.schema import definers as core

CREATING_RIGHTS = "SELECT, INSERT, UPDATE, DELETE, EXECUTE, DROP, CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE"
"""What the server wants of who creates views and routines; taken back before anybody else could use it."""


class StandIns:
    """Those of one run, by definer; a context, which leaves each with its own rights, and locked."""

    def __init__(self, source: MariaDb, target: MariaDb, schemas: Sequence[str]) -> None:
        self._source, self._target, self._schemas = source, target, tuple(schemas)
        self._open: dict[tuple[str, str], MariaDb] = {}

    def __enter__(self) -> StandIns:
        return self

    def __exit__(self, *_: object) -> None:
        for definer, db in self._open.items():
            db.close()
            self._settle(definer)

    def login(self, definer: tuple[str, str]) -> MariaDb:
        """A session of the stand-in, which may create code for the moment."""
        if definer not in self._open:
            user, password = core.stand_in(definer)[0], secrets.token_urlsafe(24)
            grants = [f"{CREATING_RIGHTS} ON {schema_pattern(s)}.*" for s in self._schemas]
            ensure_account(self._target, user, password, grants, locked=False)
            self._target.run(f"ALTER USER {_account(definer)} ACCOUNT UNLOCK")
            who = replace(self._target.login, user=user, password=password)
            self._open[definer] = self._target.fresh(
                login=who, schema=None, session={"lock_wait_timeout": 60}
            )
        return self._open[definer]

    def _settle(self, definer: tuple[str, str]) -> None:
        name = _account(definer)
        self._target.run(f"ALTER USER {name} ACCOUNT LOCK")
        # not all of them: other schemas may have moved before, with code of the same definer
        for revoke in core.revokes_on(_lines(self._target, f"SHOW GRANTS FOR {name}"), self._schemas):
            self._target.run(f"{revoke} FROM {name}")
        every = schema_rights(self._target)
        for grant in core.rights_on(self._grants(definer), self._schemas, every):
            self._target.run(f"{grant} TO {name}")

    def _grants(self, definer: tuple[str, str]) -> list[str]:
        user, host = definer
        try:
            return _lines(
                self._source, f"SHOW GRANTS FOR {quote(user)}" + (f"@{quote(host)}" if host else "")
            )
        except pymysql.err.MySQLError:
            return []  # it does not exist


def _lines(db: MariaDb, query: str) -> list[str]:
    return [str(value) for row in db.rows(query) for value in row.values()]


def _account(definer: tuple[str, str]) -> str:
    user, host = core.stand_in(definer)
    return f"{quote(user)}@{quote(host)}"
