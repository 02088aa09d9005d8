"""What the target's schema must be, and in which phase each object is created.

DMS carries rows and primary keys; it loses AUTO_INCREMENT, secondary indexes, foreign keys, defaults, views,
code. So the schema goes first, from the server's own SHOW CREATE texts:

1. tables  before the load: columns, primary and unique keys, checks, generated columns, partitions
2. indexes after the load: secondary, fulltext and spatial indexes of all tables
3. foreign_keys  after the changes that came during the load: until then each table is of another moment
4. code    routines, then views; events disabled. Triggers and events come to life at the switchover only

Pure text in, text out. What it does not do: translate between MySQL 8 and MariaDB (collations like
utf8mb4_0900_ai_ci have no counterpart there; the server's own error says so).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from livemove.model import sql_names
from livemove.model.errors import SchemaError


class Phase(StrEnum):
    TABLES = "tables"
    INDEXES = "indexes"
    FOREIGN_KEYS = "foreign_keys"
    CODE = "code"


class Kind(StrEnum):
    """What one line inside CREATE TABLE (...) is."""

    COLUMN = "column"
    PRIMARY = "primary key"
    UNIQUE = "unique key"
    INDEX = "index"
    FULLTEXT = "fulltext index"
    SPATIAL = "spatial index"
    FOREIGN = "foreign key"
    OTHER = "constraint"


LATER = {Kind.INDEX, Kind.FULLTEXT, Kind.SPATIAL, Kind.FOREIGN}
QUOTED = re.compile(r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`""", re.DOTALL)
NAME = r"`((?:[^`]|``)+)`"
KINDS = (
    (Kind.COLUMN, re.compile(rf"^{NAME}")),
    (Kind.PRIMARY, re.compile(r"^PRIMARY KEY()")),
    (Kind.UNIQUE, re.compile(rf"^UNIQUE (?:KEY|INDEX) {NAME}")),
    (Kind.INDEX, re.compile(rf"^(?:KEY|INDEX) {NAME}")),
    (Kind.FULLTEXT, re.compile(rf"^FULLTEXT (?:KEY|INDEX) {NAME}")),
    (Kind.SPATIAL, re.compile(rf"^SPATIAL (?:KEY|INDEX) {NAME}")),
    (Kind.FOREIGN, re.compile(rf"^CONSTRAINT {NAME} FOREIGN KEY")),
)


def outside_quotes(change: Callable[[str], str], text: str) -> str:
    """Apply `change` to the parts of an SQL text that are not inside quotes."""
    out, at = [], 0
    for quoted in QUOTED.finditer(text):
        out += [change(text[at : quoted.start()]), quoted.group()]
        at = quoted.end()
    return "".join([*out, change(text[at:])])


def _unquote(name: str) -> str:
    return name.replace("``", "`")


@dataclass(frozen=True)
class Element:
    kind: Kind
    name: str
    text: str

    columns: tuple[str, ...] = ()
    """Indexed columns in their order; empty for anything but a key."""


@dataclass(frozen=True)
class Table:
    """One CREATE TABLE taken apart: its elements, and the options and partitions after the bracket."""

    schema: str
    name: str
    elements: tuple[Element, ...]
    options: str

    @property
    def qualified(self) -> str:
        return sql_names.qualified(self.schema, self.name)

    def _first(self) -> list[Element]:
        """The elements that must stand before the first row arrives."""
        held = self._key_of_auto_increment()
        return [e for e in self.elements if e.kind not in LATER or e is held]

    def _key_of_auto_increment(self) -> Element | None:
        # an AUTO_INCREMENT column cannot be created without a key over it
        auto = next((e.name for e in self.elements if e.kind is Kind.COLUMN and _is_auto(e.text)), None)
        keys = [e for e in self.elements if e.kind in (Kind.PRIMARY, Kind.UNIQUE, Kind.INDEX)]
        leading = [e for e in keys if e.columns[:1] == (auto,)]
        containing = [e for e in keys if auto in e.columns]
        return next(iter(leading or containing), None)

    def create(self) -> str:
        """Phase 1: the table without what comes later."""
        body = ",\n  ".join(e.text for e in self._first())
        return f"CREATE TABLE IF NOT EXISTS {self.qualified} (\n  {body}\n) {portable(self.options)}"

    def missing_in(self, target: Table) -> list[Element]:
        """Indexes and foreign keys the target lacks; SchemaError when one of that name is another."""
        there = {(e.kind, e.name): e for e in target.elements}
        missing = []
        for e in self.elements:
            other = there.get((e.kind, e.name))
            if other is None:
                missing.append(e)
            elif other.text != e.text:
                raise SchemaError(
                    f"{self.schema}.{self.name}: {e.kind} {e.name} is on the target as: {other.text}",
                    wanted=e.text,
                    next_step=(
                        f"drop it on the target, or the whole table {self.qualified} and clear the replicate"
                        " chapter"
                    ),
                )
        return missing

    def lines(self) -> list[str]:
        """The table's text with everything that may rightly differ taken out, for the parity check."""
        columns = [e.text for e in self.elements if e.kind is Kind.COLUMN]
        rest = sorted(e.text for e in self.elements if e.kind is not Kind.COLUMN)
        return [*columns, *rest, comparable(self.options)]


