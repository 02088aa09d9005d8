"""An import contract of our own for `make imports`: pure logic stays pure.

A module of a room is pure unless it is an operator, a sensor or an adapter. Pure modules do no I/O: they
import neither Airflow, nor an SDK, nor a socket, nor a module that does.
"""

from __future__ import annotations

import grimp
from importlinter.application import output
from importlinter.domain import fields
from importlinter.domain.contract import Contract, ContractCheck

ADAPTERS = {"adapters", "operators", "sensors"}
"""Parts of a room that may do I/O."""


class PureContract(Contract):
    """The contract of pure modules.

    `package`: its rooms are checked; `adapters`: rooms of adapters only; `pure`: modules in those that are
    pure; `forbidden`: outside packages that no pure module imports.
    """

    type_name = "pure"
    package = fields.StringField()
    adapters = fields.SetField(subfield=fields.StringField())
    pure = fields.SetField(subfield=fields.StringField(), required=False)
    forbidden = fields.SetField(subfield=fields.StringField())

    def check(self, graph: grimp.ImportGraph, verbose: bool) -> ContractCheck:
        found = [
            (module, wanted)
            for module in sorted(graph.modules)
            if self._is_pure(module)
            for wanted in sorted(graph.find_modules_directly_imported_by(module))
            if self._is_forbidden(wanted)
        ]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for module, wanted in check.metadata["found"]:
            output.print_error(f"{module} is pure logic and imports {wanted}")

    def _is_pure(self, module: str) -> bool:
        package, _, rest = module.partition(".")
        if package != self.package or not rest:
            return False
        return module in (self.pure or ()) or not self._does_io(module)

    def _does_io(self, module: str) -> bool:
        room, *inner = module.split(".")[1:]
        return room in self.adapters or bool(ADAPTERS & set(inner))  # type: ignore[operator]

    def _is_forbidden(self, wanted: str) -> bool:
        package = wanted.partition(".")[0]
        if package == self.package:
            return wanted not in (self.pure or ()) and wanted != package and self._does_io(wanted)
        return package in self.forbidden  # type: ignore[operator]
