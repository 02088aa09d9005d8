"""The console's page as one JSON model, made of what the ledger keeps: where we are, who owns the writes, what waits.

Pure: documents and events in, a model out; no clock, so that the same ledger gives the same model and an idle page
costs nothing. What nobody wrote yet is null, and `missing` says what would have written it. It tells and never
decides: who owns the writes stands in the databases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from livemove.history import ownership
from livemove.history.completed_switchovers import closed_since, completed
from livemove.history.ownership import Result, Turn
from livemove.model.ledger import Delays, Loading, Traffic
from livemove.model.ports import Json, TaskState
from livemove.model.spec import MigrationSpec, Side
from livemove.model.window import duration
from livemove.reporting.gates import PROCEED, PROMOTE, ROLL_BACK

CHAPTERS = {
    "preflight": ("Prepare", "checks"),
    "provision": ("Provision", "smoke"),
    "replicate": ("Replicate", "caught_up"),
    "validate": ("Validate", "parity"),
    "switch_dns": ("Switch DNS", "drained"),
    "repoint": ("Move writes", "soak"),
    "retire": ("Retire", "stop_idc"),
    "rollback": ("Roll back", "smoke"),
    "finish": ("Finish", "report"),
}
"""Task group -> its title and the task that ends it."""
PLACES = {Side.SOURCE: "the data centre's database", Side.TARGET: "RDS"}
PROMOTION = "promote"
"""What the emergency's question is called beside the three gates."""
LISTED = 200
"""Decisions, moments and failures that are told at most, the newest ones."""

MOVERS = ("repoint.switchover", "rollback.writes", "promote")
"""Tasks that move the writes."""

Documents = Mapping[str, Json]
Events = Sequence[Json]


@dataclass(frozen=True)
class Ledger:
    """What is known, as the parts of the page read it."""

    spec: MigrationSpec
    documents: Documents
    events: Events

    def get(self, name: str) -> Json | None:
        return self.documents.get(name)

    def under(self, prefix: str) -> dict[str, Json]:
        return {n.removeprefix(prefix): d for n, d in sorted(self.documents.items()) if n.startswith(prefix)}

    def told(self, *names: str) -> list[Json]:
        return [e for e in self.events if e.get("event") in names]

    @property
    def moves(self) -> list[Json]:
        """Moves that went through, oldest first; one that was undone never opened the other side."""
        return completed(self.under("switchover/").values())

    @cached_property
    def turn(self) -> Turn:
        """Who may write since when, as the report tells it too; nobody, or nobody for certain, while a move hangs."""
        return ownership.turns(self.documents, self.events, None)[-1]

    @cached_property
    def hangs(self) -> bool:
        """The newest word about the move to this epoch is that it was committed and not finished."""
        words = [a for a in ownership.attempts(self.documents, self.events) if a.epoch == self.turn.epoch]
        words = [a for a in words if a.result is not Result.REFUSED]
        if not words or words[-1].result is not Result.INCOMPLETE:
            return False
        # an attempt that finds everything done leaves no word but its success
        since = str(words[-1].ended_at or "")
        return not any(s.state == "success" and s.ended > since and s.id in MOVERS for s in self.spans)

    @property
    def promotion(self) -> Json | None:
        """The emergency, from the take-over on; None once the writes have moved on after it."""
        found = self.under("promotion/")
        newest = max(found, key=int, default="")
        return found[newest] if newest and int(newest) >= self.turn.epoch else None

    @property
    def taken_over(self) -> bool:
        """RDS was promoted, and nobody has yet seen it open."""
        if not (found := self.promotion) or found.get("move"):
            return False
        return self.turn.owner != found["owner"] and not self.told("promoted")

    @property
    def certain(self) -> bool:
        return not self.taken_over if self.promotion else self.turn.certain and self.turn.owner is not None

    @property
    def owner(self) -> Side | None:
        """As far as the ledger can tell; whether that is sure stands in `certain`."""
        return Side(self.promotion["owner"]) if self.promotion else self.turn.owner

    @property
    def epoch(self) -> int:
        return int(self.promotion["epoch"]) if self.promotion else self.turn.epoch

    @cached_property
    def spans(self) -> list[Span]:
        """Every attempt of every task that has ended, in the order of their ends."""
        return _spans(self)

    @cached_property
    def dag_of(self) -> dict[str, str]:
        """Run -> its DAG, of runs that have ended a task."""
        return {s.run_id: s.dag_id for s in self.spans}

    @property
    def closed_at(self) -> str | None:
        """Since when the source misses writes by a person's word; None while it follows."""
        return closed_since(self.turn.at or (self.moves[-1]["started_at"] if self.moves else ""), self.events)