def _is_auto(column: str) -> bool:
    return "AUTO_INCREMENT" in QUOTED.sub("", column)


LOCAL = re.compile(
    r"( ?`(?:PAGE_COMPRESSED|PAGE_COMPRESSION_LEVEL|ENCRYPTED|ENCRYPTION_KEY_ID)`"
    r"=(?:'(?:[^'\\]|\\.|'')*'|\w+)"
    rf"| ?(?:DATA|INDEX) DIRECTORY ?= ?'(?:[^'\\]|\\.|'')*')|{QUOTED.pattern}",
    re.IGNORECASE | re.DOTALL,
)
"""Options about how and where pages are stored, which RDS does not have; or anything in quotes.

https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/MariaDB.Concepts.FeatureNonSupport.html
"""


def portable(options: str) -> str:
    """Table options without the source's storage: no paths, page compression or encryption."""
    return LOCAL.sub(lambda m: "" if m.group(1) else m.group(), options)


def comparable(options: str) -> str:
    return outside_quotes(lambda s: re.sub(r" ?AUTO_INCREMENT=\d+", "", s), portable(options)).strip()


def parse_table(schema: str, create: str) -> Table:
    """Take a SHOW CREATE TABLE text apart (session with sql_mode '' and quoted identifiers)."""
    head = re.match(rf"CREATE TABLE {NAME} \(", create)
    if not head:
        raise SchemaError(
            f"{schema}: this is no table text: {create[:80]!r}", wanted="the output of SHOW CREATE TABLE"
        )
    parts, end = _split(create, head.end())
    return Table(
        schema, _unquote(head.group(1)), tuple(_element(p.strip()) for p in parts), create[end:].strip()
    )


def _split(text: str, start: int) -> tuple[list[str], int]:
    """Split at commas of the outer bracket; returns the parts and the place after the bracket."""
    parts: list[str] = []
    depth, begin = 0, start
    for at, char in _bare(text, start):
        if char == "(":
            depth += 1
        elif char == ")" and depth:
            depth -= 1
        elif char == ")":
            return [*parts, text[begin:at]], at + 1
        elif char == "," and not depth:
            parts.append(text[begin:at])
            begin = at + 1
    raise SchemaError(
        f"a table text ends inside its bracket: {text[:80]!r}", wanted="the whole SHOW CREATE TABLE"
    )


def _bare(text: str, start: int) -> Iterator[tuple[int, str]]:
    at = start
    while at < len(text):
        quoted = QUOTED.match(text, at)
        if quoted:
            at = quoted.end()
            continue
        yield at, text[at]
        at += 1


def _element(text: str) -> Element:
    for kind, pattern in KINDS:
        found = pattern.match(text)
        if found:
            return Element(kind, _unquote(found.group(1)), text, _key_columns(kind, text, found.end()))
    named = re.match(rf"CONSTRAINT {NAME}", text)
    return Element(Kind.OTHER, _unquote(named.group(1)) if named else text, text)


def _key_columns(kind: Kind, text: str, after: int) -> tuple[str, ...]:
    if kind in (Kind.COLUMN, Kind.FOREIGN, Kind.OTHER):
        return ()
    parts, _ = _split(text, text.index("(", after) + 1)
    return tuple(_unquote(m.group(1)) for p in parts if (m := re.match(NAME, p.strip())))


def alter_statements(source: Table, target: Table) -> tuple[list[str], list[str]]:
    """Phase 2 for one table: (ALTERs that build indexes, ALTERs that add foreign keys).

    All plain indexes go into one ALTER, so that the table is read once; InnoDB builds one FULLTEXT index at a
    time.
    """
    missing = source.missing_in(target)
    together = [e for e in missing if e.kind in (Kind.UNIQUE, Kind.INDEX, Kind.SPATIAL)]
    alone = [[e] for e in missing if e.kind is Kind.FULLTEXT]
    foreign = [e for e in missing if e.kind is Kind.FOREIGN]
    return (
        [_alter(source, es) for es in ([together] if together else []) + alone],
        [_alter(source, foreign)] if foreign else [],
    )


def _alter(table: Table, elements: Sequence[Element]) -> str:
    return f"ALTER TABLE {table.qualified} " + ", ".join(f"ADD {e.text}" for e in elements)


