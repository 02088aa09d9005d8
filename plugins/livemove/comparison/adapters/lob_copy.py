"""Copies LOBs from the fenced, drained owner to its follower: rows that differ in nothing else.

Harmless if the move is undone afterwards: the follower gets the owner's own values. An attempt that was
suspended here, while the owner opened again and another attempt fenced it, must not write its old values:
each attempt leaves its token in the follower before it compares, and a copy is made only under the lock of
the follower's row, while that follows, and while the token is still this attempt's.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence

from livemove.comparison import row_comparison as core
from livemove.comparison.adapters.both_sides import SESSION
from livemove.comparison.adapters.repair import written_literal
from livemove.comparison.canonical import Shape, quote
from livemove.comparison.lone_lobs import lob_columns
from livemove.comparison.row_comparison import Key
from livemove.control.adapters.control_row import Control
from livemove.model.ports import Answered, ControlState
from livemove.runtime.mariadb import MariaDb

log = logging.getLogger(__name__)
MOST = 500
"""Rows of one final check. More are for `livemove repair` before the move."""
BATCH = 20
"""Rows of one statement that reads; LOBs may be large."""


class LobCopier:
    """From one owner to one follower, by one attempt; used by the final check's workers in turn."""

    def __init__(self, owner: MariaDb, follower: Control, epoch: int) -> None:
        self._owner = owner.fresh(session=SESSION, schema=None)
        self._follower, self._epoch, self._token = follower, epoch, secrets.token_hex(16)
        self._lock = threading.Lock()
        self.copied = 0

    def close(self) -> None:
        self._owner.close()

    def begin(self) -> bool:
        """Make every other attempt's copies refused from now on; False when the follower follows no more."""
        self.copied = 0
        return self._guarded(
            lambda db: db.run("REPLACE INTO livemove.lob_copier (id, token) VALUES (1, %s)", (self._token,))
        )

    def copy(self, shape: Shape, keys: Sequence[Key], deadline: float) -> bool:
        """Bring the LOBs of these rows; False when not all were brought: too many, too late, or refused."""
        with self._lock:
            if self.copied + len(keys) > MOST:
                return False
            for at in range(0, len(keys), BATCH):
                if time.monotonic() >= deadline or not self._batch(shape, keys[at : at + BATCH]):
                    return False
            self.copied += len(keys)
            return True

    def _batch(self, shape: Shape, keys: Sequence[Key]) -> bool:
        lobs = lob_columns(shape)
        where, args = core.among(shape, keys)
        names = [f"{quote(c.name)} AS k{i}" for i, c in enumerate(shape.key)]
        values = [f"{written_literal(c)} AS v{i}" for i, c in enumerate(lobs)]
        rows = self._owner.rows(
            f"SELECT {', '.join([*names, *values])} FROM {core.from_(shape)} WHERE {where}", args
        )

        def write(db: MariaDb) -> None:
            if db.one("SELECT token FROM livemove.lob_copier WHERE id = 1")["token"] != self._token:
                raise TakenOver
            db.run("START TRANSACTION")
            for row in rows:
                # every value is SQL text that the owner made of it, in hexadecimal digits
                texts = ["NULL" if row[f"v{i}"] is None else str(row[f"v{i}"]) for i in range(len(lobs))]
                sets = ", ".join(f"{quote(c.name)} = {t}" for c, t in zip(lobs, texts, strict=True))
                one, key = core.among(shape, [tuple(row[f"k{i}"] for i in range(len(shape.key)))])
                db.run(f"UPDATE {core.from_(shape)} SET {sets} WHERE {one}", key)
            db.run("COMMIT")

        return self._guarded(write)

    def _guarded(self, work: Callable[[MariaDb], object]) -> bool:
        def held() -> None:
            db = self._follower.holding
            try:
                work(db)
            except BaseException:
                db.run("ROLLBACK")
                raise

        try:
            out = self._follower.while_in(ControlState.FOLLOW, self._epoch, held)
        except TakenOver:
            return False
        return out.answered is Answered.DONE


class TakenOver(Exception):
    """Another attempt has begun to compare."""