def build(
    spec: MigrationSpec, documents: Documents, events: Events, *, dag_id: str = "", run_id: str = ""
) -> Json:
    """The page's model. `dag_id`, `run_id`: whose chapters are told; empty: the newest move's."""
    ledger = Ledger(spec, documents, sorted(events, key=lambda e: str(e.get("time"))))
    model: Json = {name: make(ledger) for name, make in PARTS.items()}
    model["run"], model["chapters"] = story(ledger, dag_id, run_id)
    model["missing"] = missing(model)
    return {
        "service": spec.service,
        "title": spec.title,
        "name": spec.dns.name,
        "rehearsal": spec.rehearsal,
        **model,
    }


# Who owns, and the way back -------------------------------------------------------------------------
ASK_THE_ROWS = "read both control rows (livemove status)"


def owner(ledger: Ledger) -> Json:
    """{"side", "certain", "tone", "headline", "says", ...}; `side` is null while nobody may write or nobody can tell."""
    side, certain = ledger.owner, ledger.certain
    tone, headline, says = _owned(ledger, side) if certain and side else _in_doubt(ledger)
    return {
        "side": side and str(side),
        "certain": certain,
        "promoted": ledger.promotion is not None,
        "place": PLACES[side] if side else None,
        "epoch": ledger.epoch,
        "since": ledger.turn.at if ledger.turn.epoch > 1 or not certain else None,
        "tone": tone,
        "headline": headline,
        "says": says,
    }


def _owned(ledger: Ledger, side: Side) -> tuple[str, str, str]:
    headline = "AWS: RDS owns the writes" if side is Side.TARGET else "The data centre owns the writes"
    if ledger.hangs:
        return "warn", headline, "It is open, and the move is not finished: not every web server is known to write to it. The task's next attempt goes on."  # fmt: skip
    if side is Side.TARGET:
        return "", headline, "Every web server of both sites writes to RDS."
    moved = ledger.turn.epoch > 1 or _name_moved(ledger)
    return "", headline, "Every web server of both sites writes to the data centre." if moved else "Nothing has moved yet."  # fmt: skip


def _in_doubt(ledger: Ledger) -> tuple[str, str, str]:
    if ledger.taken_over:
        return "bad", "RDS is promoted and not open yet", "The emergency is committed and only goes forward: the task's next attempt opens RDS. Before you act on it, " + ASK_THE_ROWS + "."  # fmt: skip
    if ledger.hangs:
        to = "to AWS" if _heads_for(ledger) is Side.TARGET else "back to the data centre"
        return "bad", f"A move {to} is committed and not finished", "Nobody may write until the task's next attempt opens it; it only goes forward. Before you act on it, " + ASK_THE_ROWS + "."  # fmt: skip
    return "bad", f"It is not certain who owns the writes: {ASK_THE_ROWS}", f"{_sentence(ledger.turn.why)}."


def _heads_for(ledger: Ledger) -> Side:
    tries = ownership.attempts(ledger.documents, ledger.events)
    return next(a.to for a in reversed(tries) if a.epoch == ledger.turn.epoch)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


def way_back(ledger: Ledger) -> Json:
    """{"tone": good | warn | bad | none, "headline", "says", "until", "checked_at"}: whether going back loses writes."""
    if ledger.promotion:
        told = "RDS was promoted without the source's word. A return is a new migration, to a source that is rebuilt."
        return _back("bad", "There is no way back", told)
    if not ledger.certain:
        told = "First it must be known who owns the writes, and a move that hangs must be finished or undone."
        return _back("warn", "Nothing is promised about the way back", told)
    if ledger.owner is Side.SOURCE:
        return _back_at_home(ledger)
    if closed := ledger.closed_at:
        return _back(
            "none",
            "The way back is closed",
            "The source does not follow any more; RDS keeps the writes.",
            checked_at=closed,
        )
    seen = ledger.get("way_back")
    if not seen or seen.get("epoch") != ledger.epoch:
        return _back(
            "warn",
            "The way back is being made",
            "The source does not follow yet. A rollback waits until it does.",
        )
    current = seen.get("lag_ms") is not None and seen.get("state") == TaskState.RUNNING
    tone = "bad" if seen.get("losses") else "good" if current else "warn"
    headline = {
        "bad": "A rollback would lose writes",
        "warn": "Rollback loses nothing once the return path has caught up",
        "good": "Rollback loses nothing until you approve Retire",
    }[tone]
    # the rest of the sentence is the headline and the time beside it
    says = str(seen.get("says", "")).split(". ")[0] + "." if tone == "good" else str(seen.get("says", ""))
    return _back(tone, headline, says, until=seen.get("until"), checked_at=seen.get("checked_at"))


