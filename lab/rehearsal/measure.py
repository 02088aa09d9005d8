"""Peak memory of a rehearsal: all processes of the lab and of Airflow together, sampled."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path


class Memory:
    """Samples in a thread of its own between `with` and its end; `peak` is in MB.

    Pages that processes share are counted once (PSS), because Airflow's forked workers share most of theirs.
    """

    def __init__(self, pids: Callable[[], Iterable[int]], interval: float = 5.0) -> None:
        self._pids, self._interval = pids, interval
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory", daemon=True)
        self.peak = 0

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(timeout=self._interval + 5)

    def _sample(self) -> None:
        while not self._over.wait(self._interval):
            self.look()

    def look(self) -> None:
        kilobytes = sum(_pss(pid) for pid in {*self._pids(), os.getpid()})
        self.peak = max(self.peak, kilobytes // 1024)


def _pss(pid: int) -> int:
    """Proportional set size in kB; 0 when the process is gone or somebody else's."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
