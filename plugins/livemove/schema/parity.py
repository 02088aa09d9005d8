"""Compare both schemas: twenty categories of the servers' catalogues, by key and field.

A difference is either explained (it will be gone at the switchover, or it cannot hurt a row) or it refuses.
What this cannot see: rows (the comparison's job), privileges on single routines, and whether a text that
reads the same means the same to two server versions. Between MySQL and MariaDB the catalogues spell things
differently and nearly everything is reported.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from livemove.model.errors import SchemaError
from livemove.model.ports import Json
from livemove.schema.definers import stand_in

Rows = Mapping[tuple[Any, ...], Mapping[str, Any]]
Snapshot = Mapping[str, Rows]


@dataclass(frozen=True)
class Category:
    name: str
    key: tuple[str, ...]
    fields: tuple[str, ...]
    """Compared where both servers know the field; versions add columns to their catalogues."""


RECORDED = ("sql_mode", "definer", "character_set_client", "collation_connection")
CATEGORIES = (
    Category(
        "schemata",
        ("schema_name",),
        ("default_character_set_name", "default_collation_name", "schema_comment"),
    ),
    Category(
        "tables",
        ("table_schema", "table_name"),
        ("table_type", "engine", "row_format", "table_collation", "table_comment"),
    ),
    Category("create_table", ("schema", "name"), ("lines",)),
    Category(
        "columns",
        ("table_schema", "table_name", "column_name"),
        (
            "ordinal_position",
            "column_default",
            "is_nullable",
            "column_type",
            "character_set_name",
            "collation_name",
            "extra",
            "generation_expression",
            "is_generated",
            "column_comment",
        ),
    ),
    Category(
        "indexes",
        ("table_schema", "table_name", "index_name", "seq_in_index"),
        ("non_unique", "column_name", "collation", "sub_part", "index_type", "index_comment", "ignored"),
    ),
    Category("constraints", ("constraint_schema", "table_name", "constraint_name"), ("constraint_type",)),
    Category(
        "key_columns",
        ("constraint_schema", "table_name", "constraint_name", "ordinal_position"),
        ("column_name", "referenced_table_schema", "referenced_table_name", "referenced_column_name"),
    ),
    Category(
        "foreign_keys",
        ("constraint_schema", "table_name", "constraint_name"),
        ("unique_constraint_name", "referenced_table_name", "match_option", "update_rule", "delete_rule"),
    ),
    Category("checks", ("constraint_schema", "table_name", "constraint_name"), ("level", "check_clause")),
    Category(
        "partitions",
        ("table_schema", "table_name", "partition_name", "subpartition_name"),
        (
            "partition_ordinal_position",
            "partition_method",
            "partition_expression",
            "partition_description",
            "subpartition_method",
            "subpartition_expression",
        ),
    ),
    Category("sequences", ("schema", "name"), ("text",)),
    Category(
        "views",
        ("table_schema", "table_name"),
        ("view_definition", "check_option", "is_updatable", "security_type", "algorithm", *RECORDED),
    ),
    Category(
        "routines",
        ("routine_schema", "routine_type", "routine_name"),
        (
            "dtd_identifier",
            "routine_definition",
            "is_deterministic",
            "sql_data_access",
            "security_type",
            "routine_comment",
            "database_collation",
            *RECORDED,
        ),
    ),
    Category(
        "parameters",
        ("specific_schema", "routine_type", "specific_name", "ordinal_position"),
        ("parameter_mode", "parameter_name", "dtd_identifier"),
    ),
    Category(
        "triggers",
        ("trigger_schema", "trigger_name"),
        (
            "event_object_table",
            "event_manipulation",
            "action_timing",
            "action_order",
            "action_statement",
            *RECORDED,
        ),
    ),
    Category(
        "events",
        ("event_schema", "event_name"),
        (
            "event_type",
            "execute_at_utc",
            "starts_utc",
            "ends_utc",
            "interval_value",
            "interval_field",
            "event_definition",
            "on_completion",
            "status",
            "time_zone",
            *RECORDED,
        ),
    ),
    Category("auto_increments", ("table_schema", "table_name"), ("auto_increment",)),
    Category("schema_grants", ("grantee", "table_schema", "privilege_type"), ("is_grantable",)),
    Category("table_grants", ("grantee", "table_schema", "table_name", "privilege_type"), ("is_grantable",)),
    Category(
        "column_grants",
        ("grantee", "table_schema", "table_name", "column_name", "privilege_type"),
        ("is_grantable",),
    ),
    Category("variables", ("variable_name",), ("value",)),
)


@dataclass(frozen=True)
class Difference:
    category: str
    subject: str
    kind: str
    """missing (on the target), extra (only there) or differs."""
    source: Mapping[str, Any]
    target: Mapping[str, Any]
    explanation: str = ""

    def __str__(self) -> str:
        seen = f"source {dict(self.source)}, target {dict(self.target)}" if self.kind == "differs" else ""
        return f"{self.category} {self.subject} {self.kind}" + (f": {seen}"[:600] if seen else "")


@dataclass(frozen=True)
class Report:
    differences: tuple[Difference, ...]
    counts: dict[str, int] = field(default_factory=dict)
    """Objects on the source by category."""

    @property
    def unexplained(self) -> list[Difference]:
        return [d for d in self.differences if not d.explanation]

    def lines(self) -> list[str]:
        seen = Counter(d.explanation for d in self.differences if d.explanation)
        return [
            f"compared {sum(self.counts.values())} entries in {len(self.counts)} categories",
            *(f"{n} explained: {why}" for why, n in seen.most_common()),
            *(f"DIFFERENT {d}" for d in self.unexplained),
        ]

    def as_json(self) -> Json:
        return {
            "counts": self.counts,
            "unexplained": [str(d) for d in self.unexplained],
            "explained": [
                {**asdict(d), "source": str(d.source)[:300], "target": str(d.target)[:300]}
                for d in self.differences
                if d.explanation
            ][:500],
        }

    def refuse(self) -> None:
        """SchemaError when anything has no explanation."""
        if self.unexplained:
            listed = "; ".join(str(d) for d in self.unexplained[:20])
            raise SchemaError(
                f"{len(self.unexplained)} differences between the schemas: {listed}",
                wanted="the same definitions on both sides",
                next_step=(
                    "clear carry_tables, carry_indexes, carry_foreign_keys or carry_code; for a table that"
                    " differs, drop it on the target first"
                ),
            )


def keyed(category: Category, rows: Sequence[Mapping[str, Any]]) -> Rows:
    return {tuple(r.get(k) for k in category.key): {f: r[f] for f in category.fields if f in r} for r in rows}


def compare(source: Snapshot, target: Snapshot, *, login: str) -> Report:
    """Differences of all categories; `login` is the account (user@host) that created the target's code."""
    found: list[Difference] = []
    for category in CATEGORIES:
        a, b = source.get(category.name, {}), target.get(category.name, {})
        for key in sorted(a.keys() | b.keys(), key=str):
            difference = _compare(category, key, a.get(key), b.get(key), login)
            if difference:
                found.append(difference)
    found += _awake(target)
    return Report(tuple(found), {c.name: len(source.get(c.name, {})) for c in CATEGORIES})


