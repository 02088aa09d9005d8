"""One table of a service compared in the direction in use, and what came of it kept in the ledger: for DAG and command line alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from livemove.adapters.arrival import by_watermark
from livemove.adapters.comparing import Told, compare_table
from livemove.adapters.control import Control
from livemove.core.comparison import Effort, Verdict
from livemove.core.guards import compared
from livemove.ports import Json, Ledger, Link, Progress

if TYPE_CHECKING:
    from livemove.adapters.world import World


@dataclass(frozen=True)
class Kept:
    """The Keep port: one document of the ledger."""

    ledger: Ledger
    name: str

    def read(self) -> Json | None:
        return self.ledger.read(self.name)

    def write(self, document: Json) -> None:
        self.ledger.write(self.name, document)


def compare_in_use(
    world: World, link: Link, name: str, *, progress: Progress, effort: Effort, quick: bool = False
) -> Verdict:
    """Compare "schema.table" between the owner and its follower; the verdict is in the ledger as `comparison/<epoch>/<table>`.

    `checked_at` there is the moment before the first row was read, not the last: what came later is not proved.
    """
    schema, _, table = name.partition(".")
    with world.database(link.reads) as owner, world.database(link.writes) as follower:
        ours, theirs = Control(owner), Control(follower)
        try:
            told = Told(
                world.clock,
                progress,
                effort,
                by_watermark(ours, theirs, link.reads, world.clock),
                Kept(world.ledger, f"comparing/{link.epoch}/{name}"),
                quick,
            )
            verdict = compare_table(owner, follower, schema, table, told)
        finally:
            for control in (ours, theirs):
                control.close_connection()
    began = verdict.began_at or world.clock.now().isoformat(timespec="seconds")
    result = {**verdict.as_json(), "epoch": link.epoch, "owner": str(link.reads), "checked_at": began}
    world.ledger.write(compared(link.epoch, name), result)
    return verdict
