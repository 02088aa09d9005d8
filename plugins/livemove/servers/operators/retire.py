"""The last things before the data centre is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livemove.model.errors import UnreachableError
from livemove.model.ledger import FinalDump, FinalDumpSkipped
from livemove.model.ports import ControlState, Json
from livemove.model.spec import Side
from livemove.runtime.operator import LivemoveOperator

if TYPE_CHECKING:
    from livemove.runtime.service_context import ServiceContext


class FinalDumpOperator(LivemoveOperator):
    """Keep a last dump of the source's schemas in the bucket.

    A second run makes no second dump while the source has written nothing since the first. After a promotion
    the source may be lost for good: then nothing is dumped, and the reason is kept in the dump's place.
    Returns what the ledger keeps of it (`FinalDump`).
    """

    def execute(self, context: Any) -> Json:
        from livemove.control.adapters.state import read_row_of
        from livemove.schema.adapters.lob_helpers import put_back
        from livemove.servers.adapters.final_dump import archive, kept

        world = self.world(context)
        s3, before = world.aws("s3"), world.ledger.load(FinalDump)
        try:
            with world.database(Side.SOURCE) as source:
                status = source.one("SHOW MASTER STATUS")
                tail = put_back(source)
        except UnreachableError as e:
            return self._without(world, e)
        position = f"{status['file']}:{status['position']}"
        if before and before.position == position and kept(s3, before):
            self.log.info("The dump at %s is of this very state; nothing to do", before.address)
            return before.stored()
        made = archive(
            world.login(Side.SOURCE),
            world.spec.source.schemas,
            s3,
            world.spec.aws.bucket,
            f"{self.service}/final-dump/{self.service}.sql.gz",
            follows=read_row_of(world, Side.SOURCE).state is ControlState.FOLLOW,
            tail=tail,
        )
        dump = FinalDump(**made, position=position, made_at=world.clock.now().isoformat())
        world.ledger.save(dump)
        self.log.info("Kept %s, %d bytes, SHA-256 %s", dump.address, dump.bytes, dump.sha256)
        return dump.stored()

    def _without(self, world: ServiceContext, silent: UnreachableError) -> Json:
        from livemove.control.adapters.state import read_row_of

        row = read_row_of(world, Side.TARGET)
        if not row.promoted:
            raise silent
        why = (
            f"the source does not answer, and {row} was promoted because it was lost for good; nothing of"
            " it is kept"
        )
        dump = FinalDump(skipped=why, made_at=world.clock.now().isoformat())
        world.ledger.save(dump)
        world.ledger.note(FinalDumpSkipped(reason=why))
        self.log.warning("No final dump: %s", why)
        return dump.stored()