def _back_at_home(ledger: Ledger) -> Json:
    if ledger.turn.epoch > 1:
        return _back(
            "good",
            "The writes are back in the data centre",
            "Nothing was lost on the way: the return path had brought every write.",
        )
    if _name_moved(ledger):
        return _back(
            "good",
            "Rollback loses nothing",
            "Only the name has moved. Both sites write to one database, the data centre's.",
        )
    return _back("good", "Rollback loses nothing", "No write and no name has left the data centre.")


def _back(tone: str, headline: str, says: str, **more: Any) -> Json:
    return {"tone": tone, "headline": headline, "says": says, "until": None, "checked_at": None, **more}


def _name_moved(ledger: Ledger) -> bool:
    newest = ledger.told("record_changed", "record_shifted", "record_rolled_back")
    restored = [e for e in ledger.told("breach") if e.get("restored_at")]
    last = max([*newest, *restored], key=lambda e: str(e["time"]), default=None)
    return last is not None and last["event"] in ("record_changed", "record_shifted")


# The question that waits ----------------------------------------------------------------------------
GATES = {
    "switch_dns": ("Switch DNS?", "The name moves; the writes stay where they are."),
    "repoint": ("Move the writes?", "A snapshot, then one fenced switchover to RDS."),
    "retire": ("Retire the data centre?", "After this there is no way back by a click."),
}


def question(ledger: Ledger) -> Json | None:
    """The gate that asks now, with its evidence in short; None when nobody is asked."""
    waiting = [e for e in ledger.told("gate_asked", "promotion_asked") if not _ended_since(ledger, e)]
    if not waiting:
        return None
    last = waiting[-1]
    gate, task_id = _gate(last), str(last.get("task_id"))
    title, means = GATES.get(gate, ("Promote RDS?", "The source is gone; its last writes may be missing."))
    return {
        "gate": gate,
        "title": title,
        "means": means,
        "asked_at": last["time"],
        "dag_id": _dag_that_asks(ledger, last),
        "run_id": last.get("run_id"),
        "task_id": task_id,
        "question": last.get("question"),
        "until": _later(str(last["time"]), _settled(last, "timeout", ledger.spec.gates.timeout)),
        "evidence": [{"label": k, "value": v, "tone": t} for k, v, t in _evidence(ledger, gate, last)],
    }


ENDS_ALL = ("rollback_begun", "promoted")
"""Events after which no question of before waits."""


def _gate(e: Json) -> str:
    return str(e.get("gate") or PROMOTION)


def _dag_that_asks(ledger: Ledger, e: Json) -> str:
    """Of a question or an answer."""
    return f"{PROMOTION if _gate(e) == PROMOTION else 'migrate'}_{ledger.spec.service}"


def _ended_since(ledger: Ledger, asked: Json) -> bool:
    """It was answered, gave up waiting, or its DAG has gone on without it: then Airflow asks nobody any more."""
    at, dag, run = str(asked["time"]), _dag_that_asks(ledger, asked), asked.get("run_id")
    if any(s.began > at and s.dag_id == dag and s.run_id != run for s in ledger.spans):
        return True
    later = (e for e in ledger.events if str(e["time"]) > at)
    return any(_ends(ledger, asked, dag, e) for e in later)


def _ends(ledger: Ledger, asked: Json, dag: str, e: Json) -> bool:
    same_run = e.get("run_id") == asked.get("run_id")
    if e["event"] in ("gate_asked", "gate_answered", "promotion_asked", "promotion_answered"):
        return _dag_that_asks(ledger, e) == dag
    if e["event"] == "task_failed" and same_run and e.get("task_id") == asked.get("task_id"):
        return True
    return e["event"] in ENDS_ALL or (not same_run and ledger.dag_of.get(str(e.get("run_id"))) == dag)


