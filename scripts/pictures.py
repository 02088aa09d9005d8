"""Takes the pictures in docs/images anew, from rehearsals of the code as it stands: `make pictures`.

    python scripts/pictures.py moved   a rehearsal that moves: questions, dual running, the move, grid, graph
    python scripts/pictures.py back    one that is rolled back after the move: console and report

Look at them before you commit them. The browser tests' own onlooker takes those of the console while the
rehearsal plays.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Page

from lab.addresses import root, state_dir
from lab.rehearsal.airflow import default_port
from tests.ui.browser import chromium, find
from tests.ui.console_observer import Onlooker

IMAGES = root() / "docs" / "images"
SHOTS = {
    "moved": {
        "question-light-1280": "console-question",
        "question-light-390": "console-phone",
        "dual-light-1280": "console-dual",
        "dual-dark-1280": "console-dual-dark",
        "moving-light-1280": "console-moving",
        "soaked-light-1280": "console-moved",
        "tab-question": "console-tab",
        "gate": "gate",
        "grid": "grid",
        "graph": "graph",
    },
    "back": {"back-done-light-1280": "console-back", "report": "report"},
}
"""Kind of rehearsal -> picture as it is taken -> name in docs/images."""
WORDS: dict[str, Sequence[str]] = {"moved": ("--patience", "30"), "back": ("--rollback", "clear")}


def main(kinds: Sequence[str]) -> int:
    missing = [f"{kind}: {name}" for kind in kinds for name in taken(kind)]
    for line in missing:
        print(f"no picture of {line}; the old one stays", file=sys.stderr)
    return 1 if missing else 0


def taken(kind: str) -> list[str]:
    """Plays one rehearsal; returns what nobody came to see."""
    with tempfile.TemporaryDirectory(prefix="livemove-pictures-") as folder:
        shots, reports = Path(folder) / "shots", Path(folder) / "reports"
        onlooker = Onlooker(state_dir(), default_port(), find(), shots)
        onlooker.start()
        rehearse = [sys.executable, "-m", "lab.rehearsal"]
        try:
            subprocess.run([*rehearse, "run", "--keep", *WORDS[kind], "--reports", reports], check=True)
            onlooker.stop()
            with chromium(find()) as browser:
                page = onlooker.log_in(browser.new_context())
                airflows_own(page, onlooker.url, shots)
                page.set_viewport_size({"width": 1120, "height": 1285})
                page.goto(report(shots).as_uri())
                page.screenshot(path=shots / "report.png")
        finally:
            onlooker.stop()
            subprocess.run([*rehearse, "down"], check=True)
        if onlooker.error:
            print(onlooker.error, file=sys.stderr)
        found = {s: name for s, name in SHOTS[kind].items() if (shots / f"{s}.png").exists()}
        for shot, name in found.items():
            shutil.copy(shots / f"{shot}.png", IMAGES / f"{name}.png")
        return [name for shot, name in SHOTS[kind].items() if shot not in found]


def report(folder: Path) -> Path:
    """The migration's own; the rehearsal's begins with what only the lab knows."""
    spec, logins = root() / "include" / "migrations" / "shop.yaml", state_dir() / "airflow.env"
    arguments = ["report", "--spec", spec, "--env-file", logins, "--into", folder]
    subprocess.run([sys.executable, "-m", "livemove.cli", *arguments], check=True)
    return folder / "report.html"


def airflows_own(page: Page, url: str, shots: Path) -> None:
    """Grid and graph of the newest run."""
    run = page.request.get(f"{url}/api/v2/dags/migrate_shop/dagRuns").json()["dag_runs"][0]["dag_run_id"]
    for name, size, view in (
        ("grid", {"width": 1280, "height": 1560}, "Show Grid (Press g)"),
        ("graph", {"width": 1700, "height": 700}, "Show Graph (Press g)"),
    ):
        page.set_viewport_size(size)  # type: ignore[arg-type]  # a TypedDict of the same two words
        page.goto(f"{url}/dags/migrate_shop/runs/{run}")
        page.get_by_role("button", name=view).click()
        # Airflow remembers it from one to the next
        opened = "Expand" if name == "grid" else "Collapse"
        page.get_by_role("button", name=f"{opened} all task groups").first.click()
        page.wait_for_timeout(4000)
        page.screenshot(path=shots / f"{name}.png")


if __name__ == "__main__":
    os.chdir(root())
    asked = sys.argv[1:] or list(SHOTS)
    if unknown := set(asked) - set(SHOTS):
        sys.exit(f"{', '.join(sorted(unknown))}: wanted {' or '.join(SHOTS)}")
    sys.exit(main(asked))
