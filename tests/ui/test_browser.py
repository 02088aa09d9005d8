"""The console in the system's Chromium over a fixed ledger: it shows, updates, survives, axe is content."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from livemove.model.errors import SetupError, UnreachableError
from livemove.model.ports import Json
from livemove.runtime.ledger_view import FRESH
from livemove.ui import routes
from tests.ui.browser import chromium, find, grave
from tests.ui.ledger_fixtures import MOMENTS, RUN, at, attempt, note
from tests.ui.server import StillView, application, serve

SOON = 20_000
"""Milliseconds until something must stand there; no statement about how fast it should be."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(find()) as started:
        yield started


@pytest.fixture(scope="module")
def view() -> StillView:
    return StillView("nothing")


@pytest.fixture(scope="module")
def address(view: StillView) -> Iterator[str]:
    patch = pytest.MonkeyPatch()
    patch.setattr(routes, "requires_access_dag", lambda *a, **k: lambda request, user: None)
    patch.setattr(routes, "_view", lambda spec: view)
    with serve(application()) as url:
        yield f"{url}/livemove/console"
    patch.undo()


Open = Callable[..., Page]


@pytest.fixture
def open_at(browser: Browser, address: str, view: StillView) -> Iterator[Open]:
    """open_at(moment, ...) -> the page at that moment; any complaint of its scripts fails the test."""
    complaints: list[str] = []
    contexts = []

    def opened(
        moment: str,
        *,
        width: int = 1280,
        scheme: str = "light",
        query: str = "",
        airflow: Airflow | None = None,
    ) -> Page:
        view.moment, view.more = moment, None
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, timezone_id="Asia/Seoul"
        )  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        if airflow:
            airflow.serve(page)
        page.on("pageerror", lambda e: complaints.append(str(e)))
        page.on(
            "console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None
        )
        page.goto(address + query)
        expect(page.locator("#owner-says")).to_be_visible(timeout=SOON)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_axe_finds_nothing_grave(open_at: Open, moment: str, scheme: str) -> None:
    assert grave(open_at(moment, scheme=scheme)) == []


