"""Numbers from outside Airflow for the live picture: read often, so each look is cheap and may fail."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

from lab.rehearsal.progress import Facts

INTERVAL = 2.0


class Watcher:
    """Polls its sources in a thread; `now` has the last answers. A source that fails keeps its last one."""

    def __init__(self, *sources: Callable[[], dict[str, object]]) -> None:
        self._sources = sources
        self._facts = Facts()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="facts", daemon=True)

    @property
    def now(self) -> Facts:
        return self._facts

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=10)

    def _watch(self) -> None:
        while not self._over.wait(INTERVAL):
            self.look()

    def look(self) -> None:
        for source in self._sources:
            try:
                self._facts = replace(self._facts, **source())  # type: ignore[arg-type]
            except Exception:
                continue
