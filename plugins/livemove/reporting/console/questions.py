"""The question that waits, and every answer before it."""

from __future__ import annotations

from collections.abc import Iterable

from livemove.history import Question
from livemove.model.approvals import PROCEED, PROMOTE, ROLL_BACK
from livemove.model.formatting import duration, percent
from livemove.model.ledger import Drain, ExpectedPause, FullLoad
from livemove.model.ports import Json
from livemove.model.stages import GIVE_UP_STAGE, PROMOTION, QUESTIONS
from livemove.reporting.console.findings import findings
from livemove.reporting.console.ledger import LISTED, Ledger, later
from livemove.reporting.console.owner_card import way_back
from livemove.reporting.console.resolvers import resolvers
from livemove.reporting.console.tables import comparison


def question(ledger: Ledger) -> Json | None:
    """The gate that asks now, with its evidence in short; None when nobody is asked."""
    waiting = ledger.history.open_questions
    if not waiting:
        return None
    last = waiting[-1]
    asked = QUESTIONS.get(last.gate, PROMOTION)
    timeout = ledger.spec.gates.timeout if last.timeout is None else last.timeout
    return {
        "gate": last.gate,
        "title": asked.title,
        "means": asked.consequence,
        "asked_at": last.asked_at,
        "dag_id": f"{last.dag}_{ledger.spec.service}",
        "run_id": last.run_id,
        "task_id": str(last.task_id),
        "question": last.document,
        "until": later(str(last.asked_at), timeout),
        "evidence": [{"label": k, "value": v, "tone": t} for k, v, t in _evidence(ledger, last)],
    }


def _evidence(ledger: Ledger, asked: Question) -> Iterable[tuple[str, str, str]]:
    gate = asked.gate
    if gate == PROMOTION.gate:
        for line in asked.shown:
            yield "may be missing", str(line), "warn"
        return
    compared = comparison(ledger)
    if compared:
        good = compared["equal"] == compared["of"]
        yield "tables equal", f"{compared['equal']} of {compared['of']}", "good" if good else "bad"
    found = findings(ledger)
    if found and gate != "retire":
        counts = found["counts"]
        tone = "bad" if counts.get("error") else "warn" if counts.get("warning") else "good"
        yield "findings", f"{counts.get('error', 0)} errors, {counts.get('warning', 0)} warnings", tone
    if gate == "switchover" and (pause := ledger.load(ExpectedPause)):
        # the run's form may have said another budget than the spec
        spec = ledger.spec.switchover.pause_budget * 1000
        allowed = spec if pause.budget_ms is None else float(pause.budget_ms)
        fits = pause.ms <= allowed
        budget = f"{allowed:.0f} ms" if allowed % 1000 else duration(allowed / 1000)
        yield "expected write pause", f"{pause.ms} ms, budget {budget}", "good" if fits else "bad"
    if gate != "switch_dns" and (caches := resolvers(ledger)):
        done = caches["flipped"] == caches["of"]
        yield (
            "name servers with the new answer",
            f"{caches['flipped']} of {caches['of']}",
            "good" if done else "warn",
        )
    if gate != "switch_dns" and (drained := ledger.load(Drain)):
        yield (
            "requests at the old site",
            percent(drained.share or 0),
            "good" if drained.done else "warn",
        )
    if gate == "retire":
        back = way_back(ledger)
        yield "rollback", back["headline"], back["tone"]
    if gate == "switch_dns" and (load := ledger.load(FullLoad)):
        yield "rows copied", f"{load.rows:,}", ""


def decisions(ledger: Ledger) -> list[Json]:
    """Questions, newest first: who was asked, who answered and what they saw. `answer` may be missing.

    `question` names the ledger's document with the whole text that stood there.
    """
    return [_decision(q) for q in reversed(ledger.history.questions)][:LISTED]


def _decision(q: Question) -> Json:
    titles = {gate: q.title for gate, q in QUESTIONS.items()} | {
        PROMOTION.gate: PROMOTION.title,
        GIVE_UP_STAGE.id: GIVE_UP_STAGE.title,
    }
    option = q.answer.option if q.answer else None
    return {
        "gate": q.gate,
        "title": titles.get(q.gate, q.gate),
        "asked_at": q.asked_at,
        "at": q.answer.at if q.answer else None,
        "ended_at": q.ended_at,
        "answer": option,
        "tone": {PROCEED: "good", ROLL_BACK: "warn", PROMOTE: "bad"}.get(str(option), ""),
        "by": q.answer.by if q.answer else None,
        "question": q.document,
        "sha256": q.sha256,
        "run_id": q.run_id,
    }