@pytest.mark.parametrize("moment", ["dual", "back"])
def test_on_a_phone_nothing_is_wider_than_the_screen(open_at: Open, moment: str) -> None:
    page = open_at(moment, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    expect(page.locator("#findings .narrow").first).to_be_visible()
    inside = (
        "[...document.querySelectorAll('#findings .scroll')].every((s) => s.scrollWidth <= s.clientWidth)"
    )
    assert page.evaluate(inside)
    assert grave(page) == []


def test_the_owner_flips_and_nothing_is_loaded_anew(open_at: Open, view: StillView) -> None:
    page = open_at("dual")
    page.evaluate("window.stays = true")
    expect(page.locator("#owner-says")).to_have_text("The data centre is the owner")
    view.moment = "moved"
    expect(page.locator("#owner-says")).to_have_text("AWS: RDS is the owner", timeout=SOON)
    expect(page.locator("#told")).to_have_text("AWS: RDS is the owner")
    expect(page.locator("#switchovers .timeline")).to_be_visible()
    view.moment = "back"
    expect(page.locator("#owner-says")).to_have_text("The data centre is the owner", timeout=SOON)
    expect(page.locator("#way_back .headline")).to_have_text("The writes are back in the data centre")
    assert page.evaluate("window.stays") is True


def test_nobody_is_shown_as_the_owner_while_a_move_hangs(open_at: Open, view: StillView) -> None:
    page = open_at("dual")
    view.more = lambda d, e: attempt(e, 30, 2, "target", result="incomplete", ended=30.2)
    message = "A move to AWS is committed and not finished"
    expect(page.locator("#owner-says")).to_have_text(message, timeout=SOON)
    expect(page.locator("#told")).to_have_text(message)
    assert page.locator("#owner .owns").count() == 0
    expect(page.locator("#owner .arrow")).to_have_text("·")
    assert grave(page) == []


class Airflow:
    """What Airflow's API says is at work; a DAG in `shut` is answered with its status."""

    def __init__(self, running: dict[str, str], tasks: dict[str, dict[str, str]]) -> None:
        """`running`: DAG -> its run that runs; `tasks`: run -> task -> state."""
        self.running, self.tasks = running, tasks
        self.shut: dict[str, int] = {}

    def serve(self, page: Page) -> None:
        page.route("**/api/v2/**", self.answer)

    def answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path.split("/api/v2/dags/")[1].split("/")
        dag, run = path[0], unquote(path[2]) if len(path) > 2 else ""
        if dag in self.shut:
            route.fulfill(status=self.shut[dag], json={"detail": "no"})
        elif path[-1] == "dagRuns":
            runs = [{"dag_run_id": self.running[dag]}] if dag in self.running else []
            route.fulfill(json={"dag_runs": runs})
        else:
            found = [
                {"task_id": t, "task_display_name": t, "state": s, "start_date": None}
                for t, s in self.tasks.get(run, {}).items()
            ]
            route.fulfill(json={"task_instances": found})


COUNT_PLOTS = """() => {
  window.made = window.destroyed = 0;
  const Plot = window.uPlot;
  window.uPlot = new Proxy(Plot, { construct(of, given) {
    const plot = new of(...given), destroy = plot.destroy;
    window.made += 1;
    plot.destroy = () => { window.destroyed += 1; destroy(); };
    return plot;
  } });
}"""
KEEP_OWNERS = """() => {
  window.owners = [];
  const keep = () => window.owners.push(document.getElementById("owner-says").textContent);
  new MutationObserver(keep).observe(document.getElementById("owner"), { childList: true });
}"""
MOVING = "The writes are being moved right now"


@pytest.mark.parametrize(("dag", "task"), [("rollback_shop", "rollback.writes"), ("promote_shop", "promote")])
def test_runs_of_their_own_that_move_the_writes_are_seen(open_at: Open, dag: str, task: str) -> None:
    airflow = Airflow({dag: "r"}, {"r": {task: "running"}})
    airflow.shut["promote_shop" if dag == "rollback_shop" else "rollback_shop"] = 403
    page = open_at("dual", airflow=airflow)
    expect(page.locator("#owner-says")).to_have_text(MOVING, timeout=SOON)
    expect(page.locator("#now .tasks")).to_contain_text(task)
    airflow.running = {}
    expect(page.locator("#owner-says")).to_have_text("The data centre is the owner", timeout=SOON)


def test_a_move_that_ends_between_two_answers_is_never_told_as_doubt(open_at: Open, view: StillView) -> None:
    looks: list[float] = []
    ended = False

    def moves(documents: dict[str, Json], events: list[Json]) -> None:
        """What was read just before the end serves everybody for a while."""
        looks.extend([time.monotonic()] if ended else [])
        fresh = looks and looks[-1] - looks[0] >= FRESH
        attempt(events, 30, 2, "target", ended=30.2 if fresh else None)

    airflow = Airflow({"migrate_shop": RUN}, {RUN: {"switchover.switch_over": "running"}})
    page = open_at("dual", airflow=airflow)
    page.evaluate(KEEP_OWNERS)
    view.more = moves
    expect(page.locator("#owner-says")).to_have_text(MOVING, timeout=SOON)
    ended = True
    airflow.tasks = {}
    expect(page.locator("#owner-says")).to_have_text("AWS: RDS is the owner", timeout=SOON)
    assert set(page.evaluate("window.owners")) <= {MOVING, "AWS: RDS is the owner"}


def test_a_question_waits_while_another_run_is_at_work(open_at: Open) -> None:
    airflow = Airflow(
        {"rollback_shop": "r"},
        {RUN: {"switch_dns.ask": "awaiting_input"}, "r": {"rollback.begin": "running"}},
    )
    page = open_at("asked", airflow=airflow)
    expect(page.locator("#h-now")).to_have_text("A question waits for you", timeout=SOON)
    airflow.tasks[RUN] = {}
    expect(page.locator("#now .tasks")).to_contain_text("rollback.begin", timeout=SOON)


def test_an_emergency_that_failed_is_not_the_end_of_the_story(open_at: Open, view: StillView) -> None:
    def broke(documents: dict[str, Json], events: list[Json]) -> None:
        documents["ran/promote"] = {
            "spans": [
                {"began": at(20), "ended": at(21), "state": "failed", "dag_id": "promote_shop", "run_id": "p"}
            ]
        }
        note(events, 21, "task_failed", "promote", error="X", found="RDS did not open")

    page = open_at("dual", airflow=Airflow({}, {}))
    view.more = broke
    expect(page.locator("#now .headline")).to_have_text("A task has failed", timeout=SOON)
    expect(page.locator("#now")).to_contain_text("RDS did not open")


def test_after_a_promotion_no_direction_of_replication_is_drawn(open_at: Open, view: StillView) -> None:
    page = open_at("dual")
    expect(page.locator("#owner .arrow")).to_have_text("→")
    view.more = lambda d, e: d.update(
        {
            "promotion/2": {
                "epoch": 2,
                "owner": "target",
                "move": {"epoch": 2, "from": "source", "to": "target"},
            }
        }
    )
    expect(page.locator("#owner-says")).to_have_text("AWS: RDS is the owner", timeout=SOON)
    expect(page.locator("#owner .arrow")).to_have_text("·")


def test_charts_that_were_replaced_are_released(open_at: Open, view: StillView) -> None:
    page = open_at("dual")
    expect(page.locator("#traffic canvas").first).to_be_visible(timeout=SOON)
    page.evaluate(COUNT_PLOTS)
    for moment in ("moved", "back", "dual"):
        before = page.locator("#traffic").inner_html()
        view.moment = moment
        page.wait_for_function("(old) => document.querySelector('#traffic').innerHTML !== old", arg=before)
        expect(page.locator("#traffic canvas").first).to_be_visible(timeout=SOON)
    assert page.evaluate("window.made") >= 3 * page.locator("#traffic canvas").count()
    page.wait_for_function("window.made - window.destroyed <= document.querySelectorAll('.uplot').length")


def test_a_page_that_is_loaded_again_shows_the_same(open_at: Open) -> None:
    page = open_at("soaked")
    before = page.locator("main").inner_text()
    page.reload()
    expect(page.locator("#traffic canvas").first).to_be_visible(timeout=SOON)
    # clocks run on
    words = lambda text: [w for w in text.split() if not any(c.isdigit() for c in w)]  # noqa: E731
    assert words(page.locator("main").inner_text()) == words(before)


def test_the_question_has_its_evidence_its_text_and_the_way_to_answer_it(open_at: Open) -> None:
    page = open_at("asked")
    card = page.locator("#s-now")
    expect(card).to_contain_text("A question waits for you", ignore_case=True)
    expect(card.locator("dl")).to_contain_text("8 of 8")
    href = card.locator("a.button").get_attribute("href") or ""
    assert href.endswith(
        "/dags/migrate_shop/runs/manual__2026-11-23T17%3A00%3A00%2B00%3A00/tasks/switch_dns.ask/required_actions"
    )
    card.get_by_text("Read the whole question").click()
    expect(card.locator(".text table")).to_be_visible(timeout=SOON)
    expect(card.locator(".text")).to_contain_text("shop.<script>alert(1)</script>")
    expect(card.locator(".text")).to_contain_text("shop.a|b")
    assert card.locator(".text script").count() == 0
    assert grave(page) == []


def test_in_airflows_frame_it_is_as_dark_and_leads_to_the_question(
    browser: Browser, address: str, view: StillView
) -> None:
    view.moment = "asked"
    page = browser.new_page(color_scheme="light")
    page.goto(address.replace("/livemove/console", "/frame"))
    frame = page.frame_locator("iframe")
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark", timeout=SOON)
    frame.locator("a.button").click(timeout=SOON)
    page.wait_for_url("**/tasks/switch_dns.ask/required_actions", timeout=SOON)
    page.close()


def test_all_of_it_is_reached_by_the_keyboard(open_at: Open) -> None:
    page = open_at("soaked")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.getAttribute('aria-label') ??"
                " document.activeElement.textContent.slice(0, 24)"
            )
        )
    assert {
        "Answer in Airflow",
        "Read the whole question",
        "What each step saw",
        "Tables: load and comparison",
    } <= reached


