"""Ledgers of whole migrations, told moment by moment as the tasks would have noted them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from livemove.model.ports import Json

START = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
SIDES = ("source", "target")


class Ledger:
    """`later` lets time pass; everything that is noted carries the time of that moment."""

    def __init__(self, run_id: str = "night") -> None:
        self.now, self.run_id = START, run_id
        self.documents: dict[str, Json] = {}
        self.events: list[Json] = []

    def later(self, **more: float) -> Ledger:
        self.now += timedelta(**more)
        return self

    def note(self, event: str, task_id: str = "", **facts: Any) -> Ledger:
        self.events.append(
            {**facts, "event": event, "time": self.now.isoformat(), "run_id": self.run_id, "task_id": task_id}
        )
        return self

    def prepared(self) -> Ledger:
        """Chapters 1 to 4."""
        self.documents |= {
            "findings": {
                "findings": [
                    {"severity": "ok", "check": "binlog"},
                    {
                        "severity": "warning",
                        "check": "keys",
                        "subject": "shop.log",
                        "measured": "no primary key",
                    },
                ]
            },
            "plan": {"counts": {"create": 49}},
            "full_load": {
                "rows": 300123,
                "seconds": 12.5,
                "tables": [{"table": "shop.a", "rows": 300000}, {"table": "shop.b", "rows": 123}],
            },
            "versions": {"programs": {"livemove": "0.1.0", "source database": "10.11.6-MariaDB"}},
            "parity": {"counts": {"tables": 2, "views": 1}},
            "schema/definers": {
                "definers": [{"object": "view shop.v", "source": "clerk@%", "target": "definer_of_clerk_1@%"}]
            },
        }
        self.note("terraform_applied", "provision.apply", digest="d", counts={"create": 49})
        self.later(minutes=5).note("control_prepared", "replicate.prepare_control", installed={})
        self.later(minutes=5)
        return self.compared(1)

    def compared(self, epoch: int, *, differs: str = "") -> Ledger:
        for table, rows in (("shop.a", 300000), ("shop.b", 123)):
            self.documents[f"comparison/{epoch}/{table}"] = {
                "equal": table != differs,
                "rows_source": rows,
                "rows_target": rows,
                "checked_at": self.now.isoformat(),
                "differences": [],
                "note": "",
            }
        return self

    def gate(self, gate: str, option: str | None, *, by: str = "kim", waited: float = 60) -> Ledger:
        task = f"{gate}.ask"
        name = f"questions/{gate}/{self.now:%H%M%S}"
        self.documents[name] = {"subject": f"{gate}?", "body": f"**Proceed** at {gate} <b>"}
        self.note("gate_asked", task, gate=gate, sha256="s", saw=["2 of 2 tables equal"], question=name)
        self.later(seconds=waited)
        if option:
            self.note(
                "gate_answered", task, gate=gate, option=option, by=by, at=self.now.isoformat(), sha256="s"
            )
        else:
            self.note(
                "task_failed", task, error="AirflowFailException", found="Nobody answered", harmless=False
            )
        return self.later(seconds=1)

    def name_moves(self) -> Ledger:
        self.documents["dns/change"] = {
            "name": "www.shop.test",
            "before": [{"type": "A", "values": ["192.0.2.1"], "ttl": 5}],
            "after": [{"type": "A", "values": ["198.51.100.1"], "ttl": 5}],
        }
        return self.note("record_changed", "switch_dns.change_record", name="www.shop.test").later(minutes=10)

    def attempt(
        self,
        to: str,
        epoch: int,
        *,
        number: str,
        result: str = "moved",
        reason: str = "",
        fence: float = 0.4,
        lost: bool = False,
    ) -> Ledger:
        """One attempt: guards, a fence of `fence` seconds, its end; a `lost` one has no end."""
        source = next(s for s in SIDES if s != to)
        who = {"epoch": epoch, "from": source, "to": to, "attempt": number}
        self.note("switchover_began", "switchover.switch_over", **who)
        started = self.now
        self.later(seconds=8)
        if lost:
            return self
        times: Json = {"started_at": started.isoformat()}
        if result != "refused":
            times["fenced_at"] = self.now.isoformat()
            self.later(seconds=fence)
            if result == "aborted":
                times["lifted_at"] = self.now.isoformat()
            if result in ("moved", "incomplete"):
                times["committed_at"] = (self.now - timedelta(seconds=fence / 2)).isoformat()
            if result == "moved":
                times["opened_at"] = self.now.isoformat()
        more = {"result": result, **({"reason": reason} if reason else {})}
        if result == "moved":
            steps = [
                {
                    "step": 5,
                    "name": "prove",
                    "ms": 20,
                    "seen": "equal: every row that could have changed of 2 of 2 tables",
                },
                {"step": 1, "name": "arm_servers", "ms": 9, "seen": "armed: 2 of 2 servers"},
            ]
            self.documents[f"switchover/{epoch}"] = {
                **who,
                **times,
                **more,
                "fenced_ms": round(fence * 1000),
                "steps": steps,
            }
            self.documents["way_back"] = {
                "epoch": epoch,
                "message": "A rollback loses nothing",
                "task": "t",
                "state": "running",
                "lag_ms": 9,
                "until": None,
                "checked_at": self.now.isoformat(),
                "losses": [],
            }
        self.note("switchover", "switchover.switch_over", **who, **times, **more)
        return self.later(seconds=2)

    def rolled_back(self, gate: str, by: str = "kim", *, epoch: int, name_moved: bool = True) -> Ledger:
        self.note("rollback_begun", "rollback.begin", gate=gate, by=by, writes="w", name="n")
        if epoch > 1:
            self.attempt("source", epoch, number=f"back-{epoch}")
        self.note("rollback_writes", "rollback.writes", owner="source", epoch=epoch, message="s", although=[])
        if name_moved:
            self.note("record_rolled_back", "rollback.name", name="www.shop.test")
        return self.later(minutes=1)
