"""Runs the comparison of `core.comparison` on two servers: both asked at the same time, each by a thread of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from livemove.adapters.mariadb import MariaDb, sql
from livemove.core import comparison as core
from livemove.core.comparison import Difference, Judgement, Key, Look, Shape, Verdict
from livemove.errors import LivemoveError
from livemove.ports import Clock, Json, Progress
from livemove.spec import Side

log = logging.getLogger(__name__)

SESSION = {"time_zone": "+00:00", "sql_mode": "", "max_statement_time": 0}
CHUNK_ROWS = 20_000
LEAF_ROWS = 500
WHOLE_ROWS = 200_000
"""A table without a key is fetched row by row up to this size, to name the rows; above, only its digest is told."""
WAITS = (0.3, 0.7, 1.5, 3.0, 6.0)
"""Seconds between looks at rows that differ; the last two together must be longer than the replicator may lag (max_lag, 5 s)."""
SUSPECTS = 1000
LISTED = 100

Range = tuple[Key | None, Key | None]


class Pair:
    """One connection to each side; `ask` puts the same question to both at once."""

    def __init__(self, source: MariaDb, target: MariaDb) -> None:
        self.source = source.fresh(session=SESSION, schema=None)
        self.target = target.fresh(session=SESSION, schema=None)
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="compare")

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()
        self.source.close()
        self.target.close()

    def ask(self, text: str, args: Any = None) -> tuple[list[Json], list[Json]]:
        a = self._pool.submit(self.source.rows, text, args or None)
        b = self._pool.submit(self.target.rows, text, args or None)
        return a.result(), b.result()


# Tables -------------------------------------------------------------------------------------------------------------
def read_shapes(db: MariaDb, tables: Iterable[str]) -> dict[str, Shape]:
    """Shapes of the tables named "schema.table" that are there, by that name."""
    wanted = set(tables)
    if not wanted:
        return {}
    # a name may have dots of its own: what fits no table is dropped below
    places = [(t[:at], t[at + 1 :]) for t in wanted for at, char in enumerate(t) if char == "."]
    args = {"schemas": tuple({s for s, _ in places}), "tables": tuple({n for _, n in places})}
    columns: dict[str, list[core.Column]] = {}
    for r in db.rows(sql("list_columns"), args):
        name = f"{r.pop('schema')}.{r.pop('table')}"
        columns.setdefault(name, []).append(core.Column(**{**r, "nullable": bool(r["nullable"])}))
    keys, leading = _keys(db, args)
    described = {f"{t['schema']}.{t['name']}": t for t in db.rows(sql("list_tables"), args)}
    return {
        name: Shape(
            t["schema"], t["name"], tuple(columns[name]), keys.get(name, {}), frozenset(leading.get(name, ())), t["engine"] or "", int(t["estimate"])
        )
        for name, t in described.items()
        if name in wanted
    }  # fmt: skip


def _keys(db: MariaDb, args: Json) -> tuple[dict[str, dict[str, tuple[str, ...]]], dict[str, set[str]]]:
    """(usable unique keys, columns that lead an index), both by table."""
    unique: dict[str, dict[str, tuple[str, ...]]] = {}
    leading: dict[str, set[str]] = {}
    unfit: set[tuple[str, str]] = set()
    for r in db.rows(sql("list_keys"), args):
        table = f"{r['schema']}.{r['table']}"
        if r["place"] == 1:
            leading.setdefault(table, set()).add(r["column"])
        if r["unfit"] or not r["is_unique"]:
            unfit.add((table, r["name"]))
        keys = unique.setdefault(table, {})
        keys[r["name"]] = (*keys.get(r["name"], ()), r["column"])
    fit = {t: {n: c for n, c in keys.items() if (t, n) not in unfit} for t, keys in unique.items()}
    return fit, leading


# One table, writes going on -----------------------------------------------------------------------------------------
def compare_table(
    source_db: MariaDb,
    target_db: MariaDb,
    schema: str,
    table: str,
    *,
    clock: Clock,
    progress: Progress = log.info,
    chunk_rows: int = CHUNK_ROWS,
    waits: Sequence[float] = WAITS,
) -> Verdict:
    """Compare all rows while both sides may be written; rows that differ are looked at again before they are told.

    The first database is the one that is replicated from. Rows are counted under the side on which they are.
    """
    began = time.monotonic()
    with Pair(source_db, target_db) as pair:
        name = f"{schema}.{table}"
        here, there = read_shapes(pair.source, [name]), read_shapes(pair.target, [name])
        sides = (str(source_db.side), str(target_db.side))
        why = incomparable(name, here, there, sides)
        if why:
            return Verdict(False, 0, 0, (), time.monotonic() - began, why)
        run = _Walk if here[name].key else _Whole
        verdict = run(pair, here[name], clock, progress, chunk_rows, waits).run()
    digests = {sides[0]: here[name].digest, sides[1]: there[name].digest}
    verdict = replace(verdict, seconds=round(time.monotonic() - began, 3), definitions=digests)
    return verdict if source_db.side is Side.SOURCE else verdict.turned()


def incomparable(
    name: str,
    here: Mapping[str, Shape],
    there: Mapping[str, Shape],
    sides: tuple[str, str] = ("source", "target"),
) -> str:
    for side, shapes in zip(sides, (here, there), strict=True):
        if name not in shapes:
            return f"the {side} has no such table"
    return here[name].differs_from(there[name], sides)


class _Compared:
    """What both ways share: waiting and looking again at what differs, and the verdict."""

    def __init__(
        self,
        pair: Pair,
        shape: Shape,
        clock: Clock,
        progress: Progress,
        chunk_rows: int,
        waits: Sequence[float],
    ) -> None:
        self.pair, self.shape, self.clock, self.progress = pair, shape, clock, progress
        self.chunk_rows, self.waits = chunk_rows, waits
        self.rows = (0, 0)
        self.notes: list[str] = []

    def digests(self, text: str, args: Any = None) -> tuple[Json, Json]:
        a, b = self.pair.ask(text, args)
        if a[0]["lost"] or b[0]["lost"]:
            raise LivemoveError(
                f"{self.shape.name}: {a[0]['lost']} and {b[0]['lost']} rows have no digest",
                wanted="every row below max_allowed_packet",
                next_step="raise max_allowed_packet on both sides",
            )
        return a[0], b[0]

    def settle(
        self, looks: dict[Key, list[Look]], look: Callable[[Sequence[Key]], dict[Key, Look]]
    ) -> tuple[Difference, ...]:
        """Look again with growing waits, until each suspect is equal or certainly different."""
        for wait in self.waits:
            open_ = [k for k, seen in looks.items() if core.judge(seen) is not Judgement.EQUAL]
            if not open_:
                break
            self.progress(f"{self.shape.name}: {len(open_)} rows differ; looking again in {wait:.1f} s")
            self.clock.sleep(wait)
            for key, seen in look(open_).items():
                looks[key].append(seen)
        moving = [k for k, s in looks.items() if core.judge(s) is Judgement.MOVING and not core.followed(s)]
        if moving:
            listed = ", ".join(str(k) for k in moving[:5])
            self.notes.append(f"{len(moving)} rows changed at every look and were not judged: {listed}")
        return tuple(
            Difference(k, core.kind_of(s[-1]))
            for k, s in looks.items()
            if core.judge(s) is Judgement.DIFFERENT
        )

    def verdict(self, found: tuple[Difference, ...]) -> Verdict:
        if len(found) > LISTED:
            self.notes.append(f"{len(found)} rows differ, {LISTED} are listed")
        return Verdict(not found, *self.rows, found[:LISTED], note="; ".join(self.notes))


class _Walk(_Compared):
    """A table with a key: in ranges along the key, down to rows where they differ."""

    def run(self) -> Verdict:
        differing = [r for r in self._chunks() if self._differs(r, count=True)]
        if differing:
            # most are writes in flight: a moment later they are equal
            self.clock.sleep(self.waits[0])
        suspects: dict[Key, list[Look]] = {}
        for chunk in differing:
            if len(suspects) < SUSPECTS and self._differs(chunk):
                for leaf in self._narrow(chunk):
                    suspects |= {k: [seen] for k, seen in self._rows(*core.between(self.shape, *leaf)).items() if seen[0] != seen[1]}  # fmt: skip
        if len(suspects) >= SUSPECTS:
            self.notes.append(f"stopped at {len(suspects)} differing rows; there may be more")
        return self.verdict(self.settle(suspects, self._look))

    def _chunks(self) -> Iterator[Range]:
        low: Key | None = None
        done = 0
        while True:
            high = self._step(self.pair.source, (low, None), self.chunk_rows)
            yield low, high
            if high is None:
                return
            low, done = high, done + self.chunk_rows
            if done % (10 * self.chunk_rows) == 0:
                self.progress(f"{self.shape.name}: {done} of about {self.shape.estimate} rows compared")

    def _step(self, db: MariaDb, within: Range, rows: int) -> Key | None:
        where, args = core.between(self.shape, *within)
        found = db.rows(core.step_query(self.shape, where, rows), args or None)
        return tuple(found[0].values()) if found else None

    def _differs(self, chunk: Range, *, count: bool = False) -> bool:
        a, b = self._digest(chunk)
        if count:
            self.rows = self.rows[0] + a["n"], self.rows[1] + b["n"]
        return a != b

    def _digest(self, chunk: Range) -> tuple[Json, Json]:
        where, args = core.between(self.shape, *chunk)
        return self.digests(core.digest_query(self.shape, where), args)

    def _narrow(self, chunk: Range) -> Iterator[Range]:
        """The small ranges inside `chunk` that differ."""
        a, b = self._digest(chunk)
        if a == b:
            return
        if max(a["n"], b["n"]) <= LEAF_ROWS:
            yield chunk
            return
        fuller, n = (self.pair.source, a["n"]) if a["n"] >= b["n"] else (self.pair.target, b["n"])
        low, last = chunk
        while True:
            high = self._step(fuller, (low, last), max(LEAF_ROWS // 2, int(n) // 16))
            yield from self._narrow((low, high if high is not None else last))
            if high is None or high == last:
                return
            low = high

    def _rows(self, where: str, args: list[Any]) -> dict[Key, Look]:
        return look_at(self.pair, self.shape, where, args)

    def _look(self, keys: Sequence[Key]) -> dict[Key, Look]:
        seen: dict[Key, Look] = dict.fromkeys(keys, (None, None))
        for at in range(0, len(keys), 200):
            found = self._rows(*core.among(self.shape, keys[at : at + 200]))
            seen |= {k: v for k, v in found.items() if k in seen}
        return seen


class _Whole(_Compared):
    """A table without a usable key: the multiset of its rows."""

    def run(self) -> Verdict:
        self.notes.append("no usable key: compared as a whole, by the multiset of its rows")
        a, b = self.digests(core.digest_query(self.shape))
        self.rows = a["n"], b["n"]
        if a == b:
            return self.verdict(())
        if max(self.rows) > WHOLE_ROWS:
            self.notes.append(f"too many rows to name those that differ (over {WHOLE_ROWS})")
            look = self._look_at_digest
        else:
            look = self._look_at_rows
        found = self.settle({k: [seen] for k, seen in look(()).items() if seen[0] != seen[1]}, look)
        return self.verdict(found)

    def _look_at_digest(self, keys: Sequence[Key]) -> dict[Key, Look]:
        a, b = self.digests(core.digest_query(self.shape))
        return {("the whole table",): (tuple(a.values()), tuple(b.values()))}

    def _look_at_rows(self, keys: Sequence[Key]) -> dict[Key, Look]:
        a, b = self.pair.ask(core.multiset_query(self.shape))
        here, there = ({(r["h"],): r["n"] for r in rows} for rows in (a, b))
        return {k: (here.get(k, 0), there.get(k, 0)) for k in (keys or here.keys() | there.keys())}


def look_at(pair: Pair, shape: Shape, where: str, args: list[Any]) -> dict[Key, Look]:
    """What both sides show for every key in a range."""
    a, b = pair.ask(core.rows_query(shape, where), args)
    here, there = ({tuple(v for k, v in r.items() if k != "h"): r["h"] for r in rows} for rows in (a, b))
    return {k: (here.get(k), there.get(k)) for k in here.keys() | there.keys()}


def prove_quickly(source_db: MariaDb, target_db: MariaDb, tables: Sequence[str], seconds: float) -> list[str]:
    """Compare what can be compared in `seconds` while nobody writes; the differences found, as text.

    Inside a write pause prefer QuickProof: it connects and reads the catalogue before the fence.
    """
    from livemove.adapters.last_proof import QuickProof

    with QuickProof(source_db, target_db, tables) as proof:
        return proof.run(seconds)
