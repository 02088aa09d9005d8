"""`make model`: what must hold holds, and each thing taken out breaks a promise; a table, and 1 when not.

python -m tests.protocol_model            the default set
python -m tests.protocol_model --long     more return paths, more writes: minutes to hours
python -m tests.protocol_model --only DOOR
"""

from __future__ import annotations

import argparse
import sys

from tests.protocol_model.cases import BREAK, HOLD, LONG
from tests.protocol_model.checker import Case, Verdict, check, missing
from tests.protocol_model.drain import QUESTIONS, lost

COLUMNS = "{:<78} {:>10} {:>6} {:>7} {:>7}  {}"


def told(v: Verdict) -> str:
    return COLUMNS.format(v.case.name, v.states, v.depth, f"{v.seconds:.1f}", f"{v.megabytes:.0f}", v.words)


def drains() -> bool:
    """The small model of step 4, in Python."""
    right = True
    for question in QUESTIONS:
        trace = lost(question)
        wrong = (trace is not None) is not question.loses
        right &= not wrong
        said = f"loses a row: {' | '.join(trace)}" if trace else "loses nothing"
        print(f"drain, {question.name}: {'WRONG: ' if wrong else ''}{said}", flush=True)
    return right


def main() -> int:
    options = argparse.ArgumentParser(prog="make model", description=__doc__)
    options.add_argument("--long", action="store_true")
    options.add_argument("--only", default="", help="part of the name of what is checked")
    options.add_argument(
        "--seconds", type=float, default=0, help="for each case; default 300, with --long 3600"
    )
    options.add_argument(
        "--megabytes", type=int, default=0, help="for each case; default 5500, with --long 8000"
    )
    asked = options.parse_args()
    if install := missing():
        print(f"make model: Spin is needed. Next: {install}", file=sys.stderr)
        return 1
    cases: list[Case] = [c for c in (LONG if asked.long else HOLD + BREAK) if asked.only in c.name]
    right = drains() if not asked.only and not asked.long else True
    print(COLUMNS.format("what is checked", "states", "depth", "seconds", "MB", "verdict"))
    for case in cases:
        seconds = asked.seconds or (3600 if asked.long else 300)
        verdict = check(case, seconds=seconds, megabytes=asked.megabytes or (8000 if asked.long else 5500))
        print(told(verdict), flush=True)
        right &= verdict.as_wanted
    print("as wanted" if right else "NOT as wanted: see WRONG above")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
