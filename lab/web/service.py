"""`python -m lab.web.service start|stop|restart|status DIRECTORY`: a host's service manager.

Like systemctl on a real server it starts the application as a process of the host, not of whoever asked;
here that means: on file in the lab's registry, so that `down` finds it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lab.processes import LabError, Registry
from lab.web.host import WebHost, read_host, start_service
from lab.web.monolith.settings import SettingsError

VERBS = ("start", "stop", "restart", "status")


def main(words: list[str]) -> int:
    if len(words) != 2 or words[0] not in VERBS:
        print(f"usage: service {'|'.join(VERBS)} DIRECTORY", file=sys.stderr)
        return 2
    try:
        host = read_host(Path(words[1]).absolute())
        return _do(words[0], Registry(host.state), host)
    except (LabError, SettingsError) as e:
        print(e, file=sys.stderr)
        return 1


def _do(verb: str, registry: Registry, host: WebHost) -> int:
    if verb in ("stop", "restart"):
        registry.stop(host.name, grace=20)
        (host.app / "run" / "shop.pid").unlink(missing_ok=True)
    if verb in ("start", "restart"):
        start_service(registry, host)
    process = registry.find(host.name)
    running = bool(process and process.alive())
    print(f"{host.name}: {'running' if running else 'stopped'}")
    return 0 if running or verb == "stop" else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
