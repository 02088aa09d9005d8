"""The last things before the data centre is left."""

from __future__ import annotations

from typing import Any

from livemove.operators.base import LivemoveOperator
from livemove.ports import Json
from livemove.spec import Side


class FinalDumpOperator(LivemoveOperator):
    """Keep a last dump of the source's schemas in the bucket.

    A second run makes no second dump while the source has written nothing since the first.
    Returns the ledger's document "final_dump": {"address", "bytes", "sha256", "position", "made_at"}.
    """

    def execute(self, context: Any) -> Json:
        from livemove.adapters.dump_archive import archive, kept

        world = self.world(context)
        s3, before = world.aws("s3"), world.ledger.read("final_dump")
        with world.database(Side.SOURCE) as source:
            status = source.one("SHOW MASTER STATUS")
        position = f"{status['file']}:{status['position']}"
        if before and before["position"] == position and kept(s3, before):
            self.log.info("The dump at %s is of this very state; nothing to do", before["address"])
            return before
        made = archive(
            world.login(Side.SOURCE), world.spec.source.schemas, s3,
            world.spec.aws.bucket, f"{self.service}/final-dump/{self.service}.sql.gz",
        )  # fmt: skip
        document = {**made, "position": position, "made_at": world.clock.now().isoformat()}
        world.ledger.write("final_dump", document)
        self.log.info("Kept %(address)s, %(bytes)d bytes, SHA-256 %(sha256)s", document)
        return document