def _evidence(ledger: Ledger, gate: str, asked: Json) -> Iterable[tuple[str, str, str]]:
    if gate == PROMOTION:
        for line in asked.get("says", ()):
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
    if gate == "repoint" and (pause := ledger.get("expected_pause")):
        allowed = _settled(pause, "budget_ms", ledger.spec.switchover.pause_budget * 1000)
        fits = pause["ms"] <= allowed
        budget = f"{allowed:.0f} ms" if allowed % 1000 else duration(allowed / 1000)
        yield "expected write pause", f"{pause['ms']} ms, budget {budget}", "good" if fits else "bad"
    if gate != "switch_dns" and (caches := resolvers(ledger)):
        done = caches["flipped"] == caches["of"]
        yield (
            "name servers with the new answer",
            f"{caches['flipped']} of {caches['of']}",
            "good" if done else "warn",
        )
    if gate != "switch_dns" and (drained := ledger.get("drain")):
        yield (
            "requests at the old site",
            f"{float(drained.get('share') or 0):.1%}",
            "good" if drained.get("done") else "warn",
        )
    if gate == "retire":
        back = way_back(ledger)
        yield "way back", back["headline"], back["tone"]
    if gate == "switch_dns" and (load := ledger.get("full_load")):
        yield "rows copied", f"{load['rows']:,}", ""


# The story ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Span:
    """One attempt of one task; times in ISO, UTC."""

    chapter: str
    task: str
    began: str
    ended: str
    state: str
    dag_id: str
    run_id: str

    @property
    def id(self) -> str:
        return ".".join(filter(None, (self.chapter, self.task)))


def story(ledger: Ledger, dag_id: str = "", run_id: str = "") -> tuple[Json | None, list[Json]]:
    """The run that is told and its chapters: {"name", "title", "state", "seconds", "began", "ended"}.

    `state`: done, now, failed, left, ended, skipped or ahead. Rollbacks and promotions are runs of their own; they belong to the story
    that they end.
    """
    spans = ledger.spans
    begins: dict[str, str] = {}
    for s in spans:
        if s.dag_id.startswith("migrate_"):
            begins[s.run_id] = min(s.began, begins.get(s.run_id, s.began))
    order = sorted(begins, key=lambda r: begins[r])
    told = run_id if run_id in begins else (order[-1] if order else "")
    if not told:
        return None, [_chapter(name, [], "ahead") for name in CHAPTERS]
    later = [begins[r] for r in order if begins[r] > begins[told]]
    end = min(later, default="9")
    mine = [s for s in spans if begins[told] <= s.began < end]
    asked = [e for e in ledger.told("gate_asked") if begins[told] <= str(e["time"]) < end]
    found = {"dag_id": f"migrate_{ledger.spec.service}", "run_id": told, "began": begins[told]}
    return found, _chapters(mine, asked)


def _spans(ledger: Ledger) -> list[Span]:
    out = []
    for task_id, document in ledger.under("ran/").items():
        chapter, _, task = task_id.partition(".")
        for s in document.get("spans", ()):
            out.append(
                Span(chapter, task, str(s["began"]), str(s["ended"]), s["state"], s["dag_id"], s["run_id"])
            )
    return sorted(out, key=lambda s: s.ended)


OVER, ENDED = "over", "ended"
"""Of the chapter told last: its last task is done; or the emergency has ended the story in it."""


def _where(spans: Sequence[Span], asked: Sequence[Json]) -> tuple[str, str]:
    """The chapter of what happened last, and `now`, `failed`, OVER or ENDED.

    An emergency and giving up are no chapters: what they do is told in the chapter in which they interfere.
    """
    last = spans[-1]
    if asked and str(asked[-1]["time"]) > last.ended:
        return str(asked[-1]["task_id"]).partition(".")[0], "now"
    known = next((s.chapter for s in reversed(spans) if s.chapter in CHAPTERS), "")
    if _failed(spans, last):
        return known, "failed"
    if last.dag_id.startswith(f"{PROMOTION}_") and last.chapter == "report":
        return known, ENDED
    return known, OVER if last.chapter == known and CHAPTERS[known][1] == last.task else "now"


def _failed(spans: Sequence[Span], last: Span) -> bool:
    """Of a mapped task one failed instance is enough, whichever of them ended last."""
    of = (last.chapter, last.task.partition("/")[0], last.run_id)
    newest = {s.task: s.state for s in spans if (s.chapter, s.task.partition("/")[0], s.run_id) == of}
    return "failed" in newest.values()


