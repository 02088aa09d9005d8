"""`python -m lab.chaos`: the kill matrix. Exit 1 when a case is bad or proves nothing.

--only WORDS   cases whose name holds all of the words        --list      names, and nothing else
--first N      leave out those before the Nth
--sample N     N cases drawn by --seed                        --minutes M no case begins after that time
--to SIDE      one direction only                             --jobs N    harnesses side by side
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lab.addresses import root
from lab.chaos.case import BAD, Case, Result, Verdict, proxies_for
from lab.chaos.report import markdown
from lab.faults import Fault, all_faults
from lab.faults.proxy import Proxy
from lab.signals import ended_once
from lab.switchover_harness import SwitchoverHarness
from lab.switchover_harness.harness import shared_memory
from livemove.model.spec import Side

Planned = tuple[Fault, str, Side]
TRIES = 3
"""How often a case is repeated whose fault did not happen, because a loaded machine missed the moment."""


def plan() -> list[Planned]:
    """Every case: step x fault x recovery, to the target first, then back."""
    cases = [(f, r, Side.TARGET) for f in all_faults() for r in f.recoveries]
    return cases + [(f, r, Side.SOURCE) for f in all_faults() for r in f.back]


def name_of(case: Planned) -> str:
    return f"{case[0].name} | {case[1]} | to {case[2]}"


def choose(
    cases: Sequence[Planned], *, only: str = "", sample: int = 0, seed: int = 0, to: Side | None = None
) -> list[Planned]:
    words = only.split()
    chosen = [c for c in cases if all(w in name_of(c) for w in words) and to in (None, c[2])]
    if sample and sample < len(chosen):
        quick = [c for c in chosen if c[0].sampled] or chosen
        keep = set(random.Random(seed).sample(range(len(quick)), min(sample, len(quick))))
        chosen = [c for n, c in enumerate(quick) if n in keep]
    return chosen


def play(
    cases: Sequence[Planned],
    *,
    jobs: int = 1,
    minutes: float = 60,
    tell: Callable[[Result], None] = lambda r: None,
    lease: float = 8.0,
) -> list[Result]:
    """Play the cases in order on `jobs` harnesses; the answer lacks those for which no time was left."""
    left, lock = list(cases), threading.Lock()
    results: list[Result] = []
    harnesses: list[SwitchoverHarness] = []
    deadline = time.monotonic() + minutes * 60

    @contextlib.contextmanager
    def standing(number: int) -> Iterator[tuple[SwitchoverHarness, dict[Side, Proxy]]]:
        harness = SwitchoverHarness(shared_memory(), lease=lease, pause_budget=lease / 2, seed=number)
        # before it starts anything: whoever ends us now ends that, too
        harnesses.append(harness)
        with harness:
            proxies = proxies_for(harness)
            try:
                yield harness, proxies
            finally:
                for proxy in proxies.values():
                    proxy.close()

    def work(number: int) -> None:
        tries, case = 0, None
        while time.monotonic() < deadline:
            with standing(number) as (harness, proxies):
                # a case that proved nothing is played again in a harness built anew: this one may be the
                # reason
                while time.monotonic() < deadline:
                    with lock:
                        if case is None and not left:
                            return
                        case = case or left.pop(0)
                    result = Case(harness, *case, proxies).run()
                    tries += 1
                    if result.verdict is Verdict.ERROR and tries < TRIES:
                        break
                    with lock:
                        results.append(result)
                    tell(result)
                    tries, case = 0, None
                    if result.verdict is Verdict.ERROR:
                        break

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(jobs)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        left.clear()
        for harness in list(harnesses):
            harness.close()
        for thread in threads:
            thread.join(20)
        for harness in list(harnesses):
            harness.close()  # what the thread made while it was ending
        raise
    return results


def tell(result: Result) -> None:
    sign = "FAIL" if result.verdict in BAD else "    "
    print(
        f"{sign} {result.verdict:22} {result.closed:6.2f} s closed  {result.seconds:5.1f} s  {result.name} "
        f" [{', '.join(result.attempts)}]",
        flush=True,
    )
    if result.verdict in BAD:
        print("       " + "; ".join([*result.notes, result.text])[:1500], flush=True)


def main(words: list[str]) -> int:
    p = argparse.ArgumentParser(
        prog="python -m lab.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("--only", default="", metavar="WORDS")
    p.add_argument("--sample", type=int, default=0, metavar="N")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--first", type=int, default=1, metavar="N")
    p.add_argument("--minutes", type=float, default=58)
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--to", type=Side)
    p.add_argument(
        "--lease",
        type=float,
        default=8,
        help="seconds; the pause budget is half of it. A loaded machine needs more",
    )
    p.add_argument("--list", action="store_true")
    a = p.parse_args(words)
    cases = choose(plan(), only=a.only, sample=a.sample, seed=a.seed, to=a.to)[a.first - 1 :]
    if a.list:
        print("\n".join(map(name_of, cases)))
        return 0
    began = time.time()
    print(f"{len(cases)} cases of {len(plan())}", flush=True)
    results = play(cases, jobs=a.jobs, minutes=a.minutes, tell=tell, lease=a.lease)
    folder = root() / "rehearsals" / time.strftime("chaos-%Y%m%d-%H%M%S", time.localtime(began))
    write(folder, results, len(cases), time.time() - began, a.seed)
    bad = [r for r in results if r.verdict in BAD]
    print(
        f"{len(results)} of {len(cases)} cases in {(time.time() - began) / 60:.1f} minutes, {len(bad)} bad;"
        f" {folder}/matrix.md"
    )
    return 1 if bad or not results else 0


def write(folder: Path, results: Sequence[Result], planned: int, seconds: float, seed: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        "seed": seed,
        "planned": planned,
        "played": len(results),
        "seconds": round(seconds),
        "cases": [r.json() for r in results],
    }
    (folder / "matrix.json").write_text(json.dumps(document, indent=1))
    (folder / "matrix.md").write_text(markdown(results, planned, seconds))


if __name__ == "__main__":
    sys.exit(ended_once(lambda: main(sys.argv[1:])))
