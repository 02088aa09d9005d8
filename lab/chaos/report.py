"""The matrix as a table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lab.chaos.case import BAD, Result, Verdict

HEAD = (
    "| step | fault | to | afterwards | owner | closed s | lost | doubled | verdict |\n"
    "|---|---|---|---|---|---|---|---|---|\n"
)


def markdown(results: Sequence[Result], planned: int, seconds: float) -> str:
    counts = Counter(r.verdict for r in results)
    lines = [
        "# Kill matrix\n",
        f"{len(results)} of {planned} cases in {seconds / 60:.1f} minutes: "
        + ", ".join(f"{n} {verdict}" for verdict, n in counts.most_common())
        + f". {sum(r.acknowledged for r in results)} acknowledged writes were looked for,"
        f" {sum(r.lost for r in results)} lost, {sum(r.duplicated for r in results)} doubled.\n",
    ]
    if bad := [r for r in results if r.verdict in BAD]:
        lines += ["## Bad\n", HEAD + "".join(map(_row, bad))]
        lines += [f"- **{r.name}**: {'; '.join([*r.notes, r.text])[:1200]}" for r in bad]
    if persons := [r for r in results if r.verdict is Verdict.PERSON]:
        lines += ["\n## A person must decide\n"]
        lines += [f"- **{r.name}** ({', '.join(r.attempts)}): {r.text}" for r in persons]
    by_step = sorted(results, key=lambda r: _number(r.step))
    lines += ["\n## All\n", HEAD + "".join(map(_row, by_step))]
    return "\n".join(lines)


def _number(step: str) -> int:
    return int(step) if step.isdigit() else 99


def _row(r: Result) -> str:
    verdict = f"{r.verdict}{' (closed until a retry)' if r.waited_for_retry else ''}"
    cells = (r.step, r.fault, r.to, r.recovery, r.owner, f"{r.closed:.1f}", r.lost, r.duplicated, verdict)
    return "| " + " | ".join(str(c).replace("|", "/") for c in cells) + " |\n"