def _chapters(spans: Sequence[Span], asked: Sequence[Json]) -> list[Json]:
    """Of one story. The chapter of whatever happened last is the one that is told now."""
    current, how = _where(spans, asked)
    over = how in (OVER, ENDED)
    names = [n for n in CHAPTERS if n != "rollback" or any(s.chapter == "rollback" for s in spans)]
    back = "rollback" in names and current in ("rollback", "finish")
    at = names.index(current) if current in names else len(names)
    out = []
    for place, name in enumerate(names):
        of = [s for s in spans if s.chapter == name]
        if name == current and not over:
            state = how
        elif name == current and how == ENDED and CHAPTERS[name][1] not in {s.task for s in of}:
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
            and CHAPTERS[name][1] not in {s.task for s in of}
        ):
            state = "left"  # the story turned back in the middle of it
        out.append(_chapter(name, of if state != "ahead" else [], state))
    if how == OVER and at + 1 < len(out):
        # whatever comes next has not ended a task yet; after a move to the end of a rollback that is the finish
        nxt = names[at + 1] if names[at + 1] != "rollback" else "finish"
        out[names.index(nxt)] |= {"state": "now", "began": spans[-1].ended}
    return out


def _chapter(name: str, spans: Sequence[Span], state: str) -> Json:
    return {
        "name": name,
        "title": CHAPTERS[name][0],
        "state": state,
        "seconds": round(_union(spans)) if spans else None,
        "began": min((s.began for s in spans), default=None),
        "ended": max((s.ended for s in spans), default=None),
    }


def _union(spans: Iterable[Span]) -> float:
    """Seconds in which at least one of them was at work."""
    total, until = 0.0, 0.0
    for s in sorted(spans, key=lambda s: s.began):
        began, ended = _seconds(s.began), _seconds(s.ended)
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return total


# Tables ---------------------------------------------------------------------------------------------
def load(ledger: Ledger) -> Json | None:
    """The full load as a whole: {"rows", "percent", "rate", "seconds_left", "seconds", "done", "at", "points"}."""
    done, under_way = ledger.get("full_load"), ledger.get(Loading.NAME)
    if not done and not under_way:
        return None
    now: Json = under_way or {}
    # a load that was begun anew after one that had ended
    again = bool(done and under_way and now.get("percent", 0) < 100)
    over = bool(done) and not again
    return {
        "done": over,
        "rows": (done or {}).get("rows") if over else now.get("rows"),
        "percent": 100 if over else now.get("percent"),
        "rate": None if over else now.get("rate"),
        "seconds_left": None if over else now.get("seconds_left"),
        "seconds": (done or {}).get("seconds") if over else None,
        "at": now.get("at"),
        "points": [[p["t"], p["rows"]] for p in now.get("points", ())],
    }


def tables(ledger: Ledger) -> list[Json]:
    """One line a table: {"name", "rows", "of", "state", "checks": {epoch: comparison}}."""
    lines: dict[str, Json] = {}

    def line(name: str) -> Json:
        return lines.setdefault(name, {"name": name, "rows": None, "of": None, "loaded": None, "check": None})

    for t in (ledger.get(Loading.NAME) or {}).get("tables", ()):
        line(t["table"]).update(rows=t["rows"], of=t["of"], loaded=t["state"])
    if (whole := load(ledger)) and whole["done"]:
        for t in (ledger.get("full_load") or {}).get("tables", ()):
            line(t["table"]).update(rows=t["rows"], loaded="Table completed")
    epoch = _compared_epoch(ledger)
    for name, parts in _going(ledger, epoch).items():
        line(name)["check"] = _under_way(parts)
    for name, found in ledger.under(f"comparison/{epoch}/").items():
        before = line(name)["check"]
        if before is None or before["began_at"] <= str(found.get("checked_at")):
            line(name)["check"] = _compared(found)
    return [lines[name] for name in sorted(lines)]


def _compared_epoch(ledger: Ledger) -> int:
    """The newest epoch with a comparison; the next one only when it has begun."""
    found = {int(n.split("/", 1)[0]) for n in [*ledger.under("comparison/"), *ledger.under("comparing/")]}
    return max(found, default=1)


def _going(ledger: Ledger, epoch: int) -> dict[str, list[Json]]:
    """Table -> what its comparison under way has left, a huge one in parts; none of a table that is through."""
    found: dict[str, list[Json]] = {}
    for name, going in ledger.under(f"comparing/{epoch}/").items():
        whole = int((going.get("share") or {}).get("of", 1)) == 1
        found.setdefault(name if whole else name.rpartition("/")[0], []).append(going)
    return {name: parts for name, parts in found.items() if not all(p.get("done") for p in parts)}


