"""One attempt as a process: `python -m lab.switchover_harness.mover FOLDER VERB --result FILE [--at ...]`.

Each --at is POINT[#N]=ACT.

VERB: move (the switchover to the target, then return_path), switchover --to SIDE, return_path, rollback,
prepare_return. The result file says what came out: {"result", "says", "error", "text", "document", "met"}.

POINTs are `step.3.before`, `step.3.after` and each call of a port, as `source.cede.before`,
`target.open.after`, `servers.repoint.before`, `code.wake.after`, `proof.differences.before`,
`replicator.start.after`, `ledger.write.before`; #N means the Nth time that it is met (1 unless told). ACTs
are `kill` (SIGKILL to itself), `stop` (SIGSTOP to itself) and `wait` (until the file `go` lies beside the
result). Before it acts the process writes `<result>.reached`, so that whoever armed it knows that it was met.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from lab.switchover_harness.settings import Settings
from lab.switchover_harness.world import HarnessWorld
from livemove.model.errors import LivemoveError
from livemove.model.ports import Json
from livemove.model.spec import Side
from livemove.replication.adapters.replicator import replicator_of
from livemove.switchover import protocol as switchover
from livemove.switchover import reverse_replication as return_path
from livemove.switchover.adapters.wiring import build_dependencies, prepare_return
from livemove.switchover.guards import refusals
from livemove.switchover.protocol import Switchover
from livemove.switchover.rollback import go_back
from livemove.switchover.steps import Dependencies

VERBS = ("move", "switchover", "return_path", "rollback", "prepare_return")


class FailurePoints:
    """Where this process stops or dies, by the name of the place and how often it was met."""

    def __init__(self, armed: list[str], result: Path) -> None:
        self.armed: dict[tuple[str, int], str] = {}
        for text in armed:
            where, act = text.split("=")
            name, _, count = where.partition("#")
            self.armed[name, int(count or 1)] = act
        self.result, self.met = result, Counter[str]()
        self._lock = threading.Lock()

    def __call__(self, name: str) -> None:
        with self._lock:
            self.met[name] += 1
            act = self.armed.get((name, self.met[name]))
        if act is None:
            return
        reached = self.result.with_suffix(".reached")
        reached.write_text(name)
        if act == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif act == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif act == "wait":
            while not self.result.with_suffix(".go").exists():
                time.sleep(0.005)
        else:
            raise ValueError(f"unknown act {act}")


class Instrumented:
    """A port whose every call is a point before and after it."""

    def __init__(self, port: Any, name: str, points: FailurePoints) -> None:
        self._port, self._name, self._points = port, name, points

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._port, method)
        if not callable(found):
            return found

        def call(*args: Any, **kwargs: Any) -> Any:
            self._points(f"{self._name}.{method}.before")
            answer = found(*args, **kwargs)
            self._points(f"{self._name}.{method}.after")
            return answer

        return call


def instrument(parts: Dependencies, points: FailurePoints) -> Dependencies:
    return replace(
        parts,
        control={side: Instrumented(db, str(side), points) for side, db in parts.control.items()},
        servers=Instrumented(parts.servers, "servers", points),
        code=Instrumented(parts.code, "code", points),
        proof=Instrumented(parts.proof, "proof", points),
        ledger=Instrumented(parts.ledger, "ledger", points),
    )


def instrument_steps(points: FailurePoints) -> None:
    def at(step: switchover.Step) -> Callable[[switchover.Steps], str]:
        def act(acts: switchover.Steps) -> str:
            if isinstance(acts, switchover.DryRunSteps):
                return step.act(acts)
            points(f"step.{step.number}.before")
            seen = step.act(acts)
            points(f"step.{step.number}.after")
            return seen

        return act

    switchover.STEPS = tuple(replace(s, act=at(s)) for s in switchover.STEPS)


def run(folder: Path, verb: str, to: Side, points: FailurePoints) -> Json:
    world = HarnessWorld(Settings.read(folder))
    attempt = f"1-{secrets.token_hex(8)}"
    instrument_steps(points)
    world.ports["replicator"] = Instrumented(replicator_of(world), "replicator", points)
    with build_dependencies(world) as real:
        parts = instrument(real, points)

        def make(side: Side) -> Switchover:
            return Switchover(parts, side, attempt, guards=refusals)

        match verb:
            case "switchover":
                return make(to).run().stored()
            case "return_path":
                followed = return_path.run(parts)
                return followed.stored() if followed else {}
            case "prepare_return":
                return prepare_return(world, parts)
            case "rollback":
                return go_back(parts, make, lambda p: prepare_return(world, p)).document
        record = make(to).run()
        return_path.run(parts)
        return record.stored()


def main(words: list[str]) -> int:
    p = argparse.ArgumentParser(prog="python -m lab.switchover_harness.mover")
    p.add_argument("folder", type=Path)
    p.add_argument("verb", choices=VERBS)
    p.add_argument("--to", type=Side, default=Side.TARGET)
    p.add_argument("--result", type=Path, required=True)
    p.add_argument("--at", action="append", default=[])
    a = p.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    points = FailurePoints(a.at, a.result)
    try:
        document = run(a.folder, a.verb, a.to, points)
        out: Json = {
            "result": document.get("result", "done"),
            "message": document.get("message", ""),
            "error": "",
            "document": document,
        }
    except LivemoveError as e:
        out = {"result": "error", "error": type(e).__name__, "text": str(e)}
    except Exception as e:
        logging.exception("it broke")
        out = {"result": "error", "error": type(e).__name__, "text": repr(e)}
    out["met"] = dict(points.met)
    new = a.result.with_suffix(".new")
    new.write_text(json.dumps(out, default=str))
    os.replace(new, a.result)
    return 0 if not out["error"] else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
