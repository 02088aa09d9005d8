"""`make mutants`: breaks one promise at a time in a copy of the tree and runs the tests that should notice.

python -m tests.mutants               all of mutants.yaml that was not judged yet, as it is now
python -m tests.mutants --only guard- those whose id or file has the word
python -m tests.mutants --again       judged before or not

First the tests run on the unbroken copy: a test that is red there would kill everything. Prints entry,
result, seconds and the test that noticed, then the kill rate. Ends with 1 when fewer than 90 % were killed
or an entry is wrong.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutants import results
from tests.mutants.catalog import Mutant, load
from tests.mutants.judging import Judgement, Result, copied_tree, judge, run_tests


def main() -> int:
    options = argparse.ArgumentParser(
        prog="make mutants", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--only", default="", help="a word of the id or of the file")
    options.add_argument("--again", action="store_true", help="judge anew what was judged before")
    asked = options.parse_args()
    mutants = load()
    chosen = [m for m in mutants if asked.only in m.id or asked.only in m.file]
    kept = results.still_true(results.read(), mutants)
    left = [m for m in chosen if asked.again or m.id not in kept]
    if left and (red := _judge_all(left, kept)):
        print(f"the tests fail without any mutant:\n{red}")
        return 1
    judged = [kept[m.id] for m in chosen if m.id in kept]
    print(*map(results.line, judged), results.summary(judged), sep="\n")
    if len(judged) == len(mutants) and not any(j.result is Result.ERROR for j in judged):
        results.publish(judged)
    good = results.rate(judged) >= results.WANTED and not any(j.result is Result.ERROR for j in judged)
    return 0 if good else 1


def _judge_all(left: Sequence[Mutant], kept: dict[str, Judgement]) -> str:
    """Adds each judgement to `kept` and to disk; returns what pytest says if the unbroken tests fail."""
    with copied_tree() as tree:
        if red := _red_without_mutant(tree, left):
            return red
        for number, mutant in enumerate(left, 1):
            kept[mutant.id] = judge(tree, mutant)
            results.write(kept)
            print(f"{number}/{len(left)} {results.line(kept[mutant.id])}", flush=True)
    print()
    return ""


def _red_without_mutant(tree: Path, mutants: Sequence[Mutant]) -> str:
    tests = list(dict.fromkeys(t for m in mutants for t in m.tests))
    print(f"{len(tests)} tests and test files on the unbroken copy ...", flush=True)
    code, output = run_tests(tree, tests, limit=None)
    return "" if code == 0 else output[-3000:]


def _stop(*_: object) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    sys.exit(main())
