"""Watches the console during a rehearsal, on one page that is loaded once, and keeps what it showed.

It runs in a thread of its own beside the rehearsal's process, finds Airflow by the lab's state folder, logs
in at its form and then only watches. What it saw is judged afterwards, so that it never holds the rehearsal
up.
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page
from playwright.sync_api import Error as BrowserError

from tests.ui.browser import chromium, grave

EVERY = 0.5
"""Seconds between two glances."""
CLICK_WITHIN = 60_000
"""Milliseconds until a tab and the page behind it must be there."""
ANYTHING = re.compile(r"\w")
OPENS_WITHIN = 600.0
"""Seconds until Airflow must answer; the lab is made first."""
DOORS = (
    "findings",
    "console",
    "console/files/console.js",
    "console/services",
    "console/data/shop",
    "console/question/shop?name=questions/x",
)
GLANCE = """() => {
  const text = (q) => document.querySelector(q)?.textContent.trim() ?? "";
  return {
    owner: text("#owner-says"), back: text("#way_back .headline"), title: text("#h-now"),
    now: text("#now .headline"), card: text("#now"),
    rows: text("#tables .big"), servers: text("#resolvers .big"),
    chapters: Object.fromEntries([...document.querySelectorAll("#chapters li")].map(
      (c) => [c.querySelector("b").textContent, c.className])),
    answer: document.querySelector("#now a.button")?.getAttribute("href") ?? "",
    moves: document.querySelectorAll("#switchovers .move").length,
    moments: text("#traffic .moments"), loads: window.loads,
    problem: document.getElementById("problem").hidden ? "" : text("#problem"),
  };
}"""


@dataclass
class Onlooker(threading.Thread):
    """`state`: the lab's folder. `shots`: where pictures are kept, if anywhere. Ends at `stop()`."""

    state: Path
    port: int
    program: str
    shots: Path | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    """What stood there, one entry for each change."""
    closed: dict[str, int] = field(default_factory=dict)
    """Path -> status that a reader without a login got."""
    axe: dict[str, list[str]] = field(default_factory=dict)
    """When -> serious and critical findings."""
    navigation: str = ""
    """The text of the entry in Airflow's own navigation."""
    tabs: dict[str, str] = field(default_factory=dict)
    """Place in Airflow's own pages -> what our page inside of it said, reached by clicking."""
    error: str = ""

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._end = threading.Event()

    def __hash__(self) -> int:
        return id(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._end.set()
        self.join(60)

    def run(self) -> None:
        try:
            if self._airflow_answers():
                self._knock()
                with chromium(self.program) as browser:
                    context = browser.new_context(
                        viewport={"width": 1280, "height": 900}, timezone_id="Asia/Seoul"
                    )
                    self._watch(self.log_in(context))
        except Exception as e:
            self.error = f"{type(e).__name__}: {e}"

    def _airflow_answers(self) -> bool:
        deadline = time.monotonic() + OPENS_WITHIN
        while not self._end.is_set() and time.monotonic() < deadline:
            if (self.state / "airflow" / "passwords.json").exists() and self._status("api/v2/version") == 200:
                return True
            self._end.wait(1)
        return False

    def _status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"{self.url}/{path}", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as e:
            return e.code
        except OSError:
            return 0

    def _knock(self) -> None:
        self.closed = {path: self._status(f"livemove/{path}") for path in DOORS}

    def log_in(self, context: BrowserContext) -> Page:
        """As a person does, at Airflow's own form."""
        ((name, password),) = json.loads((self.state / "airflow" / "passwords.json").read_text()).items()
        page = context.new_page()
        page.goto(f"{self.url}/")
        page.fill("input[name=username]", name)
        page.fill("input[name=password]", password)
        page.click("button[type=submit]")
        entry = page.locator("nav a, a").filter(has_text="livemove").first
        entry.wait_for(timeout=60_000)
        self.navigation = entry.inner_text()
        return page

    def _watch(self, page: Page) -> None:
        page.goto(f"{self.url}/livemove/console?dag_id=migrate_shop")
        page.evaluate("window.loads = 1")
        while not self._end.is_set():
            try:
                glance = page.evaluate(GLANCE)
            except BrowserError:
                if self._end.is_set() or self._status("api/v2/version") != 200:
                    return  # the rehearsal has ended Airflow
                raise
            if not self.seen or {**self.seen[-1], "at": 0} != {**glance, "at": 0}:
                self.seen.append({**glance, "at": time.time()})
            if what := self._worth_a_look(glance):
                if what == "question" and self.shots:
                    self._photograph_question(page.context, glance["answer"])
                self.axe[what] = grave(page)
                self._photograph(page, what)
                if what == "question":
                    self._click_tabs(page.context)
            self._end.wait(EVERY)

    def _click_tabs(self, context: BrowserContext) -> None:
        """Every place where Airflow shows a page of ours, as a person finds it."""
        page = context.new_page()
        runs = page.request.get(f"{self.url}/api/v2/dags/migrate_shop/dagRuns").json()["dag_runs"]
        run = f"dags/migrate_shop/runs/{runs[0]['dag_run_id']}"
        for place, path, entry, message in (
            ("run", run, "Console", "#owner-says"),
            ("DAG", "dags/migrate_shop", "Console", "#owner-says"),
            ("navigation", "", "livemove", "#owner-says"),
            ("run's preflight", run, "Preflight", "h1"),
            ("task's preflight", f"{run}/tasks/preflight.checks", "Preflight", "h1"),
        ):
            page.goto(f"{self.url}/{path}")
            try:
                page.get_by_role("link", name=entry, exact=True).first.click(timeout=CLICK_WITHIN)
                inside = page.frame_locator("iframe").locator(message).first
                inside.filter(has_text=ANYTHING).wait_for(timeout=CLICK_WITHIN)
                self.tabs[place] = inside.inner_text()
            except BrowserError as e:
                self.tabs[place] = f"not reached: {e.message.splitlines()[0]}"
            self._photograph(page, f"tab-{place.replace(' ', '-')}", whole=False)
        page.close()

    def _photograph_question(self, context: BrowserContext, answer: str) -> None:
        """In the tab of its run, and where it is answered. First of all: it waits for seconds only."""
        page = context.new_page()
        page.goto(f"{self.url}{answer.partition('/tasks/')[0]}")
        page.get_by_role("link", name="Console", exact=True).first.click()
        button = page.frame_locator("iframe").get_by_role("link", name="Answer in Airflow")
        button.wait_for()
        self._photograph(page, "tab-question", whole=False)
        page.set_viewport_size({"width": 1440, "height": 900})
        button.click()
        page.get_by_role("button", name="Proceed").first.wait_for()
        self._photograph(page, "gate", whole=False)
        page.close()

    def _worth_a_look(self, glance: dict[str, Any]) -> str:
        """A name for this moment, once each."""
        asks = glance["title"].startswith("A question")
        back = glance["chapters"].get("Roll back")
        moments = {
            "load": "rows/s" in glance["rows"],
            "question": asks and "Switch DNS" in glance["now"],
            "dual": (
                glance["chapters"].get("Switch DNS") == "now"
                and "name moved" in glance["moments"]
                and glance["servers"] != ""
            ),
            "move-question": asks and "Switch over" in glance["now"],
            "moving": "being moved" in glance["owner"],
            "moved": glance["owner"].startswith("AWS"),
            "soaked": asks and "Retire" in glance["now"],
            "back": back in ("now", "done") and glance["owner"].startswith("The data centre"),
            "back-done": back == "done" and glance["chapters"].get("Finish") == "done",
        }
        return next((name for name, there in moments.items() if there and name not in self.axe), "")

    def _photograph(self, page: Page, what: str, *, whole: bool = True) -> None:
        """`whole`: in every form in which a page of ours is shown; else as it stands."""
        if self.shots is None:
            return
        self.shots.mkdir(parents=True, exist_ok=True)
        if not whole:
            page.screenshot(path=self.shots / f"{what}.png")
            return
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 900})
                page.wait_for_timeout(250)
                page.screenshot(path=self.shots / f"{what}-{scheme}-{width}.png", full_page=True)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1280, "height": 900})
