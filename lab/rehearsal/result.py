"""What a rehearsal found: the contract of rehearsals/<timestamp>/report.json, its verdict and its page.

Every key is always there; null says that the run did not get so far.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.rehearsal.scenario import Scenario
from livemove.reporting.html import Page, Table, shown

Json = dict[str, Any]
MOVED, ROLLED_BACK, FAILED = "moved", "rolled_back", "failed"


@dataclass
class Result:
    """Filled in while the rehearsal goes on."""

    result: str = FAILED
    chapters: list[Json] = field(default_factory=list)
    rows_copied: int | None = None
    tables_compared: int | None = None
    tables_equal: int | None = None
    write_pause_ms: int | None = None
    requests_ok: int | None = None
    requests_failed: int | None = None
    writes_acknowledged: int | None = None
    writes_lost: int | None = None
    writes_duplicated: int | None = None
    owner: str | None = None
    moves: list[Json] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    # beyond the contract
    scenario: str = ""
    started_at: str = ""
    seconds: int | None = None
    phases: list[Json] = field(default_factory=list)
    """[{"name", "seconds"}] of what surrounds the run: lab, Airflow, audit, end."""
    peak_memory_mb: int | None = None
    resolvers_switched: int | None = None
    resolvers_watched: int | None = None
    plan_clean: bool | None = None
    replication_leftovers: list[str] | None = None
    objects: dict[str, int] | None = None
    """Objects of each kind that were at the source at the beginning and are at the owner at the end."""
    objects_missing: list[str] | None = None
    stands: Json | None = None
    """`Evidence.standing` at the end."""
    promotion: Json | None = None
    """`lab.rehearsal.promotion.judge`, where the data centre died."""
    shares: list[Json] | None = None
    """For each share that the record gave the cloud: what of the requests went there (percent)."""
    breach: Json | None = None
    """The breach that restored the record or stopped the shift."""

    def judge(self, wanted: Scenario) -> None:
        """Set `result` to the expected one if every check passes; `errors` names those that do not."""
        stands, promotion = self.stands or {}, self.promotion or {}
        if wanted.may_lose:
            missing = ("writes missing outside of the stated bound", promotion.get("missing_outside"), 0)
        else:
            missing = ("writes lost", self.writes_lost, 0)
        problems = [
            f"{words}: {found}, wanted {right}"
            for words, found, right in (
                ("the owner of the writes", self.owner, wanted.owner),
                missing,
                ("writes duplicated", self.writes_duplicated, 0),
                ("tables equal", self.tables_equal, self.tables_compared),
                *((f"at the end, {name}", stands.get(name), right) for name, right in wanted.stands.items()),
            )
            if found != right
        ]
        if wanted.may_lose and promotion.get("seconds_to_service") is None:
            problems.append("no write was acknowledged by the target after the data centre died")
        if self.writes_acknowledged == 0:
            problems.append("no write was acknowledged, so the audit proves nothing")
        if self.replication_leftovers:
            problems.append(f"left of DMS: {', '.join(self.replication_leftovers)}")
        if self.objects_missing:
            problems.append(f"the owner's database lacks {', '.join(self.objects_missing[:10])}")
        if self.plan_clean is False:
            problems.append("terraform plan after apply still has changes")
        self.errors += problems
        self.result = FAILED if self.errors else wanted.result

    def summary(self) -> str:
        """The last words in the terminal."""
        pauses = ", ".join(f"{m['write_pause_ms']} ms ({m['direction']})" for m in self.moves)
        lines = [
            ("result", self.result.upper() if self.result == FAILED else self.result.replace("_", " ")),
            (
                "users",
                (
                    f"acknowledged writes {_n(self.writes_acknowledged)}, lost {_n(self.writes_lost)},"
                    f" duplicated {_n(self.writes_duplicated)}"
                ),
            ),
            ("", f"requests ok {_n(self.requests_ok)}, failed {_n(self.requests_failed)}"),
            ("write pause", pauses or "the writes were not moved"),
            (
                "data",
                (
                    f"rows copied {_n(self.rows_copied)}, tables equal {_n(self.tables_equal)} of"
                    f" {_n(self.tables_compared)}"
                ),
            ),
            (
                "schema",
                ", ".join(
                    f"{n} {kind}{'' if n == 1 else 'es' if kind == 'index' else 's'}"
                    for kind, n in (self.objects or {}).items()
                )
                or "not looked at",
            ),
            (
                "name",
                f"resolvers seen switching {_n(self.resolvers_switched)} of {_n(self.resolvers_watched)}",
            ),
            *(
                [
                    (
                        "shares",
                        ", ".join(
                            f"{s['percent']} % asked, {s['measured']} % of {s['requests']} requests"
                            for s in self.shares or ()
                        ),
                    )
                ]
                if len(self.shares or ()) > 1
                else []
            ),
            *(
                [("breach", f"{'; '.join(self.breach['reasons'])}; {_restored(self.breach)}")]
                if self.breach
                else []
            ),
            ("owner", str(self.owner or "unknown")),
            (
                "stands",
                ", ".join(
                    f"{k} {', '.join(v) or 'none' if isinstance(v, list) else v}"
                    for k, v in (self.stands or {}).items()
                )
                or "not looked at",
            ),
            *self._emergency(),
            (
                "terraform",
                {
                    None: "not planned again",
                    True: "plan after apply: no changes",
                    False: "plan after apply: changes",
                }[self.plan_clean],
            ),
            (
                "DMS",
                (
                    "not torn down"
                    if self.replication_leftovers is None
                    else (
                        "nothing left"
                        if not self.replication_leftovers
                        else "left: " + ", ".join(self.replication_leftovers)
                    )
                ),
            ),
            ("chapters", ", ".join(f"{c['name']} {c['seconds']} s" for c in self.chapters) or "none"),
            ("around", ", ".join(f"{p['name']} {p['seconds']} s" for p in self.phases) or "nothing"),
            ("machine", f"{_n(self.seconds)} s in all, peak memory {_n(self.peak_memory_mb)} MB"),
        ]
        shown = [f"  {name:<12} {text}" for name, text in lines]
        return "\n".join(shown + [f"  {'error':<12} {e.splitlines()[0]}" for e in self.errors])

    def _emergency(self) -> list[tuple[str, str]]:
        if not (p := self.promotion):
            return []
        seen = (
            f"missing {_n(p['missing'])} acknowledged writes, {_n(p['missing_outside'])} outside of the bound"
        )
        return [
            ("emergency", f"service again {_n(p['seconds_to_service'])} s after the data centre died"),
            ("", f"said to be missing at the most: the last {_n(p['bound_seconds'])} s; {seen}"),
        ]

    def page(self) -> Page:
        numbers = {
            "result": self.result.replace("_", " "),
            "writes acknowledged": self.writes_acknowledged,
            "writes lost": self.writes_lost,
            "writes duplicated": self.writes_duplicated,
            "write pause, ms": self.write_pause_ms,
            "requests ok": self.requests_ok,
            "requests failed": self.requests_failed,
            "rows copied": self.rows_copied,
            "tables equal": (
                None if self.tables_compared is None else f"{self.tables_equal} of {self.tables_compared}"
            ),
            "owner of the writes": self.owner,
            "resolvers seen switching": (
                None
                if self.resolvers_watched is None
                else f"{self.resolvers_switched} of {self.resolvers_watched}"
            ),
            "peak memory, MB": self.peak_memory_mb,
        }
        tables = [
            Table(
                "Chapters",
                ["Chapter", "Seconds"],
                [(c["name"], c["seconds"]) for c in self.chapters],
                "None was reached.",
            ),
            Table(
                "Moves of the writes",
                ["Epoch", "Direction", "Write pause, ms"],
                [(m["epoch"], m["direction"], m["write_pause_ms"]) for m in self.moves],
                "The writes were not moved.",
            ),
            Table("Errors", ["What"], [(e,) for e in self.errors], "None."),
            Table("Around the run", ["Part", "Seconds"], [(p["name"], p["seconds"]) for p in self.phases]),
        ]
        lead = f"{self.scenario}; begun {self.started_at}, {shown(self.seconds)} s in all."
        return Page("Rehearsal of a migration", lead, numbers, tables)


def _restored(breach: Json) -> str:
    ms = breach.get("restored_ms")
    return "the record stood" if ms is None else f"restored after {ms} ms"


def keep(result: Result, folder: Path, *, migration: Page | None = None) -> None:
    """Write report.json and report.html into `folder` and let rehearsals/last point at it."""
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / "report.json", json.dumps(asdict(result), indent=1, ensure_ascii=False) + "\n")
    page = result.page()
    if migration is not None:
        page = Page(page.title, page.lead, page.numbers, [*page.blocks, *migration.blocks], migration.lines)
    _replace(folder / "report.html", page.html())
    link = folder.parent / "last"
    new = folder.parent / f".last.{os.getpid()}"
    new.unlink(missing_ok=True)
    new.symlink_to(folder.name)
    os.replace(new, link)


def _replace(path: Path, text: str) -> None:
    # a reader never sees half a report
    new = path.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


def _n(value: float | None) -> str:
    return "?" if value is None else str(value)