def test_a_ledger_that_goes_away_leaves_what_was_read_and_says_so(
    open_at: Open, view: StillView, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_at("dual")
    look = view.look

    def away() -> None:
        raise UnreachableError("The ledger s3://b/shop cannot be read", next_step="check the bucket")

    view.look = away  # type: ignore[method-assign,assignment]
    expect(page.locator("#problem")).to_contain_text("cannot be read", timeout=SOON)
    expect(page.locator("#live-says")).to_have_text("what stands here is old")
    expect(page.locator("#owner-says")).to_have_text("The data centre is the owner")
    view.look = look  # type: ignore[method-assign]
    expect(page.locator("#problem")).to_be_hidden(timeout=60_000)


def test_what_cannot_be_read_is_named_and_leaves_the_owner_in_doubt(open_at: Open, view: StillView) -> None:
    page = open_at("dual")
    view.more = lambda d, e: d.update({"switchover/2": {"epoch": 2, "to": "nowhere"}})
    expect(page.locator("#unreadable li")).to_contain_text("switchover/2: ", timeout=SOON)
    expect(page.locator("#owner-says")).to_contain_text("It is not certain which database is the owner")
    view.more = None
    expect(page.locator("#s-unreadable")).to_be_hidden(timeout=SOON)


def test_what_is_no_migration_says_so(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}?dag_id=something_else")
    expect(page.locator("#problem")).to_contain_text("something_else is no migration", timeout=SOON)
    expect(page.locator("#problem")).to_contain_text("shop")
    page.close()


def test_a_ledger_that_never_answered_shows_no_empty_cards_and_fills_them_when_it_does(
    browser: Browser, address: str, view: StillView
) -> None:
    look = view.look

    def away() -> None:
        raise SetupError("The Airflow connection 'shop_aws' is missing", next_step="Admin > Connections")

    view.look = away  # type: ignore[method-assign,assignment]
    page = browser.new_page()
    page.goto(f"{address}?dag_id=migrate_shop")
    expect(page.locator("#problem")).to_contain_text("'shop_aws' is missing", timeout=SOON)
    assert page.locator(".card:visible").count() == 0
    assert grave(page) == []
    view.look = look  # type: ignore[method-assign]
    expect(page.locator("#owner-says")).to_be_visible(timeout=60_000)
    page.close()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_may_not_read_any_more_is_told_so_once(open_at: Open, status: int) -> None:
    page = open_at("dual")
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=status, json={"detail": "not for you"})

    page.route("**/console/data/**", refuse)
    expect(page.locator("#problem")).to_be_visible(timeout=SOON)
    page.wait_for_timeout(6_000)
    assert len(asked) == 1


def test_an_idle_page_asks_less_and_less_and_is_answered_with_nothing(open_at: Open) -> None:
    page = open_at("dual")
    answers: list[int] = []
    page.on("response", lambda r: answers.append(r.status) if "/console/data/" in r.url else None)
    page.wait_for_timeout(16_000)
    assert set(answers) == {304}
    # every two seconds would be eight; a slow machine makes fewer of them, never more
    assert len(answers) <= 5
