"""A server of the harness as livemove reaches it: commands run in its folder, and delivery may fail.

`<host>/delivery.json` says how, and is read at every command, so that it can be changed under a running
mover: {"delay": seconds before it arrives, "lose": pattern, "twice": pattern, "keep": pattern}. A command in
which the pattern is found is lost (its sender hears nothing), done twice, or kept in `<host>/kept` for
whoever delivers it late.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from lab.processes import MARK
from livemove.model.errors import UnreachableError
from livemove.model.ports import CommandResult
from livemove.model.spec import Side

DELIVERY = "delivery.json"
DELIVERED = "delivered.jsonl"
"""Every command that was lost, doubled or kept, so that a case can tell that its fault happened."""


class LocalHost:
    """The Host port: `sh -c` in a folder of its own."""

    def __init__(self, name: str, site: Side, folder: Path) -> None:
        self.name, self.site, self.address, self.folder = name, site, "127.0.0.1", folder

    def run(self, command: str, *, timeout: float = 60, stdin: bytes | None = None) -> CommandResult:
        how = self._delivery()
        if "delay" in how:
            time.sleep(float(how["delay"]))
            self._note("delayed", command)
        if _hit(how, "lose", command):
            self._note("lost", command)
            time.sleep(min(timeout, 3))
            raise UnreachableError(f"{self.name} did not answer in time")
        if _hit(how, "keep", command):
            kept = self.folder / "kept"
            kept.mkdir(exist_ok=True)
            (kept / uuid.uuid4().hex).write_text(command)
            self._note("kept", command)
            time.sleep(min(timeout, 3))
            raise UnreachableError(f"{self.name} did not answer in time")
        if _hit(how, "twice", command):
            self._note("doubled", command)
            self._sh(command, timeout, stdin)
        return self._sh(command, timeout, stdin)

    def deliver_kept(self) -> list[CommandResult]:
        """Deliver the kept commands now, long after their sender gave up."""
        done = []
        for path in sorted((self.folder / "kept").glob("*")):
            done.append(self._sh(path.read_text(), 60, None))
            path.unlink()
        return done

    def put(self, path: str, content: bytes, *, mode: int = 0o644) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(target.name + ".new")
        new.write_bytes(content)
        new.chmod(mode)
        os.replace(new, target)

    def _sh(self, command: str, timeout: float, stdin: bytes | None) -> CommandResult:
        env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}",
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            MARK: str(self.folder.parent),
        }
        p = subprocess.Popen(
            ["sh", "-c", command],
            cwd=self.folder,
            env=env,
            start_new_session=True,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            out, err = p.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(p.pid, signal.SIGKILL)
            p.communicate()
            raise UnreachableError(f"{self.name} did not answer within {timeout:.0f} s") from None
        return CommandResult(p.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def _delivery(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self.folder / DELIVERY).read_text()))
        except (OSError, ValueError):
            return {}

    def _note(self, what: str, command: str) -> None:
        with (self.folder / DELIVERED).open("a") as f:
            f.write(json.dumps({"what": what, "command": command}) + "\n")


def _hit(how: dict[str, Any], key: str, command: str) -> bool:
    return bool(how.get(key)) and re.search(str(how[key]), command) is not None
