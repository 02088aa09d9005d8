"""Which tables a task replicates, and under which names: DMS's table mappings, selection and renaming.

Wildcards as DMS documents them: % zero or more characters, _ one, [_] an underscore, [ab] a set, [a-d] a
range.
https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TableMapping.SelectionTransformation.Wildcards.html
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from lab.cloud.dms.replicator.failure import Failed

NEVER = {"mysql", "information_schema", "performance_schema", "sys", "awsdms_control"}
"""Schemas that no rule selects, whatever its wildcard."""


@cache
def pattern(text: str) -> re.Pattern[str]:
    out = []
    for part in re.findall(r"\[[^\]]+\]|.", text, re.DOTALL):
        if len(part) > 1:
            out.append("[" + re.sub(r"([\\^\[])", r"\\\1", part[1:-1]) + "]")
        else:
            out.append({"%": ".*", "_": "."}.get(part, re.escape(part)))
    return re.compile("".join(out), re.DOTALL)


class Selection:
    def __init__(self, mappings: dict[str, Any]) -> None:
        self.renames: dict[str, list[tuple[str, str, str]]] = {"schema": [], "table": []}
        """By rule-target: (schema, table, new name)."""
        self.include: list[tuple[str, str]] = []
        self.exclude: list[tuple[str, str]] = []
        for rule in mappings.get("rules", []):
            kind = rule.get("rule-type")
            if kind == "transformation":
                self._rename(rule)
                continue
            if kind != "selection":
                raise Failed(
                    "The lab's DMS has selection and renaming rules only; the mappings have a rule of type"
                    f" {kind!r}"
                )
            if rule.get("filters"):
                raise Failed(f"The lab's DMS has no row filters; rule {rule.get('rule-id')} has one")
            where = rule["object-locator"]["schema-name"], rule["object-locator"]["table-name"]
            (self.exclude if rule["rule-action"] == "exclude" else self.include).append(where)
        if not self.include:
            raise Failed("No tables were found at task initialization: no rule includes anything")
        self._known: dict[tuple[str, str], bool] = {}

    def __call__(self, schema: str, table: str) -> bool:
        key = (schema, table)
        if key not in self._known:
            self._known[key] = (
                schema not in NEVER and _any(self.include, *key) and not _any(self.exclude, *key)
            )
        return self._known[key]

    def _rename(self, rule: dict[str, Any]) -> None:
        where, kind = rule["object-locator"], rule.get("rule-target")
        if rule.get("rule-action") != "rename" or kind not in self.renames:
            raise Failed(
                "The lab's DMS renames schemas and tables and transforms nothing else; rule"
                f" {rule.get('rule-id')} wants {rule.get('rule-action')} of a {kind}"
            )
        self.renames[kind].append((where["schema-name"], where.get("table-name", "%"), rule["value"]))

    def target(self, key: tuple[str, str]) -> tuple[str, str]:
        """The name of this table on the target."""
        if not any(self.renames.values()):
            return key
        schema, table = key
        for s, _, value in self.renames["schema"]:
            if pattern(s).fullmatch(key[0]):
                schema = value
        for s, t, value in self.renames["table"]:
            if pattern(s).fullmatch(key[0]) and pattern(t).fullmatch(key[1]):
                table = value
        return schema, table

    def touches(self, schema: str) -> bool:
        """Could a table of this schema be selected?"""
        return schema not in NEVER and any(pattern(s).fullmatch(schema) for s, _ in self.include)


def _any(rules: list[tuple[str, str]], schema: str, table: str) -> bool:
    return any(pattern(s).fullmatch(schema) and pattern(t).fullmatch(table) for s, t in rules)
