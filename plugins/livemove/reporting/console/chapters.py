"""The run that is shown, and how far each of its chapters is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from livemove.history.task_runs import TaskRun
from livemove.model.ledger import GateAsked
from livemove.model.ports import Json
from livemove.model.stages import PROMOTION, STAGES
from livemove.reporting.console.ledger import Ledger, seconds_of


def story(ledger: Ledger, dag_id: str = "", run_id: str = "") -> tuple[Json | None, list[Json]]:
    """The run that is told and its chapters: {"name", "title", "state", "seconds", "began", "ended"}.

    `state`: done, now, failed, left, ended, skipped or ahead. Rollbacks and promotions are runs of their own;
    they belong to the story that they end.
    """
    spans = ledger.history.task_runs
    begins: dict[str, str] = {}
    for s in spans:
        if s.dag_id.startswith("migrate_"):
            begins[s.run_id] = min(s.began, begins.get(s.run_id, s.began))
    order = sorted(begins, key=lambda r: begins[r])
    text = run_id if run_id in begins else (order[-1] if order else "")
    if not text:
        return None, [_chapter(name, [], "ahead") for name in STAGES]
    later = [begins[r] for r in order if begins[r] > begins[text]]
    end = min(later, default="9")
    mine = [s for s in spans if begins[text] <= s.began < end]
    asked = [e for e in ledger.all_of(GateAsked) if begins[text] <= e.time < end]
    found = {"dag_id": f"migrate_{ledger.spec.service}", "run_id": text, "began": begins[text]}
    return found, _chapters(mine, asked)


OVER, ENDED = "over", "ended"
"""Of the chapter told last: its last task is done; or the emergency has ended the story in it."""


def _where(spans: Sequence[TaskRun], asked: Sequence[GateAsked]) -> tuple[str, str]:
    """The chapter of what happened last, and `now`, `failed`, OVER or ENDED.

    An emergency and giving up are no chapters: what they do is told in the chapter in which they interfere.
    """
    last = spans[-1]
    if asked and asked[-1].time > last.ended:
        return asked[-1].task_id.partition(".")[0], "now"
    known = next((s.chapter for s in reversed(spans) if s.chapter in STAGES), "")
    if _failed(spans, last):
        return known, "failed"
    if last.dag_id.startswith(f"{PROMOTION.gate}_") and last.chapter == "report":
        return known, ENDED
    return known, OVER if last.chapter == known and STAGES[known].last_task == last.task else "now"


def _failed(spans: Sequence[TaskRun], last: TaskRun) -> bool:
    """Of a mapped task one failed instance is enough, whichever of them ended last."""
    of = (last.chapter, last.task.partition("/")[0], last.run_id)
    newest = {s.task: s.state for s in spans if (s.chapter, s.task.partition("/")[0], s.run_id) == of}
    return "failed" in newest.values()


def _chapters(spans: Sequence[TaskRun], asked: Sequence[GateAsked]) -> list[Json]:
    """Of one story. The chapter of whatever happened last is the one that is told now."""
    current, how = _where(spans, asked)
    over = how in (OVER, ENDED)
    names = [n for n in STAGES if n != "rollback" or any(s.chapter == "rollback" for s in spans)]
    back = "rollback" in names and current in ("rollback", "finish")
    at = names.index(current) if current in names else len(names)
    out = []
    for place, name in enumerate(names):
        of = [s for s in spans if s.chapter == name]
        if name == current and not over:
            state = how
        elif name == current and how == ENDED and STAGES[name].last_task not in {s.task for s in of}:
            state = ENDED
        elif place <= at:
            state = "done" if any(s.state == "success" for s in of) else "skipped"
        else:
            state = "ahead"
        if (
            back
            and place < at
            and name != "rollback"
            and state == "done"
            and STAGES[name].last_task not in {s.task for s in of}
        ):
            state = "left"  # the story turned back in the middle of it
        out.append(_chapter(name, of if state != "ahead" else [], state))
    if how == OVER and at + 1 < len(out):
        # whatever comes next has not ended a task yet; after a move to the end of a rollback that is the
        # finish
        nxt = names[at + 1] if names[at + 1] != "rollback" else "finish"
        out[names.index(nxt)] |= {"state": "now", "began": spans[-1].ended}
    return out


def _chapter(name: str, spans: Sequence[TaskRun], state: str) -> Json:
    return {
        "name": name,
        "title": STAGES[name].title,
        "state": state,
        "seconds": round(_union(spans)) if spans else None,
        "began": min((s.began for s in spans), default=None),
        "ended": max((s.ended for s in spans), default=None),
    }


def _union(spans: Iterable[TaskRun]) -> float:
    """Seconds in which at least one of them was at work."""
    total, until = 0.0, 0.0
    for s in sorted(spans, key=lambda s: s.began):
        began, ended = seconds_of(s.began), seconds_of(s.ended)
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return total
