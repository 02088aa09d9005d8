"""How the lab changes moto at run time: wrapped methods, hooks that never raise, work in the background."""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

Hook = Callable[..., Any]


def wrap(owner: type, name: str) -> Callable[[Hook], Hook]:
    """`@wrap(Class, "method") def f(original, self, ...)`; AttributeError when a moto upgrade removed it."""
    original = getattr(owner, name)

    def decorate(hook: Hook) -> Hook:
        @functools.wraps(original)
        def replacement(*args: Any, **kwargs: Any) -> Any:
            return hook(original, *args, **kwargs)

        setattr(owner, name, replacement)
        return hook

    return decorate


def quietly(hook: Hook) -> Hook:
    """A hook whose errors go to the log only."""

    @functools.wraps(hook)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        try:
            return hook(*args, **kwargs)
        except Exception:
            log.exception("the hook %s failed", hook.__name__)
            return None

    return guarded


def background(hook: Hook, *args: Any) -> threading.Thread:
    """Run it beside the request; its errors go to the log."""
    thread = threading.Thread(target=quietly(hook), args=args, name=hook.__name__, daemon=True)
    thread.start()
    return thread
