"""What the console weighs and how soon it shows something: `python -m bench.console [--loads N]`.

The routes serve a recorded migration (tests/ui/ledger_fixtures.py) to the system's Chromium, each load in a
fresh profile without any cache. Bytes are those of all bodies before compression. First paint is the
browser's own first-contentful-paint, from the beginning of the navigation; `owner` is when the first
sentence of the ledger stands there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Response

from livemove.ui import routes
from tests.ui.browser import chromium, find
from tests.ui.server import StillView, application, serve

RESULTS = Path(__file__).parent / "results"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
LIMIT_BYTES, LIMIT_MS = 300_000, 1000


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loads", type=int, default=9)
    parser.add_argument(
        "--moment", default="back", help="of the recorded migration (default: its end, when most is shown)"
    )
    args = parser.parse_args(argv)
    view = StillView(args.moment)
    # for whoever may read: no login of Airflow stands before this page
    vars(routes).update(
        _view=lambda spec: view, requires_access_dag=lambda *a, **k: lambda request, user: None
    )
    with serve(application()) as url, chromium(find()) as browser:
        loads = [load(browser, f"{url}/livemove/console") for _ in range(args.loads)]
        version = browser.version
    found = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[0], 1),
        "chromium": version,
        "moment": args.moment,
        "bytes": loads[-1]["bytes"],
        "bytes_of": loads[-1]["files"],
        "first_paint_ms": spread([x["paint"] for x in loads]),
        "owner_ms": spread([x["owner"] for x in loads]),
        "limits": {"bytes": LIMIT_BYTES, "first_paint_ms": LIMIT_MS},
    }
    (RESULTS / "console.json").write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    return 0 if found["bytes"] < LIMIT_BYTES else 1


def load(browser: Browser, address: str) -> dict[str, Any]:
    """One load without a cache: {"paint", "owner"} in ms, {"bytes", "files"}."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    answers: list[Response] = []
    page.on("response", lambda r: answers.append(r))
    page.goto(address)
    page.wait_for_selector("#owner-says")
    owner = page.evaluate("performance.now()")
    page.wait_for_selector("#lag canvas")
    files = {a.url.split("/livemove/")[-1].split("?")[0]: len(a.body()) for a in answers if a.ok}
    found = {"paint": page.evaluate(PAINT), "owner": owner, "bytes": sum(files.values()), "files": files}
    context.close()
    return found


def spread(values: list[float]) -> dict[str, int]:
    return {
        "median": round(statistics.median(values)),
        "least": round(min(values)),
        "most": round(max(values)),
    }


if __name__ == "__main__":
    sys.exit(main())
