"""One case on a testbed of its own, judged."""

from __future__ import annotations

import subprocess

from lab.chaos_dms.cases import Bad, Case, Row
from lab.chaos_dms.testbed import Testbed


def play(case: Case, rows: int, seed: int) -> list[Row]:
    try:
        with Testbed(rows, seed, room=case.room) as testbed:
            try:
                return case.run(testbed)
            except (Bad, TimeoutError) as e:
                return [Row(case.name, "", str(e), good=False)]
    except subprocess.CalledProcessError as e:
        return [
            Row(
                case.name,
                "",
                f"not played: no file system of limited size here ({e.stderr.decode().strip()})",
            )
        ]
