"""Run Spin on switchover.pml: compile one configuration in its own folder, search, read the verdict."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

MODEL = Path(__file__).with_name("switchover.pml")
PROMISES = {1: "I1 one writer", 2: "I2 exactly once", 3: "I3 never stuck", 4: "I4 done means done"}
BITSTATE = 30
"""Bits of the hash table of an incomplete search: 2**30 bits are 128 MB."""


@dataclass(frozen=True)
class Case:
    """What runs beside the first attempt, how much of everything, and what the protocol goes `without`."""

    beside: str
    """retry or rollback."""
    returns: int = 0
    """return_path tasks beside the attempts; the last attempt has one of its own in any case."""
    writes: int = 1
    event_writes: int = 0
    without: str = ""
    breaks: tuple[int, ...] = ()
    """Promises of which one must break; none: all must hold."""
    bitstate: bool = False
    """Not exhaustive: a hash that forgets. Says only that nothing was found."""

    @property
    def name(self) -> str:
        size = (
            f"{self.beside}, {self.writes} writes, {self.event_writes} of events, {self.returns} return paths"
        )
        return f"{self.without or 'all of it'} ({size})"

    @property
    def defines(self) -> list[str]:
        side = {"retry": "TARGET", "rollback": "SOURCE"}[self.beside]
        found = [
            f"-DBESIDE={side}",
            f"-DRETURN_PATHS={self.returns}",
            f"-DUSER_WRITES={self.writes}",
            f"-DEVENT_WRITES={self.event_writes}",
        ]
        return [*found, f"-DWITHOUT_{self.without}"] if self.without else found


@dataclass(frozen=True)
class Verdict:
    case: Case
    states: int
    depth: int
    seconds: float
    megabytes: float
    exhausted: bool
    broken: int | None
    """The promise that broke."""

    @property
    def as_wanted(self) -> bool:
        if self.case.breaks:
            return self.broken in self.case.breaks
        return self.broken is None and (self.exhausted or self.case.bitstate)

    @property
    def words(self) -> str:
        if self.broken is not None:
            said = f"breaks {PROMISES.get(self.broken, 'the model itself')}"
        elif self.case.bitstate:
            said = "nothing found; not exhaustive"
        else:
            said = "holds" if self.exhausted else "NOT EXHAUSTED, nothing found so far"
        return said if self.as_wanted else f"WRONG: {said}"


def missing() -> str | None:
    """What has to be installed, as a command; None when all is there."""
    packages = [p for p in ("spin", "gcc") if shutil.which(p) is None]
    return f"sudo apt-get install --no-install-recommends {' '.join(packages)}" if packages else None


def check(case: Case, *, megabytes: int = 5500, seconds: float = 600) -> Verdict:
    """Search the whole state space of this case, within so much memory and time."""
    with tempfile.TemporaryDirectory(prefix="livemove-model-") as folder:
        _run(["spin", "-a", *case.defines, str(MODEL)], folder)
        store = ["-DBITSTATE"] if case.bitstate else ["-DCOLLAPSE", f"-DMEMLIM={megabytes}"]
        _run(["gcc", "-O2", "-w", "-DSAFETY", "-DVECTORSZ=1024", *store, "-o", "pan", "pan.c"], folder)
        began = time.monotonic()
        # -E: tasks that never come are no deadlock; what must hold at rest is asserted
        words = ["nice", "-n", "15", "./pan", "-E", "-m200000", *([f"-w{BITSTATE}"] if case.bitstate else [])]
        with subprocess.Popen(
            words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as pan:
            try:
                out, late = pan.communicate(timeout=seconds)[0], False
            except subprocess.TimeoutExpired:
                pan.send_signal(signal.SIGINT)  # pan then writes what it has reached
                out, late = pan.communicate()[0], True
        return _verdict(case, out, late, time.monotonic() - began)


def _run(words: list[str], folder: str) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} failed: {done.stdout}{done.stderr}")


def _verdict(case: Case, out: str, late: bool, seconds: float) -> Verdict:
    def number(pattern: str) -> float:
        found = re.findall(pattern, out)
        return float(found[-1]) if found else 0.0

    broken = re.search(r"assertion violated .*broken!=(\d)", out)
    errors = int(number(r"errors: (\d+)"))
    cut = (
        late or "Search not completed" in out or "out of memory" in out or "max search depth too small" in out
    )
    return Verdict(
        case,
        int(number(r"([\d.e+]+) states, stored")),
        int(number(r"depth reached (\d+)")),
        seconds,
        number(r"([\d.]+)\s+total actual memory"),
        not cut and not errors and "errors:" in out,
        int(broken[1]) if broken else (0 if errors else None),
    )
