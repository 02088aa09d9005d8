"""Whose rights views and routines have on the target: an account for each definer, with its own rights."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence

from livemove.model.ports import Json
from livemove.model.sql_names import schema_pattern

PREFIX = "definer_of_"
"""Not livemove's prefix: whoever is inside such code is listed under this name, and the fence counts it."""
QUOTED_NAME = r"`(?:[^`]|``)+`"
GRANT = re.compile(
    rf"GRANT (?P<rights>.+?) ON (?P<kind>(?:PROCEDURE|FUNCTION|PACKAGE(?: BODY)?) )?"
    rf"(?P<where>\*|{QUOTED_NAME})\.(?P<what>\*|{QUOTED_NAME}) TO ",
    re.DOTALL,
)
COLUMNS = re.compile(r",\s*(?![^(]*\))")
"""Commas between privileges, not those between the columns of one."""


def stand_in(definer: tuple[str, str]) -> tuple[str, str]:
    """(user, host) of the account that stands in for (user, host); the same in every run."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", definer[0])[:40]
    return f"{PREFIX}{plain}_{zlib.crc32('@'.join(definer).encode()):08x}", "%"


def rights_on(grants: Iterable[str], schemas: Sequence[str], every: Sequence[str]) -> list[str]:
    """SHOW GRANTS of an account -> GRANT ... ON ... of what it may do in these schemas, without a name.

    `every`: the rights on a schema that may be passed on; ALL PRIVILEGES means these, and rights on
    everything become rights on these schemas.
    """
    out = []
    for line in grants:
        found = GRANT.match(line)
        if not found:
            continue
        where, what, kind = found["where"], found["what"], found["kind"] or ""
        named = [s for s in schemas if where == "*" or _fits(where, s, pattern=what == "*")]
        rights = _rights(found["rights"], every, whole=what == "*")
        for schema in named:
            place = f"{schema_pattern(schema)}.*" if what == "*" else f"{where}.{what}"
            out += [f"GRANT {', '.join(rights)} ON {kind}{place}"] if rights else []
    return list(dict.fromkeys(out))


def revokes_on(grants: Iterable[str], schemas: Sequence[str]) -> list[str]:
    """SHOW GRANTS of an account -> REVOKE ... ON ... of all that it has in these schemas, without a name."""
    out = []
    for line in grants:
        found = GRANT.match(line)
        if found and any(
            _fits(found["where"], s, pattern=found["what"] == "*") for s in schemas if found["where"] != "*"
        ):
            out.append(f"REVOKE {found['rights']} ON {found['kind'] or ''}{found['where']}.{found['what']}")
    return out


def _rights(text: str, every: Sequence[str], *, whole: bool) -> list[str]:
    if text in ("ALL PRIVILEGES", "ALL"):
        # on a table or a routine the server takes ALL for what its kind has
        return list(every) if whole else ["ALL PRIVILEGES"]
    given = [right.strip() for right in COLUMNS.split(text)]
    return [right for right in given if right in every] if whole else [r for r in given if r != "USAGE"]


def _fits(where: str, schema: str, *, pattern: bool) -> bool:
    """Whether the schema of a grant, with its wildcards where it is one of a whole schema, is this one."""
    name = where[1:-1].replace("``", "`")
    if not pattern:
        return name == schema
    parts = re.findall(r"\\.|.", name, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    text = "".join(wild.get(p) or re.escape(p[1:] if p[0] == "\\" and len(p) > 1 else p) for p in parts)
    return bool(re.fullmatch(text, schema, re.DOTALL))


def describe_definers(definers: Iterable[Json]) -> list[str]:
    """One line for each definer of the source that another account stands in for on the target."""
    objects: dict[tuple[str, str], list[str]] = {}
    for d in definers:
        objects.setdefault((d["source"], d["target"]), []).append(d["object"])
    return [
        f"definer {source} becomes {target} in {len(names)}:"
        f" {', '.join(names[:8])}{' ...' if len(names) > 8 else ''}"
        for (source, target), names in sorted(objects.items())
        if source != target
    ]