def _under_way(parts: Sequence[Json]) -> Json:
    rows, of = sum(p["rows"][0] for p in parts), sum(p.get("of") or 0 for p in parts)
    rate = sum(p.get("rate") or 0 for p in parts if not p.get("done"))
    return {
        "state": "comparing",
        "rows": rows,
        "of": of or None,
        "rate": rate or None,
        "seconds_left": round(max(0, of - rows) / rate) if rate and of else None,
        "began_at": min(str(p.get("began_at")) for p in parts),
        "at": max(p.get("kept_at") or 0 for p in parts),
    }


def _compared(found: Json) -> Json:
    counts = {k: found[k] for k in ("missing", "extra", "changed") if found.get(k)}
    return {
        "state": "equal" if found.get("equal") else "differs",
        "rows": found.get("rows_source"),
        "rows_target": found.get("rows_target"),
        "seconds": found.get("seconds"),
        "began_at": str(found.get("checked_at")),
        "note": ", ".join(
            filter(None, [*(f"{n} {k}" for k, n in counts.items()), str(found.get("note") or "")])
        ),
    }


def comparison(ledger: Ledger) -> Json | None:
    """{"epoch", "equal", "of", "comparing"}: how many tables are proved equal."""
    epoch = _compared_epoch(ledger)
    found = ledger.under(f"comparison/{epoch}/")
    going = [n for n in _going(ledger, epoch) if n not in found]
    if not found and not going:
        return None
    known = {t["table"] for t in (ledger.get("full_load") or {}).get("tables", ())}
    return {
        "epoch": epoch,
        "equal": sum(bool(d.get("equal")) for d in found.values()),
        "of": len(known | set(found) | set(going)),
        "comparing": going,
    }


# The name and its users -----------------------------------------------------------------------------
def resolvers(ledger: Ledger) -> Json | None:
    """Name servers by what they answer, and when the last honest old answer ends."""
    seen = ledger.get("propagation")
    if not seen:
        return None
    counted = [r for r in seen["rows"] if r.get("heard") or not r.get("advisory")]
    waiting = [r for r in counted if not r.get("flipped_at")]
    ends = [str(r["until"]) for r in waiting if r.get("until")]
    keep = ("server", "authority", "answer", "ttl", "until", "flipped_at", "stretches", "error")
    return {
        "expected": seen.get("expected"),
        "wanted": seen.get("wanted"),
        "flipped": len(counted) - len(waiting),
        "of": len(counted),
        "last_until": max(ends, default=None),
        "rows": [{**{k: r.get(k) for k in keep}, "counts": r in counted} for r in seen["rows"]],
    }


LONG = 30.0
"""Seconds between two looks from which on a line through both would tell what nobody saw."""


def traffic(ledger: Ledger) -> Json | None:
    """Columns for the charts: times, and for each site requests a second, failed ones a second, milliseconds each."""
    points = (ledger.get(Traffic.NAME) or {}).get("points", ())
    if not points:
        return None
    # a point stands at the end of what it covers; where nobody looked for long, its mean holds for all of that time
    drawn = [(t, p) for p in points for t in ([p["t"] - p["s"] + 0.1] if p["s"] > LONG else []) + [p["t"]]]
    sites = {str(s): [_rates(p.get(str(s)), p["s"]) for _, p in drawn] for s in Side}
    columns = {
        site: {k: [r[k] for r in rates] for k in ("rate", "errors", "ms")} for site, rates in sites.items()
    }
    return {"t": [round(t, 1) for t, _ in drawn], **columns}


def _rates(counts: Json | None, seconds: float) -> Json:
    if not counts or not seconds or counts.get("requests") is None:
        return {"rate": None, "errors": None, "ms": None}
    n, errors, spent = counts["requests"], counts.get("errors"), counts.get("seconds")
    return {
        "rate": round(n / seconds, 2),
        "errors": None if errors is None else round(errors / seconds, 3),
        "ms": round(spent / n * 1000, 1) if n and spent is not None else None,
    }


def lag(ledger: Ledger) -> Json | None:
    """{"behind": [[t, seconds]], "delay": [[t, ms]], "limit"}: how far the follower is behind, and a watermark's way.

    A value of None ends a line: nobody looked for a while.
    """
    behind = [
        [p["t"], p["behind"]]
        for p in (ledger.get(Traffic.NAME) or {}).get("points", ())
        if p.get("behind") is not None
    ]
    delay = [[p["t"], p["ms"]] for p in (ledger.get(Delays.NAME) or {}).get("points", ())]
    if not behind and not delay:
        return None
    return {"behind": _broken(behind), "delay": _broken(delay), "limit": ledger.spec.replication.max_lag}


