"""The script of the plan check is text: nobody but this looks at its names."""

from __future__ import annotations

import ast
import builtins
from importlib import import_module

from lab.rehearsal.plan_check import SCRIPT


def test_every_name_of_the_script_is_bound_and_every_import_resolves() -> None:
    tree = ast.parse(SCRIPT)
    bound = set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.module
            for alias in node.names:
                assert hasattr(import_module(node.module), alias.name), f"{node.module}.{alias.name}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound |= {alias.asname or alias.name for alias in node.names}
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    used = {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    assert used <= bound, used - bound
