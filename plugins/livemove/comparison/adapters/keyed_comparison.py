"""The two ways through a table: along its key in ranges, or as a whole; both end in looks at what differs."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import pymysql

from livemove.comparison import row_comparison as core
from livemove.comparison.adapters.both_sides import ConnectionPair, Options, by_key, look_at
from livemove.comparison.canonical import Shape
from livemove.comparison.row_comparison import (
    Change,
    Difference,
    Judgement,
    Key,
    RowReads,
    TableVerdict,
    pack,
    unpack,
)
from livemove.model.ledger import PassState
from livemove.model.ports import Row
from livemove.runtime.mariadb import MariaDb
from livemove.runtime.watermarks import require_arrival

log = logging.getLogger(__name__)

LEAF_ROWS = 500
AHEAD = 3
"""Ranges asked for and not yet answered: while one side is slower the other continues."""
WHOLE_ROWS = 200_000
"""A table without a key is compared by each row's hash up to this size, above by its first BUCKET_DIGITS."""
BUCKET_DIGITS = 4
SUSPECTS = 1000
ROUNDS = 12
"""Looks at rows that differ before those that never rest are pinned."""
SNAPSHOTS = 3
"""Of a table without a key: how often all that differs is looked for again."""
PINNED = 200
PIN_SECONDS = 2.0
"""How long the pinned rows stay locked on the source at most: the way of two watermarks."""
SAY_EVERY = 10.0
KEEP_EVERY = 30.0
RESUMABLE = 24 * 3600.0
"""Seconds after which a pass that was left is begun again."""
BUSY_WAIT = 1.0

SPLIT = 16
"""Parts of a range that differs."""

Range = tuple[Key | None, Key | None]
Differing = tuple[Range, int, int]
"""A range, and its rows on the source and on the target."""


class TableComparer:
    """What both ways share: looking again at what differs, and the verdict."""

    def __init__(
        self, pair: ConnectionPair, shape: Shape, options: Options, began_at: str, position: str
    ) -> None:
        self.pair, self.shape, self.options = pair, shape, options
        self.began_at, self.position = began_at, position
        self.rows = (0, 0)
        self.unjudged = 0
        self.notes: list[str] = []

    # looking again --------------------------------------------------------------------------------
    def ask_for(self, db: MariaDb, keys: Sequence[Key], tail: str = "") -> dict[Key, Any]:
        """What one side shows for these keys."""
        raise NotImplementedError

    def look(self, keys: Sequence[Key]) -> dict[Key, RowReads]:
        before = self.ask_for(self.pair.source, keys)
        require_arrival(self.arrived, self.shape.name)
        there = self.ask_for(self.pair.target, keys)
        after = self.ask_for(self.pair.source, keys)
        return {k: RowReads(before.get(k), there.get(k), after.get(k)) for k in keys}

    def settle(self, suspects: Sequence[Key]) -> dict[Key, RowReads]:
        """Look at the suspects again, up to ROUNDS times: the last look at each row that certainly differs.

        Rows that changed at every look have no judgement; `unjudged` counts those that `confirmed` could not
        settle either.
        """
        seen: dict[Key, list[RowReads]] = {k: [] for k in suspects}
        open_ = list(suspects)
        for _ in range(ROUNDS):
            if not open_:
                break
            for key, look in self.look(open_).items():
                seen[key].append(look)
            open_ = [k for k in open_ if core.judge(seen[k]) is Judgement.MOVING]
        sure = {k: s[-1] for k, s in seen.items() if s and core.judge(s) is Judgement.DIFFERENT}
        found, unknown = self.confirmed(sure, open_)
        self.unjudged = len(unknown)
        return found

    def confirmed(
        self, sure: dict[Key, RowReads], moving: Sequence[Key]
    ) -> tuple[dict[Key, RowReads], list[Key]]:
        """(rows that certainly differ, rows that could not be judged) of these."""
        raise NotImplementedError

    @property
    def arrived(self) -> Any:
        assert self.options.arrived is not None
        return self.options.arrived

    # verdict --------------------------------------------------------------------------------------
    def verdict(self, found: dict[Key, RowReads]) -> TableVerdict:
        if len(found) > self.options.listed:
            self.notes.append(f"{len(found)} rows differ, {self.options.listed} are listed")
        if self.unjudged:
            self.notes.append(f"{self.unjudged} rows changed at every look and could not be judged")
        kinds = {k: core.kind_of(s.after, s.target) for k, s in found.items()}
        counted = Counter(kinds.values())
        listed = self.described({k: kinds[k] for k in list(found)[: self.options.listed]})
        return TableVerdict(
            not found and not self.unjudged,
            *self.rows,
            tuple(listed),
            note="; ".join(self.notes),
            missing=counted[Change.MISSING],
            extra=counted[Change.EXTRA],
            changed=counted[Change.CHANGED],
            unjudged=self.unjudged,
            began_at=self.began_at,
            position=self.position,
        )

    def described(self, kinds: dict[Key, Change]) -> list[Difference]:
        return [Difference(k, kind) for k, kind in kinds.items()]