def _broken(points: Sequence[list[Any]]) -> list[list[Any]]:
    out: list[list[Any]] = []
    for p in points:
        if out and p[0] - out[-1][0] > 2 * LONG:
            out.append([out[-1][0] + 0.1, None])
        out.append(p)
    return out


# What happened --------------------------------------------------------------------------------------
def moments(ledger: Ledger) -> list[Json]:
    """What is marked in the charts: {"at", "kind", "says"}, oldest first."""
    out = []
    for e in ledger.events:
        if said := _moment(e):
            out.append({"at": str(e["time"]), "kind": said[0], "says": said[1]})
    return out[-LISTED:]


def _moment(e: Json) -> tuple[str, str] | None:
    match e.get("event"):
        case "ttl_lowered":
            return "name", f"TTL lowered to {e.get('ttl')} s"
        case "record_changed" | "record_shifted":
            shares = [r.get("weight") for r in e.get("after", ()) if r.get("weight") is not None]
            return "name", "name moved" if not shares else "name moved on by a step"
        case "record_rolled_back":
            return "back", "name moved back"
        case "ttl_restored":
            return "name", "old TTL restored"
        case "switchover":
            return _attempted(e)
        case "rollback_begun":
            return "back", "rollback begun"
        case "breach":
            return "bad", "breach"
        case "promoted":
            return "bad", "RDS promoted"
        case "ddl":
            return "bad", "DDL on the owner"
    return None


def _attempted(e: Json) -> tuple[str, str] | None:
    match e.get("result"):
        case Result.REFUSED:
            return None
        case Result.ABORTED:
            return "bad", "switchover undone"
        case Result.INCOMPLETE | Result.UNKNOWN:
            return "bad", "switchover not finished"
    return ("back", "writes moved back") if e.get("to") == Side.SOURCE else ("move", "writes moved")


STEPS = {
    "guards": "guards",
    "arm_servers": "hold",
    "arm": "lease",
    "fence": "fence",
    "drain": "drain",
    "prove": "proof",
    "commit": "commit",
    "claim": "claim",
    "prepare": "prepare",
    "open": "open",
    "repoint": "repoint",
    "release": "release",
}
"""Step of switchover/protocol.py -> its word in the timeline."""


def switchovers(ledger: Ledger) -> list[Json]:
    """Every attempt that the ledger keeps, newest first, its steps with their beginning in milliseconds.

    The clock starts at the lease; what comes before it (guards, arming the servers) has a negative beginning.
    """
    out = []
    for name, d in ledger.under("switchover/").items():
        if not name.isdigit() or not d.get("steps"):
            continue
        before = sum(s["ms"] for s in d["steps"] if s["name"] in BEFORE)
        at, steps = -before, []
        for s in d["steps"]:
            steps.append(
                {
                    "name": s["name"],
                    "word": STEPS.get(s["name"], s["name"]),
                    "ms": s["ms"],
                    "at": at,
                    "seen": s.get("seen"),
                }
            )
            at += s["ms"]
        out.append(
            {
                "epoch": int(d["epoch"]),
                "from": d["from"],
                "to": d["to"],
                "started_at": d["started_at"],
                "ended_at": _ended(d),
                "result": d.get("result") or ("moved" if d.get("fenced_ms") is not None else "unfinished"),
                "reason": d.get("reason"),
                "fenced_ms": d.get("fenced_ms"),
                "ms": max(at, 0),
                "steps": steps,
            }
        )
    return sorted(out, key=lambda m: m["epoch"], reverse=True)


BEFORE = ("guards", "arm_servers")
"""Steps in which nobody waits, but for the last moments of the second, when the servers begin to hold."""


def findings(ledger: Ledger) -> Json | None:
    found = ledger.get("findings")
    if not found:
        return None
    order = {"error": 0, "warning": 1, "ok": 2}
    rows = sorted(found["findings"], key=lambda f: order.get(f["severity"], 3))
    return {"counts": found.get("counts") or {}, "rows": rows}


