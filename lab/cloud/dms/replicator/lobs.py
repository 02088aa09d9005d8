"""Limited LOB mode: what is longer than LobMaxSize is cut, with a warning, as DMS does. The loss is real.

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.LOBSupport.html
"""

from __future__ import annotations

from collections.abc import Mapping

from lab.cloud.dms.replicator import events as ev
from lab.cloud.dms.replicator.description import Description
from lab.cloud.dms.replicator.events import Event, TableMap
from lab.cloud.dms.replicator.failure import Failed
from lab.cloud.dms.replicator.status import Status
from lab.cloud.dms.replicator.tables import Column, Key, Layout

GEOMETRIES = {
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
}
TYPES = {"mediumtext", "longtext", "mediumblob", "longblob", "json"} | GEOMETRIES
"""The types that DMS takes for LOBs (BLOB, CLOB, NCLOB); text is WSTRING, blob is BYTES(65535).

https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.MySQL.html#CHAP_Source.MySQL.DataTypes
"""
DEFAULT_KB = 32


def limit_of(d: Description) -> int | None:
    """Bytes after which a LOB is cut; None in full LOB mode. DMS's default is the limited mode with 32 KB."""
    if not d.setting("TargetMetadata", "SupportLobs", True):
        raise Failed("The lab's DMS has no SupportLobs false: LOB columns would stay behind")
    if d.setting("TargetMetadata", "FullLobMode", False):
        return None
    return int(d.setting("TargetMetadata", "LobMaxSize", 0) or DEFAULT_KB) << 10


def inline_of(d: Description) -> int | None:
    """Bytes up to which a LOB is loaded with its row; longer ones follow in a second statement.

    None in limited LOB mode, where every LOB is loaded with its row.
    https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.TargetMetadata.html
    """
    if limit_of(d) is not None:
        return None
    return int(d.setting("TargetMetadata", "InlineLobMaxSize", 0)) << 10


def cut_text(value: bytes, limit: int, charset: str | None) -> bytes:
    """The first bytes of a value, no character halved."""
    kept = value[:limit]
    if charset in ("utf8mb3", "utf8mb4", "utf8"):
        while kept and value[len(kept)] & 0xC0 == 0x80:
            kept = kept[:-1]
    elif charset in ("ucs2", "utf16", "utf16le"):
        kept = kept[: len(kept) & ~1]
    elif charset == "utf32":
        kept = kept[: len(kept) & ~3]
    return kept


class LobLimit:
    """Cuts the LOB columns of these tables to `limit` bytes.

    It reports each table's first cut, and how many there were.
    """

    def __init__(self, limit: int | None, layouts: Mapping[Key, Layout], status: Status) -> None:
        self.limit, self.status = limit, status
        self.columns: dict[Key, dict[int, Column]] = {}
        if limit is not None:
            for key, layout in layouts.items():
                found = {n: c for n, c in enumerate(layout.columns) if c.type in TYPES}
                if found:
                    self.columns[key] = found
        self.said: set[tuple[Key, str]] = set()

    def loaded(self, layout: Layout) -> dict[int, Column]:
        """The LOB columns of a full load by their place in its SELECT."""
        mine = self.columns.get(layout.key, {})
        return {n: c for n, c in enumerate(layout.loaded) if c in mine.values()}

    def value(self, key: Key, column: Column, value: bytes) -> bytes:
        if self.limit is None or len(value) <= self.limit:
            return value
        self.warn(key, column)
        return cut_text(value, self.limit, column.charset)

    def warn(self, key: Key, column: Column) -> None:
        if (key, column.name) not in self.said:
            self.said.add((key, column.name))
            self.status.say(
                f"[SOURCE_CAPTURE]W: Truncation occurred on column '{column.name}' of table"
                f" '{key[0]}'.'{key[1]}': a LOB is longer than LobMaxSize, {(self.limit or 0) >> 10} KB, and"
                " was cut"
            )

    def cut(self, event: Event, table: TableMap, checksum: int) -> Event:
        """The same rows event with its long LOBs cut, in the images before a change too."""
        columns = self.columns.get(table.key)
        if not columns or self.limit is None or len(event.raw) <= self.limit:
            return event
        where = ev.locate(event, checksum)
        out, changed = [], False
        for start, end in ev.images(event, where, table):
            image = self._image(event.raw[start:end], table, columns, where.columns)
            changed = changed or len(image) != end - start
            out.append(image)
        if not changed:
            return event
        raw = event.raw[: where.first] + b"".join(out) + b"\0" * checksum
        return event._replace(raw=ev.seal(raw, checksum))

    def _image(self, raw: bytes, table: TableMap, columns: dict[int, Column], count: int) -> bytes:
        width = (count + 7) // 8
        nulls, out, at = int.from_bytes(raw[:width], "little"), [raw[:width]], width
        for n, (fixed, prefix) in enumerate(table.sizes):
            if nulls >> n & 1:
                continue
            length = int.from_bytes(raw[at : at + prefix], "little") if prefix else fixed
            value = raw[at + prefix : at + prefix + length]
            column = columns.get(n)
            if column:
                value = self.value(table.key, column, value)
            out += [len(value).to_bytes(prefix, "little") if prefix else b"", value]
            at += prefix + length
        return b"".join(out)
