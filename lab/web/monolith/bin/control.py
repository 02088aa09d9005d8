"""The client behind `bin/shop`. It runs inside a write pause, so it imports little."""

import json
import os
import socket
import sys
import time

USAGE = "usage: shop reload | probe | hold SECONDS | release | status | stop"


def ask(run: str, message: dict[str, object], limit: float) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(limit)
        folder = os.open(run, os.O_RDONLY)
        try:
            s.connect(f"/proc/self/fd/{folder}/admin.sock")
        finally:
            os.close(folder)
        s.sendall(json.dumps(message).encode() + b"\n")
        with s.makefile() as answers:
            facts: dict[str, object] = json.loads(answers.readline() or '{"error": "no answer"}')
            return facts


def stop(app: str, run: str) -> int:
    """For good: a marker keeps it from being started again; returns when the process is gone."""
    os.makedirs(run, exist_ok=True)
    with open(f"{run}/stopped", "w") as marker:
        marker.write(time.strftime("%Y-%m-%dT%H:%M:%SZ\n", time.gmtime()))
    try:
        pid = int(str(ask(run, {"verb": "stop"}, 5)["stopping"]))
    except OSError:
        print(json.dumps({"stopped": True, "was_running": False}))
        return 0
    until = time.monotonic() + 20
    while _alive(pid) and time.monotonic() < until:
        time.sleep(0.05)
    gone = not _alive(pid)
    print(
        json.dumps({"stopped": gone, "was_running": True} | ({} if gone else {"error": f"{pid} still runs"}))
    )
    return 0 if gone else 1


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def main(app: str, words: list[str]) -> int:
    run = f"{app}/run"
    if words == ["stop"]:
        return stop(app, run)
    message: dict[str, object] = {"verb": words[0] if words else ""}
    if len(words) == 2 and words[0] == "hold":
        try:
            message["seconds"] = float(words[1])
        except ValueError:
            print(USAGE, file=sys.stderr)
            return 2
        if not 0 < float(words[1]) <= 3600:
            print(f"hold {words[1]}: wanted more than 0 and at most 3600 seconds", file=sys.stderr)
            return 2
    elif len(words) != 1 or words[0] not in ("reload", "probe", "release", "status"):
        print(USAGE, file=sys.stderr)
        return 2
    try:
        facts = ask(run, message, 30)
    except OSError as e:
        print(json.dumps({"error": f"the application of {app} does not run ({e.strerror or e})"}))
        return 3
    print(json.dumps(facts))
    return 1 if "error" in facts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