def _awake(target: Snapshot) -> list[Difference]:
    """Code already active on the target: triggers fire on replicated rows, events would write twice."""
    triggers = [("triggers", k) for k in target.get("triggers", {})]
    events = [("events", k) for k, e in target.get("events", {}).items() if e.get("status") == "ENABLED"]
    return [
        Difference(category, ".".join(map(str, key)), "awake before the switchover", {}, {})
        for category, key in triggers + events
    ]


def _compare(
    category: Category,
    key: tuple[Any, ...],
    a: Mapping[str, Any] | None,
    b: Mapping[str, Any] | None,
    login: str,
) -> Difference | None:
    kind = "missing" if b is None else "extra" if a is None else "differs"
    if a is not None and b is not None:
        fields = [f for f in category.fields if f in a and f in b and f != "status" and a[f] != b[f]]
        if not fields:
            return None
        # towards RDS the creating login stands in for definers that it may not name; else the rest is what
        # counts
        if "definer" in fields and len(fields) > 1 and _stands_in(category.name, a, b, login):
            fields.remove("definer")
        a, b = {f: a[f] for f in fields}, {f: b[f] for f in fields}
    name = ".".join(str(k) for k in key)
    return Difference(
        category.name, name, kind, a or {}, b or {}, explain(category.name, kind, a or {}, b or {}, login)
    )


def _stands_in(category: str, a: Mapping[str, Any], b: Mapping[str, Any], login: str) -> bool:
    """Whether the target's definer is the one that this kind of code gets there for the source's."""
    user, _, host = str(a.get("definer")).rpartition("@")
    ours = login if category in ("triggers", "events") else "@".join(stand_in((user, host)))
    return bool(b.get("definer") == ours)


def explain(category: str, kind: str, a: Mapping[str, Any], b: Mapping[str, Any], login: str) -> str:
    """Why this difference is right, or harmless; empty when it is neither."""
    if set(a) == {"definer"} and _stands_in(category, a, b, login):
        return f"defined by {a['definer']} on the source, on the target by {b['definer']}, its stand-in"
    if category == "triggers" and kind == "missing":
        return "triggers are created at the switchover, so that no row is counted twice before"
    if category == "events" and kind == "missing" and a.get("execute_at_utc") is not None:
        return (
            "a one-time event whose time is over is not created; if it still waits, it is created at the"
            " switchover"
        )
    if (
        category == "events"
        and kind == "extra"
        and b.get("execute_at_utc") is not None
        and b.get("status") != "ENABLED"
    ):
        return "a one-time event that has run on the source since; disabled here, and it will not be enabled"
    if category == "auto_increments":
        return "counters move with the writes and are raised at the switchover"
    if category.endswith("_grants"):
        return "grants of application accounts are judged by the login tests, not here"
    if category == "variables":
        return "a server setting, not part of the schema: compare it with the parameter group"
    if category == "tables" and set(a) | set(b) <= {"row_format"}:
        return "the row format is the server's default; an option that asks for one is in the table's text"
    if category == "routines" and set(a) | set(b) == {"database_collation"}:
        return "recorded at creation, used only for parameters without a character set of their own"
    return ""
