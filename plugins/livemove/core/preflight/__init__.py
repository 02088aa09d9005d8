"""Everything that is checked before anything changes: one check a file, facts in, findings out.

Checks of the world take `Facts`, checks of the source database take `DatabaseFacts` and the spec.
"""

from __future__ import annotations

from livemove.core.preflight import (
    accounts,
    binlog,
    cascades,
    connections,
    definers,
    durability,
    endpoint,
    engines,
    features,
    foreign_keys,
    foreign_schemas,
    keys,
    lobs,
    name,
    passwords,
    privileges,
    reach,
    retention,
    scheduler,
    schemas,
    server_settings,
    site_state,
    size,
    terraform,
    transactions,
    version,
    views,
)
from livemove.core.preflight.facts import Facts
from livemove.errors import RefusedError
from livemove.ports import Finding, Severity

OF_THE_WORLD = (connections, endpoint, terraform, site_state, name, reach, lobs)
OF_THE_DATABASE = (version, schemas, binlog, retention, privileges, accounts, passwords, durability, scheduler, keys, engines, features, foreign_keys, foreign_schemas, views, cascades, definers, transactions, size, server_settings)  # fmt: skip


def findings(facts: Facts) -> list[Finding]:
    """The findings of all checks, errors first; checks of the database only where it could be read."""
    found = [f for module in OF_THE_WORLD for f in module.check(facts)]
    if facts.database is not None:
        found += [f for module in OF_THE_DATABASE for f in module.check(facts.database, facts.spec)]
    order = [Severity.ERROR, Severity.WARNING, Severity.OK]
    return sorted(found, key=lambda f: order.index(f.severity))


def table_of(found: list[Finding]) -> list[str]:
    """One line a finding, for the log."""
    lines = []
    for f in found:
        limit = f" (limit: {f.limit})" if f.limit and f.severity is not Severity.OK else ""
        remedy = f" -> {f.remedy}" if f.remedy else ""
        lines.append(f"{f.severity.upper():<8} {f.check:<20} {f.measured}{limit}{remedy}")
    return lines


def counts(found: list[Finding]) -> dict[str, int]:
    return {str(s): sum(f.severity is s for f in found) for s in Severity}


def refuse(found: list[Finding]) -> None:
    """RefusedError that names every error with its remedy; nothing was changed."""
    errors = [f for f in found if f.severity is Severity.ERROR]
    if errors:
        listed = "; ".join(f"[{f.check}] {f.measured}, wanted {f.limit}: {f.remedy}" for f in errors)
        raise RefusedError(
            f"{len(errors)} of {len(found)} findings forbid the move: {listed}",
            next_step="mend them and clear this task",
        )