def refuse_other_table(source: Table, target: Table) -> None:
    """SchemaError when the table that is on the target is not the source's, indexes aside."""
    a, b = ([e.text for e in t.elements if e.kind not in LATER] for t in (source, target))
    gone, extra = [x for x in a if x not in b], [x for x in b if x not in a]
    if gone or extra or comparable(source.options) != comparable(target.options):
        raise SchemaError(
            f"{source.schema}.{source.name} exists on the target, but differs: "
            + ("; ".join(extra) or comparable(target.options)),
            wanted="; ".join(gone) or comparable(source.options),
            next_step=f"DROP TABLE {source.qualified} on the target if nobody needs it, then clear this task",
        )


# Code
# ------------------------------------------------------------------------------------------------------------
DEFINER = re.compile(
    r"^(CREATE\s+(?:OR\s+REPLACE\s+)?(?:ALGORITHM\s*=\s*\w+\s+)?)DEFINER\s*=\s*"
    rf"((?:{QUOTED.pattern}|\w+)(?:\s*@\s*(?:{QUOTED.pattern}|[\w.%-]+))?)\s+",
    re.IGNORECASE | re.DOTALL,
)
STATUS = re.compile(r"(ON COMPLETION (?:NOT )?PRESERVE) (?:ENABLE|DISABLE ON SLAVE|DISABLE)\b")


def definer_of(create: str) -> tuple[str, str] | None:
    """(user, host) of a CREATE text; None where there is none."""
    found = DEFINER.match(create)
    if not found:
        return None
    user, _, host = found.group(2).rpartition("@") if "@" in found.group(2) else (found.group(2), "", "")
    return _bare_name(user), _bare_name(host)


def _bare_name(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "`'\"":
        return text[1:-1].replace(text[0] * 2, text[0])
    return text


def with_definer(create: str, definer: tuple[str, str] | None) -> str:
    """The same text with this definer; None is the login that runs it (RDS refuses every other)."""
    who = "CURRENT_USER" if definer is None else "@".join(map(sql_names.quote, definer))
    if DEFINER.match(create):
        return DEFINER.sub(lambda m: f"{m.group(1)}DEFINER={who} ", create, count=1)
    return re.sub(r"^CREATE\s+", f"CREATE DEFINER={who} ", create, count=1, flags=re.IGNORECASE)


def without_definer(create: str) -> str:
    return DEFINER.sub(lambda m: m.group(1), create, count=1)


def with_status(create_event: str, enabled: bool) -> str:
    return STATUS.sub(lambda m: f"{m.group(1)} {'ENABLE' if enabled else 'DISABLE'}", create_event, count=1)


def same_code(a: str, b: str) -> bool:
    """The same object, whoever defined it and whether or not its event is enabled."""
    return with_status(without_definer(a), False) == with_status(without_definer(b), False)


def in_order(views: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """(schema, name, text) of views, each after those it reads; by name where that cannot be told."""
    by_name = {(s, n): (s, n, text) for s, n, text in sorted(views)}
    reads = {
        me: {o for o in by_name if o != me and sql_names.qualified(*o) in text}
        for me, (_, _, text) in by_name.items()
    }
    try:
        return [by_name[k] for k in TopologicalSorter(reads).static_order()]
    except CycleError:
        # a name inside a string literal looks like a reference; the carrier tries in rounds anyway
        return list(by_name.values())


def schemas_named(kind: str, body: str, schemas: Iterable[str]) -> list[str]:
    """Which of these schemas the body of a view or of stored code names.

    The server writes a view's tables out in full, `schema`.`table` behind FROM, JOIN or a comma; other bodies
    are as their author wrote them. Text inside quotes does not count.
    """
    bare = re.sub(r"""'(?:[^'\\]|\\.|'')*'""", "''", body)
    found = []
    for schema in schemas:
        tick, plain = re.escape(sql_names.quote(schema)), rf"(?<![\w.@`]){re.escape(schema)}(?![\w`])"
        pattern = (
            rf"(?:\b(?:from|join)\s|,)[\s(]*{tick}\."
            if kind == "view"
            else rf"(?:{tick}|{plain})\s*\.\s*[`\w]"
        )
        if re.search(pattern, bare, re.IGNORECASE):
            found.append(schema)
    return found


# MariaDB's latin1 is Windows' code page 1252
CODECS = {
    "utf8mb4": "utf-8",
    "utf8mb3": "utf-8",
    "utf8": "utf-8",
    "latin1": "cp1252",
    "ascii": "ascii",
    "euckr": "cp949",
    "latin2": "iso8859-2",
    "cp1251": "cp1251",
    "koi8r": "koi8-r",
    "sjis": "cp932",
    "cp932": "cp932",
    "big5": "cp950",
    "gbk": "gbk",
    "ujis": "euc_jp",
}


def wire_text(sql: str, charset: str) -> str | None:
    """The text such that its UTF-8 form on the wire is `sql` in `charset`; None when that cannot be written.

    A stored object remembers the client's character set, so it must be sent in it, or its literals change.
    """
    if sql.isascii():
        return sql
    codec = CODECS.get(charset)
    if codec is None:
        return None
    try:
        return sql.encode(codec).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return None
