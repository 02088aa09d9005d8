"""The users of a rehearsal: started before the run, asked all the time, audited at the end."""

from __future__ import annotations

import json
from collections import Counter, deque
from datetime import datetime
from typing import Any

import pymysql

from lab import status
from lab.addresses import state_dir
from lab.processes import Registry
from lab.rehearsal.evidence import Evidence
from lab.traffic import service
from lab.traffic.audit import Audit, audit, write_pause_ms
from lab.traffic.record import ACKNOWLEDGED, SECONDS, read_lines
from livemove.model.spec import MigrationSpec

Json = dict[str, Any]
RECENT = 5
"""Seconds over which the split between the sites is shown."""
SETTLING = 3.0
"""Seconds after a switchover's last step in which a gap still belongs to it."""


class Users:
    """The users as one process of the lab, and the record that it writes."""

    def __init__(self, schema: str) -> None:
        self.schema = schema
        self.registry = Registry(state_dir())
        self.folder = service.folder(self.registry)
        self._read = 0
        self._totals: Counter[str] = Counter()
        self._recent: deque[Json] = deque(maxlen=RECENT)

    @classmethod
    def start(cls, spec: MigrationSpec, *, seconds: float = 7200) -> Users:
        """Start sending; `seconds` is when they end by themselves, whatever happens to us."""
        users = cls(spec.application.database)
        name = str(status.settings()["name"])
        service.start(users.registry, service.plan(users.folder, name=name, seconds=seconds))
        return users

    def stop(self) -> None:
        service.stop(self.registry)

    def facts(self) -> Json:
        """What the live picture shows: {"split", "acknowledged", "failed"}."""
        path = self.folder / SECONDS
        if not path.exists():
            return {}
        with path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        self._add(whole)
        split: Counter[str] = Counter()
        for second in self._recent:
            split.update(second["by_site"])
        failed = self._totals["failed"] + self._totals["unknown"]
        return {"split": dict(split), "acknowledged": self._totals["acknowledged"], "failed": failed}

    def _add(self, lines: bytes) -> None:
        for line in lines.splitlines():
            second = json.loads(line)
            self._recent.append(second)
            self._totals.update({k: second[k] for k in ("ok", "failed", "unknown", "acknowledged")})

    def requests(self) -> tuple[int, int]:
        """(answered well, failed or without an answer) so far."""
        seconds = read_lines(self.folder / SECONDS)
        return sum(s["ok"] for s in seconds), sum(s["failed"] + s["unknown"] for s in seconds)

    def audit(self, owner: str, evidence: Evidence) -> Audit:
        """Look for every acknowledged write in the owner's database."""

        def connect() -> pymysql.Connection[Any]:
            return evidence.connect(owner)

        return audit(self.folder, connect, self.schema)

    def first_write(self, database: str, since: float) -> float | None:
        """When the first write after `since` was acknowledged by that database's host; seconds since 1970."""
        lines = read_lines(self.folder / ACKNOWLEDGED)
        there = (line for line in lines if line["database"].partition(":")[0] == database)
        times = [line["t"] for line in there if line["t"] > since]
        return min(times, default=None)

    def pause_ms(self, move: Json) -> int | None:
        """The longest gap between two acknowledged writes that touches this switchover."""
        began = datetime.fromisoformat(str(move["started_at"])).timestamp()
        took = sum(float(s.get("ms") or 0) for s in move.get("steps", [])) / 1000
        return write_pause_ms(self.folder, began, began + took + SETTLING)