class KeyedComparer(TableComparer):
    """A table with a key: in ranges along the key, down to rows where they differ."""

    def run(self) -> TableVerdict:
        with self.pair.source.fresh() as here, self.pair.target.fresh() as there:
            # for looking ahead: the pair's own connections belong to their threads
            self.scouts = here, there
            differing = self._pass()
            suspects: list[Key] = []
            for chunk in differing:
                if len(suspects) >= SUSPECTS:
                    self.notes.append(f"stopped at {len(suspects)} differing rows; there may be more")
                    break
                for leaf in self._narrow(chunk):
                    looks = look_at(self.pair, self.shape, *core.between(self.shape, *leaf))
                    suspects += [k for k, (a, b) in looks.items() if a != b]
            found = self.settle(suspects)
        self._keep(None, [], done=True)
        return self.verdict(found)

    # the pass -------------------------------------------------------------------------------------
    def _pass(self) -> list[Differing]:
        """The ranges whose digests differ."""
        low, differing = self._left_off()
        end = self.options.share.high
        rows, self._said, self._kept = self.options.effort.rows, time.monotonic(), time.monotonic()
        self._began, self._before = time.monotonic(), self.rows[0]
        waiting: deque[tuple[Range, int, tuple[Future[Any], Future[Any]]]] = deque()
        over = False
        while waiting or not over:
            while not over and len(waiting) < AHEAD:
                high = self._step(self.scouts[0], (low, end), rows)
                chunk = (low, end if high is None else high)
                waiting.append((chunk, rows, self._begin(chunk)))
                low, over = high, high is None
            chunk, asked, (a, b) = waiting.popleft()
            ((here,), took), ((there,), took_there) = a.result(), b.result()
            self.rows = self.rows[0] + here["n"], self.rows[1] + there["n"]
            if here != there:
                differing.append((chunk, here["n"], there["n"]))
            rows = core.next_rows(asked, max(took, took_there), self.options.effort)
            self._tell(chunk, differing)
        return differing

    def _begin(self, chunk: Range) -> tuple[Future[Any], Future[Any]]:
        where, args = core.between(self.shape, *chunk)
        return self.pair.begin(core.digest_query(self.shape, where), args, self._rest)

    def _rest(self, seconds: float) -> None:
        """On the source's thread: the nice ratio, and a pause while the source is busy."""
        if self.options.effort.nice:
            self.options.clock.sleep(self.options.effort.nice * seconds)
        for waited in range(3600):
            found = self.pair.source.rows("SHOW GLOBAL STATUS LIKE 'Threads_running'")
            running = int(found[0]["value"])
            if running <= self.options.effort.running:
                return
            if waited % 10 == 0:
                self.options.progress(
                    f"{self.shape.name}: paused, {running} threads run on the source (limit"
                    f" {self.options.effort.running})"
                )
            self.options.clock.sleep(BUSY_WAIT)

    def _tell(self, chunk: Range, differing: list[Differing]) -> None:
        now = time.monotonic()
        if now - self._said > SAY_EVERY:
            self._said = now
            rate, mine = self._rate(), self._mine
            left = max(0, mine - self.rows[0]) / max(rate, 1e-6)
            self.options.progress(
                f"{self.shape.name}: {self.rows[0]:,} of about {mine:,} rows compared, {rate:,.0f} rows/s,"
                f" about {left:,.0f} s to go, {len(differing)} ranges to look at again"
            )
        if now - self._kept > KEEP_EVERY and chunk[1] is not None:
            self._kept = now
            self._keep(chunk[1], differing)

    @property
    def _mine(self) -> int:
        """About how many rows this task compares."""
        return self.shape.estimate // self.options.share.of

    def _rate(self) -> float:
        """Rows per second since this task began."""
        return round((self.rows[0] - self._before) / max(time.monotonic() - self._began, 1e-6), 1)

    # resuming -------------------------------------------------------------------------------------
    def _keep(self, low: Key | None, differing: Sequence[Differing], *, done: bool = False) -> None:
        if self.options.keep is None or (done and self.options.keep.read() is None):
            return
        self.options.keep.write(
            PassState(
                done=done,
                shape=self.shape.digest,
                share=self.options.share.packed,
                low=pack(low),
                rows=self.rows,
                of=self._mine,
                rate=self._rate(),
                differing=[(pack(a), pack(b), n, m) for (a, b), n, m in differing],
                began_at=self.began_at,
                position=self.position,
                kept_at=self.options.clock.now().timestamp(),
            )
        )

    def _left_off(self) -> tuple[Key | None, list[Differing]]:
        kept = self.options.keep.read() if self.options.keep else None
        share, start = self.options.share.packed, self.options.share.low
        if not kept or kept.done or (kept.shape, kept.share) != (self.shape.digest, share):
            return start, []
        if self.options.clock.now().timestamp() - kept.kept_at > RESUMABLE:
            return start, []
        self.rows = kept.rows
        self.began_at, self.position = kept.began_at, kept.position
        self.notes.append(f"resumed; the pass began at {self.began_at}")
        self.options.progress(f"{self.shape.name}: goes on after {self.rows[0]:,} rows")
        return unpack(kept.low), [((unpack(a), unpack(b)), n, m) for a, b, n, m in kept.differing]

    # bisecting ------------------------------------------------------------------------------------
    def _step(self, db: MariaDb, within: Range, rows: int) -> Key | None:
        where, args = core.between(self.shape, *within)
        found = db.rows(core.step_query(self.shape, where, rows), args)
        return tuple(found[0].values()) if found else None

    def _narrow(self, chunk: Differing) -> Iterator[Range]:
        """The small ranges inside `chunk` that differ now."""
        within, n, m = chunk
        if max(n, m) <= LEAF_ROWS:
            yield within
            return
        for part, (a, b) in [(p, self._begin(p)) for p in self._parts(within, n, m)]:
            (here,), (there,) = a.result()[0], b.result()[0]
            if here != there:
                yield from self._narrow((part, here["n"], there["n"]))

    def _parts(self, within: Range, n: int, m: int) -> list[Range]:
        """Cut on the side that has more rows there."""
        fuller = self.scouts[0] if n >= m else self.scouts[1]
        low, last = within
        parts: list[Range] = []
        while True:
            high = self._step(fuller, (low, last), max(LEAF_ROWS // 2, max(n, m) // SPLIT))
            parts.append((low, high if high is not None else last))
            if high is None or high == last:
                return parts
            low = high

    # looking at rows ------------------------------------------------------------------------------
    def ask_for(self, db: MariaDb, keys: Sequence[Key], tail: str = "") -> dict[Key, Any]:
        seen: dict[Key, Any] = {}
        for at in range(0, len(keys), 200):
            where, args = core.among(self.shape, keys[at : at + 200])
            found = by_key(db.rows(core.rows_query(self.shape, where, tail), args))
            # under a collation that folds, 'A' also finds 'a'
            seen |= {k: v for k, v in found.items() if k in set(keys)}
        return seen

    def confirmed(
        self, sure: dict[Key, RowReads], moving: Sequence[Key]
    ) -> tuple[dict[Key, RowReads], list[Key]]:
        """Look once with the rows locked: a value that comes back at every look only seems to be at rest."""
        found: dict[Key, RowReads] = {}
        unknown: list[Key] = []
        keys = [*sure, *moving]
        for at in range(0, len(keys), PINNED):
            looks = self._pinned(keys[at : at + PINNED])
            for key in keys[at : at + PINNED]:
                look = looks.get(key)
                judged = core.judge_pinned(look) if look else Judgement.MOVING
                if judged is Judgement.DIFFERENT or (judged is Judgement.MOVING and key in sure):
                    found[key] = look or sure[key]
                elif judged is Judgement.MOVING:
                    unknown.append(key)
        return found, unknown

    def _pinned(self, keys: Sequence[Key]) -> dict[Key, RowReads]:
        """Share-lock these rows until two watermarks have arrived, without gap locks. Empty if it failed."""
        session = {**self.pair.source.session, "innodb_lock_wait_timeout": 1}
        with self.pair.source.fresh(session=session) as pin:
            try:
                pin.run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
                pin.run("START TRANSACTION")
                before = self.ask_for(pin, keys, "LOCK IN SHARE MODE")
                if not self.arrived(PIN_SECONDS):
                    return {}
                there = self.ask_for(self.pair.target, keys)
                after = self.ask_for(pin, keys, "LOCK IN SHARE MODE")
            except pymysql.err.MySQLError as e:
                log.info("%s: %s rows could not be pinned: %s", self.shape.name, len(keys), e)
                return {}
        return {k: RowReads(before.get(k), there.get(k), after.get(k)) for k in keys}

    def described(self, kinds: dict[Key, Change]) -> list[Difference]:
        return [
            Difference(k, kind, self._cells(k) if kind is Change.CHANGED else ()) for k, kind in kinds.items()
        ]

    def _cells(self, key: Key) -> tuple[core.Cell, ...]:
        where, args = core.among(self.shape, [key])
        a, b = self.pair.ask(core.cells_query(self.shape, where), args)
        return core.cells(self.shape, a[0], b[0]) if len(a) == len(b) == 1 else ()


class UnkeyedComparer(TableComparer):
    """A table without a usable key: the multiset of its rows, by their hashes or by buckets of them."""

    def run(self) -> TableVerdict:
        self.notes.append("no usable key: compared as a whole, by the multiset of its rows")
        self.digits = 40
        (a,), (b,) = self.pair.ask(core.digest_query(self.shape))
        self.rows = a["n"], b["n"]
        if a == b:
            return self.verdict({})
        if max(self.rows) > WHOLE_ROWS:
            self.digits = BUCKET_DIGITS
            self.notes.append(
                f"over {WHOLE_ROWS:,} rows: differences are reported by the first digits of their hash"
            )
        found: dict[Key, RowReads] = {}
        for _ in range(SNAPSHOTS):
            found = self.settle(self._suspects())
            # a row that was written meanwhile shows under another hash
            if found or not self._suspects():
                break
        else:
            self.unjudged = max(self.unjudged, 1)
        if (found or self.unjudged) and self.digits == 40:
            found = self._while_still(found)
        return self.verdict(found)

    def _while_still(self, found: dict[Key, RowReads]) -> dict[Key, RowReads]:
        """Lock the table until a watermark has arrived and look once; `found` when it cannot be locked."""
        with self.pair.source.fresh(session={**self.pair.source.session, "lock_wait_timeout": 1}) as pin:
            try:
                pin.run(f"LOCK TABLES {core.from_(self.shape)} READ", [])
                here = self.ask_for(pin, ())
                if not self.arrived(PIN_SECONDS):
                    return found
                there = self.ask_for(self.pair.target, ())
            except pymysql.err.MySQLError as e:
                log.info("%s could not be locked for a look: %s", self.shape.name, e)
                return found
        self.unjudged = 0
        keys = [k for k in here.keys() | there.keys() if here.get(k) != there.get(k)]
        return {k: RowReads(here.get(k), there.get(k), here.get(k)) for k in keys}

    def confirmed(
        self, sure: dict[Key, RowReads], moving: Sequence[Key]
    ) -> tuple[dict[Key, RowReads], list[Key]]:
        return sure, list(moving)

    def _suspects(self) -> list[Key]:
        x, y = self.pair.ask(core.multiset_query(self.shape, self.digits))
        here, there = self._buckets(x), self._buckets(y)
        return [k for k in here.keys() | there.keys() if here.get(k) != there.get(k)]

    def _buckets(self, rows: Sequence[Row]) -> dict[Key, Any]:
        """Of whole hashes the number of rows says all; of buckets also the sum."""
        return {(r["h"],): int(r["n"]) if self.digits == 40 else (int(r["n"]), r["a"]) for r in rows}

    def ask_for(self, db: MariaDb, keys: Sequence[Key], tail: str = "") -> dict[Key, Any]:
        return self._buckets(db.rows(core.multiset_query(self.shape, self.digits), []))
