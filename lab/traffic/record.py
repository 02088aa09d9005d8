"""What users saw, recorded as it happens: each acknowledged write at once, the rest once a second."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

SECONDS, ACKNOWLEDGED, UNKNOWN, FAILURES = (
    "seconds.jsonl",
    "acknowledged.jsonl",
    "unknown.jsonl",
    "failures.jsonl",
)


class Result(StrEnum):
    OK = "ok"
    FAILED = "failed"
    """Answered with an error, or never sent: nothing was written."""
    UNKNOWN = "unknown"
    """A write without a clear answer: it happened once or not at all."""


@dataclass(frozen=True)
class Outcome:
    """One request's end. `key` is a write's idempotency key, empty for a read."""

    result: Result
    kind: str
    latency: float
    """Seconds."""
    key: str = ""
    site: str = ""
    host: str = ""
    database: str = ""
    resolver: str = ""
    reason: str = ""

    @property
    def acknowledged(self) -> bool:
        return bool(self.key) and self.result is Result.OK


class Recorder:
    """Times are seconds since 1970 of a clock that never jumps while we run."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # unbuffered: what was acknowledged is on file before anything else happens
        self._files = {
            n: (folder / n).open("ab", buffering=0) for n in (SECONDS, ACKNOWLEDGED, UNKNOWN, FAILURES)
        }
        self._offset = time.time() - time.monotonic()
        self._last_write: float | None = None
        self._largest_gap = 0.0
        self._second: list[Outcome] = []

    def now(self) -> float:
        return self._offset + time.monotonic()

    def add(self, outcome: Outcome) -> None:
        at = self.now()
        self._second.append(outcome)
        if outcome.acknowledged:
            if self._last_write is not None:
                self._largest_gap = max(self._largest_gap, at - self._last_write)
            self._last_write = at
            self._line(ACKNOWLEDGED, self._write(outcome, at))
        elif outcome.result is Result.UNKNOWN:
            self._line(UNKNOWN, self._write(outcome, at) | {"reason": outcome.reason})
        elif outcome.result is Result.FAILED:
            self._line(FAILURES, {"t": at, **asdict(outcome)})

    def second(self, in_flight: int) -> None:
        """Write down and forget the second that has passed."""
        done, self._second = self._second, []
        latencies = sorted(o.latency for o in done)
        counts = Counter(o.result for o in done)
        open_gap = self.now() - self._last_write if self._last_write is not None else 0.0
        self._line(
            SECONDS,
            {
                "t": round(self.now(), 3),
                **{str(r): counts[r] for r in Result},
                "acknowledged": sum(o.acknowledged for o in done),
                "by_site": _count(o.site for o in done),
                "by_host": _count(o.host for o in done),
                "by_database": _count(o.database for o in done),
                "p50_ms": _percentile(latencies, 0.50),
                "p95_ms": _percentile(latencies, 0.95),
                "largest_gap_ms": round(max(self._largest_gap, open_gap) * 1000),
                "in_flight": in_flight,
            },
        )

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def _write(self, o: Outcome, at: float) -> dict[str, Any]:
        return {
            "key": o.key,
            "kind": o.kind,
            "t": round(at, 6),
            "site": o.site,
            "host": o.host,
            "database": o.database,
            "latency_ms": round(o.latency * 1000, 1),
        }

    def _line(self, name: str, content: dict[str, Any]) -> None:
        os.write(self._files[name].fileno(), json.dumps(content, ensure_ascii=False).encode() + b"\n")


def _count(names: Any) -> dict[str, int]:
    return dict(Counter(n for n in names if n))


def _percentile(values: list[float], share: float) -> float | None:
    return round(values[min(len(values) - 1, int(len(values) * share))] * 1000, 1) if values else None


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The lines of such a file; a last line that is being written right now is left out."""
    if not path.exists():
        return []
    text = path.read_bytes()
    return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]
