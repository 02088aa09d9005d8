"""Reads both catalogues for the parity check."""

from __future__ import annotations

from collections.abc import Sequence

from livemove.model.ports import Row
from livemove.model.time_zones import SYSTEM
from livemove.runtime.mariadb import MariaDb, sql
from livemove.runtime.server_zones import read_zones
from livemove.schema import parity
from livemove.schema.adapters.copy_schema import read_tables
from livemove.schema.adapters.lob_helpers import kept_columns
from livemove.schema.lob_helpers import ON_UPDATE

FROM_TEXTS = {"create_table", "sequences"}


def check_parity(
    source: MariaDb, target: MariaDb, schemas: Sequence[str], accounts: Sequence[str]
) -> parity.Report:
    """Compare the definitions of both sides; nothing is raised here, see Report.refuse()."""
    login = str(target.one("SELECT CURRENT_USER() AS u")["u"])
    return parity.compare(
        read_catalogue(source, schemas, accounts), read_catalogue(target, schemas, accounts), login=login
    )


def read_catalogue(db: MariaDb, schemas: Sequence[str], accounts: Sequence[str]) -> parity.Snapshot:
    args = {"schemas": tuple(schemas), "accounts": tuple(accounts)}
    found: dict[str, parity.Rows] = {}
    with db.fresh(schema=None, session={"sql_mode": "", "time_zone": "+00:00"}) as reader:
        for category in parity.CATEGORIES:
            if category.name not in FROM_TEXTS:
                rows = reader.rows(sql(f"schema/parity_{category.name}"), args)
                if category.name == "events":
                    rows = _with_named_zones(reader, rows)
                found[category.name] = parity.keyed(category, rows)
    for r in kept_columns(db):
        if here := found["columns"].get((r["table_schema"], r["table_name"], r["column_name"])):
            clause = ON_UPDATE.search(r["definition"])
            extra = f"{here.get('extra') or ''} {clause.group().strip().lower() if clause else ''}"
            found["columns"] = {
                **found["columns"],
                (r["table_schema"], r["table_name"], r["column_name"]): {**here, "extra": extra.strip()},
            }
    texts = read_tables(db, schemas)
    found["create_table"] = {key: {"lines": t.lines()} for key, t in texts.tables.items()}
    found["sequences"] = {key: {"text": text} for key, text in texts.sequences.items()}
    return found


def _with_named_zones(reader: MariaDb, events: list[Row]) -> list[Row]:
    """SYSTEM by the name of what it means on this server."""
    if not any(e["time_zone"] == SYSTEM for e in events):
        return events
    zone = read_zones(reader).system
    meant = zone.name if zone else SYSTEM
    return [{**e, "time_zone": meant if e["time_zone"] == SYSTEM else e["time_zone"]} for e in events]
