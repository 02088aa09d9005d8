"""`python -m lab.chaos_dms`: faults of a DMS task during load and CDC. Exit 1 when rows were lost unseen.

--only WORDS   cases whose name holds all of the words     --seed N   of the moments and the writes
--rows N       rows of the largest table                   --list     names, and nothing else
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from lab.chaos_dms.cases import Row, all_cases
from lab.chaos_dms.play import play
from lab.signals import ended_once

HEAD = "| what happened | when | outcome | |\n|---|---|---|---|"


def line(row: Row) -> str:
    cells = (row.case, row.moment, row.outcome, "" if row.good else "**BAD**")
    return "| " + " | ".join(c.replace("|", "/").replace("\n", " ")[:400] for c in cells) + " |"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--list", action="store_true")
    given = parser.parse_args(arguments)
    cases = [c for c in all_cases() if all(w in c.name for w in given.only.split())]
    if given.list:
        print("\n".join(c.name for c in cases))
        return 0
    began, found = time.monotonic(), []
    print(HEAD, flush=True)
    for n, case in enumerate(cases):
        rows = play(case, given.rows, given.seed + n)
        print("\n".join(map(line, rows)), flush=True)
        found += rows
    bad = sum(not r.good for r in found)
    print(f"\n{len(found)} faults in {(time.monotonic() - began) / 60:.1f} minutes, {bad} bad", flush=True)
    return 1 if bad else 0


sys.exit(ended_once(main))
