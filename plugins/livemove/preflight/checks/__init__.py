"""The checks of the preflight: one a file, facts in, findings out.

Promises: all are asked; errors stand first. In a sound world every check gives at least one finding that is
OK, so that the table shows what was looked at.
Enter at: `findings` (all checks), `table_of` (for the log), `refuse` (the errors as one RefusedError).
To add one: a module with `CHECK` (its name) and `check`, its import here and its place in a tuple.
`OF_THE_WORLD`: `check` gets `Facts`. `OF_THE_DATABASE`: it gets `DatabaseFacts` and the spec. The first line
of its docstring becomes user documentation (docs/reference.md). Cases: tests/preflight/one_thing_wrong.yaml.
A variable of my.cnf needs no check of its own: it is one line in `SETTINGS` of model/source_settings.py.
Never: asks a server or a clock (`preflight/adapters` measure), changes anything.
"""

from __future__ import annotations

from livemove.model.errors import RefusedError
from livemove.model.ports import Finding, Severity
from livemove.preflight.checks import (
    accounts,
    assessment,
    binlog,
    cascades,
    clock,
    collations,
    connections,
    definers,
    distance,
    durability,
    endpoint,
    engines,
    features,
    foreign_keys,
    foreign_schemas,
    keys,
    limits,
    lobs,
    name,
    passwords,
    privileges,
    reach,
    retention,
    scheduler,
    schemas,
    server_settings,
    sessions,
    site_state,
    size,
    sizing,
    stored_code,
    target,
    terraform,
    time_zones,
    tls,
    transactions,
    types,
    version,
    views,
    vpn,
    zero_dates,
)
from livemove.preflight.facts import Facts

OF_THE_WORLD = (
    connections,
    endpoint,
    terraform,
    site_state,
    name,
    vpn,
    reach,
    privileges,
    lobs,
    cascades,
    collations,
    distance,
    target,
    assessment,
)
OF_THE_DATABASE = (
    version,
    schemas,
    binlog,
    sessions,
    retention,
    accounts,
    durability,
    scheduler,
    stored_code,
    limits,
    keys,
    engines,
    features,
    types,
    zero_dates,
    foreign_keys,
    foreign_schemas,
    views,
    passwords,
    definers,
    transactions,
    sizing,
    size,
    server_settings,
    time_zones,
    clock,
    tls,
)


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
        restart = " [restart of the source]" if f.restart else ""
        remedy = f" -> {f.remedy}{restart}" if f.remedy else ""
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
            next_step="fix them and clear this task",
        )
