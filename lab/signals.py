"""How a command that has started servers is ended: once, and then to the end.

A second signal is common: an impatient Ctrl-C, or `timeout`, which sends its own to the command and then to
the command's group. It must not hit what the first one has begun to close.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import Any

INTERRUPTED = 130


def ended_once(main: Callable[[], int | None]) -> int:
    """Exit code of `main`, INTERRUPTED when a signal ended it."""
    with Signals(lambda text: print(text, file=sys.stderr, flush=True)):
        try:
            return main() or 0
        except KeyboardInterrupt:
            return INTERRUPTED


class Signals:
    """INT and TERM end a command once; while everything is being ended they only say so."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._ending = say, False
        self._old: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        self._old = {s: signal.signal(s, self._interrupt) for s in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def ending(self) -> None:
        self._ending = True

    def _interrupt(self, *_: object) -> None:
        if self._ending:
            self._say("ending everything; a moment")
            return
        # from here on, so that a second Ctrl-C cannot hit the handling of the first
        self._ending = True
        raise KeyboardInterrupt
