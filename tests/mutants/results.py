"""What was judged, kept from run to run, and the table of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.mutants.catalog import ROOT, Mutant
from tests.mutants.judging import Judgement, Result

WANTED = 0.9
"""Kill rate below which the run fails."""
KEPT = ROOT / ".mutants.json"
"""Every judgement as soon as there is one: an interrupted run goes on from it. Not in git."""
PUBLISHED = ROOT / "bench" / "results" / "mutants.json"
"""Written when the whole list has been judged."""


def read(path: Path = KEPT) -> dict[str, Judgement]:
    if not path.exists():
        return {}
    kept = [Judgement(**{**d, "result": Result(d["result"])}) for d in json.loads(path.read_text("utf-8"))]
    return {j.id: j for j in kept}


def write(judgements: Mapping[str, Judgement], path: Path = KEPT) -> None:
    """Whole or not at all: an interruption leaves the file of before."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps([asdict(j) for j in judgements.values()], indent=1), "utf-8")
    new.replace(path)


def still_true(
    kept: Mapping[str, Judgement], mutants: Sequence[Mutant], root: Path = ROOT
) -> dict[str, Judgement]:
    """Those whose entry, broken file and tests are still what was judged; errors are judged again."""
    return {
        m.id: j
        for m in mutants
        if (j := kept.get(m.id)) and j.result is not Result.ERROR and j.fingerprint == m.fingerprint(root)
    }


def rate(judgements: Sequence[Judgement]) -> float:
    killed = sum(j.result is Result.KILLED for j in judgements)
    return killed / len(judgements) if judgements else 0.0


def line(j: Judgement) -> str:
    return f"{j.id:<34} {j.result:<9} {j.seconds:6.1f} s  {j.by}".rstrip()


def summary(judgements: Sequence[Judgement]) -> str:
    count = {r: sum(j.result is r for j in judgements) for r in Result}
    return (
        f"{count[Result.KILLED]} of {len(judgements)} killed ({rate(judgements):.1%}, wanted {WANTED:.0%}),"
        f" {count[Result.SURVIVED]} survived, {count[Result.ERROR]} errors"
    )


def publish(judgements: Sequence[Judgement], path: Path = PUBLISHED) -> None:
    document = {
        # an entry that was judged earlier, and whose sources have not changed, counts with its own day
        "judged_on": min(j.on for j in judgements),
        "mutants": len(judgements),
        "killed": sum(j.result is Result.KILLED for j in judgements),
        "rate": round(rate(judgements), 3),
        "seconds": round(sum(j.seconds for j in judgements)),
        "entries": [{"id": j.id, "result": j.result, "by": j.by, "seconds": j.seconds} for j in judgements],
    }
    path.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
