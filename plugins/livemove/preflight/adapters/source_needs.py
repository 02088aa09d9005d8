"""Reads the source and Terraform's outputs for `livemove prepare-source`; leaves out what does not answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pymysql

from livemove.model.errors import LivemoveError
from livemove.model.ledger import Outputs
from livemove.model.spec import Side
from livemove.preflight.adapters.facts_reader import read_database
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.prepare_source import Part, parts

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext

log = logging.getLogger(__name__)


def needs(world: ServiceContext, *, look: bool) -> tuple[list[Part], str]:
    """The DBA's texts, and how they came about. `look`: whether the source and the ledger are asked."""
    if not look:
        return parts(world.spec, None), "everything that a source needs, from the spec alone"
    db, account, why = _source(world)
    return parts(world.spec, db, account=account, firewall_told=_firewall(world)), why


def _source(world: ServiceContext) -> tuple[DatabaseFacts | None, str, str]:
    spec = world.spec.source
    try:
        with world.database(Side.SOURCE, timeout=5) as db:
            user, _, host = str(db.one("SELECT CURRENT_USER() AS who")["who"]).rpartition("@")
            facts = read_database(
                db, spec.schemas, spec.accounts, sample_seconds=0, lob_seconds=0, zero_seconds=0
            )
            return facts, f"'{user}'@'{host}'", f"only what is missing on {spec.address}, as it is now"
    except LivemoveError as e:
        return None, "", f"from the spec alone, because the source could not be asked: {e.found}"
    except pymysql.err.MySQLError as e:
        return None, "", f"from the spec alone, because the source's catalogue could not be read: {e.args}"


def _firewall(world: ServiceContext) -> str:
    try:
        outputs = world.ledger.load(Outputs)
        return outputs.idc_firewall if outputs else ""
    except Exception as e:
        # no AWS, no ledger: the spec's own list is printed
        log.info("no ledger: %s", e)
        return ""
