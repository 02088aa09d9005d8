"""Packets and timeouts: a long value must fit into a packet, and a slow read must not lose its connection.

Timeouts of 300 s and max_statement_time 0 are what DMS's own assessments ask for
(https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.AssessmentReport.MySQL.html). A value may need
twice its length on the wire, where it is escaped or written as hex.
"""

from __future__ import annotations

from livemove.model.ports import Finding
from livemove.model.source_settings import LIMITS
from livemove.model.spec import MigrationSpec
from livemove.preflight.facts import DatabaseFacts
from livemove.preflight.result import error, ok
from livemove.preflight.setting_check import wrong_settings

CHECK = LIMITS


def check(db: DatabaseFacts, spec: MigrationSpec) -> list[Finding]:
    found = wrong_settings(CHECK, db)
    packet, longest = (
        int(db.variable("max_allowed_packet") or 0),
        max((lob.longest or 0 for lob in db.lobs), default=0),
    )
    if packet and packet < 2 * longest:
        found.append(
            error(
                CHECK,
                f"max_allowed_packet is {packet}, and the longest value has {longest} bytes",
                "twice the longest value",
                f"SET GLOBAL max_allowed_packet = {_rounded(2 * longest)}, and write it into the server's"
                " configuration; the target takes the source's value",
                subject="max_allowed_packet",
            )
        )
    return found or [ok(CHECK, f"timeouts of 300 s and more, packets of {packet // 2**20} MB")]


def _rounded(count: int) -> int:
    """The next whole megabyte; the server wants multiples of 1024."""
    return -(-count // 2**20) * 2**20