def decisions(ledger: Ledger) -> list[Json]:
    """Who was asked what, who answered what and what they saw; newest first. One that nobody answered has no `answer`.

    `question` names the ledger's document with the whole text that stood there.
    """
    out: list[Json] = []
    for e in ledger.told(
        "gate_asked", "gate_answered", "promotion_asked", "promotion_answered", "rollback_begun"
    ):
        told, gate = str(e["event"]), str(e.get("gate") or PROMOTION)
        open_one = next(
            (d for d in reversed(out) if d["gate"] == gate and d["asked_at"] and not d["at"]), None
        )
        if told.endswith("_answered") and open_one:
            open_one |= _answer(e)
        elif told == "rollback_begun" and gate in GATES:
            continue  # the answer at that gate said so
        else:
            asked_at = e["time"] if told.endswith("_asked") else None
            title = GATES.get(gate, ("Promote RDS?",))[0]
            line = {
                "gate": gate,
                "title": title,
                "asked_at": asked_at,
                "at": None,
                "answer": None,
                "tone": "",
                "by": None,
            }
            out.append(
                {**line, "question": e.get("question"), "sha256": e.get("sha256"), "run_id": e.get("run_id")}
            )
            if asked_at is None:
                out[-1] |= _answer(e)
    return out[::-1][:LISTED]


def _answer(e: Json) -> Json:
    # the order of a rollback, and an answer of before its option was kept, are what their event says
    told = {"promotion_answered": PROMOTE, "rollback_begun": ROLL_BACK}.get(str(e["event"]))
    option = e.get("option") or told
    tone = {PROCEED: "good", ROLL_BACK: "warn", PROMOTE: "bad"}.get(str(option), "")
    more = {"title": str(e["gate"])} if e["event"] == "rollback_begun" else {}
    return {"at": e["time"], "answer": option, "tone": tone, "by": e.get("by"), **more}


def failures(ledger: Ledger) -> list[Json]:
    """Tasks that failed for good, newest first."""
    rows = [
        {k: e.get(k) for k in ("time", "task_id", "error", "found", "harmless", "run_id")}
        for e in ledger.told("task_failed")
    ]
    return rows[::-1][:LISTED]


def soak(ledger: Ledger) -> Json | None:
    """How much of the soak counts, of the move that owns the writes now; None for one that went back since."""
    seen = ledger.get("soak")
    if not seen or ledger.owner is not Side.TARGET or seen.get("epoch", ledger.epoch) != ledger.epoch:
        return None
    return {**seen, "of": _settled(seen, "of", ledger.spec.soak)}


def _settled(kept: Json, name: str, otherwise: float) -> float:
    """What held in that run: its form may have said another value than the spec."""
    return otherwise if kept.get(name) is None else float(kept[name])


# What is not there ----------------------------------------------------------------------------------
WRITES: Mapping[str, str] = {
    "findings": "The preflight has not looked yet.",
    "load": "The full load has not begun.",
    "comparison": "No table was compared yet; the chapter Validate does it.",
    "lag": "There is no follower yet: the lag is measured once changes are replicated.",
    "traffic": "No requests were counted yet: servers are asked while a task waits, from the full load on.",
    "resolvers": "Name servers are asked once the name has moved.",
    "switchovers": "The writes have not moved.",
    "decisions": "Nobody was asked anything yet.",
}
"""Part of the page -> what it waits for when it is empty."""


def missing(model: Json) -> dict[str, str]:
    return {part: says for part, says in WRITES.items() if not model[part]}


PARTS: Mapping[str, Callable[[Ledger], Any]] = {
    "owner": owner,
    "way_back": way_back,
    "question": question,
    "load": load,
    "tables": tables,
    "comparison": comparison,
    "lag": lag,
    "resolvers": resolvers,
    "traffic": traffic,
    "moments": moments,
    "switchovers": switchovers,
    "findings": findings,
    "decisions": decisions,
    "failures": failures,
    "soak": soak,
}


def _ended(move: Json) -> str:
    return _later(str(move["started_at"]), sum(float(s.get("ms") or 0) for s in move.get("steps", ())) / 1000)


def _later(iso: str, seconds: float) -> str:
    return datetime.fromtimestamp(_seconds(iso) + seconds, datetime.fromisoformat(iso).tzinfo).isoformat()


def _seconds(iso: str) -> float:
    return datetime.fromisoformat(iso).timestamp()


READS = (
    "approvals/", "baseline", "comparing/", "comparison/", "drain", "expected_pause", "findings", "full_load", "promotion/",
    "propagation", "ran/", "return_path/", "soak", "switchover/", "trail/", "way_back",
)  # fmt: skip
"""The documents that the page is made of. Nothing else is read for it: Terraform's outputs, for one, are nobody's to see."""


def reads(name: str) -> bool:
    return name.startswith(READS)
