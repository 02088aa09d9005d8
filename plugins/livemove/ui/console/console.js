// The page: reads its model, draws what has changed, and asks again, less and less often while nothing happens.

import { links, live, NOTHING } from "./airflow.js";
import { redraw } from "./charts.js";
import { h, setNow, tick } from "./dom.js";
import * as parts from "./parts.js";

// seconds between two looks: while things change, at most while a task is at work, at most else; and the factor between them
const OFTEN = 2, WORKING = 4, SELDOM = 20, LONGER = 1.4;
const byId = (id) => document.getElementById(id);

// decodeURIComponent, not URLSearchParams: a run's id holds a plus sign that must stay one
const asked = Object.fromEntries(location.search.slice(1).split("&").filter(Boolean).map((p) => p.split("=").map(decodeURIComponent)));
const state = { service: null, tag: null, model: null, live: NOTHING, wait: OFTEN, timer: 0, looking: false, drawn: {}, failures: 0, over: false, doubted: false };

// Reading --------------------------------------------------------------------------------------------------------

async function json(address, options = {}) {
  const answer = await fetch(address, options);
  setNow(answer.headers.get("Date"));
  if (answer.status === 304) return { same: true, answer };
  const said = await answer.json().catch(() => ({}));
  if (answer.ok) return { said, answer };
  if (answer.status === 401) throw Object.assign(new Error("You are not logged in any more; log in to Airflow and load this page again."), { final: true });
  throw Object.assign(new Error(said.detail ?? `The server answers ${answer.status}.`), { next: said.next, final: [403, 404].includes(answer.status) });
}

const question = async (name) => (await json(`console/question/${state.service}?name=${encodeURIComponent(name)}`)).said;

/* Reads the model; true when it is another one than before. */
async function read() {
  const query = new URLSearchParams({ dag_id: asked.dag_id ?? "", run_id: asked.run_id ?? "" });
  const { said, same, answer } = await json(`console/data/${state.service}?${query}`, state.tag ? { headers: { "If-None-Match": state.tag } } : {});
  if (!same) [state.model, state.tag] = [said, answer.headers.get("ETag")];
  return !same;
}

const ask = async () => { state.live = await live(state.service, state.model.run, state.model.question); };
const doubt = () => !state.model.owner.certain && !state.live.moving;

async function look() {
  if (state.looking) return;
  state.looking = true;
  clearTimeout(state.timer);
  try {
    let changed = await read();
    const before = JSON.stringify(state.live);
    await ask();
    if (doubt() && !state.doubted) {
      // a move may have ended between the two answers: after this its end is in what the server tells
      await new Promise((go) => setTimeout(go, OFTEN * 1000));
      changed = (await read()) || changed;
      await ask();
    }
    state.doubted = doubt();
    changed ||= before !== JSON.stringify(state.live);
    const most = state.live.tasks.some((t) => t.state !== "failed") ? WORKING : SELDOM;
    state.wait = changed ? OFTEN : Math.min(most, state.wait * LONGER);
    state.failures = 0;
    state.over = false;
    problem(null);
    draw();
  } catch (e) {
    state.failures += 1;
    state.wait = Math.min(SELDOM, OFTEN * 2 ** state.failures);
    problem(e);
    state.over = Boolean(e.final); // asking again by itself changes nothing
  } finally {
    state.looking = false;
    if (!document.hidden && !state.over) state.timer = setTimeout(look, state.wait * 1000);
  }
}

function problem(e) {
  byId("live").className = e ? "live off" : "live on";
  byId("live-says").textContent = e ? (state.model ? "what stands here is old" : "not reading") : "live";
  byId("problem").hidden = !e;
  byId("main").classList.toggle("unread", Boolean(e) && !state.model); // nothing but empty cards
  if (e) byId("problem").replaceChildren(e.message, ...(e.next ? [h("small", {}, `Next: ${e.next}`)] : []));
}

// Drawing --------------------------------------------------------------------------------------------------------

/* Draws a part only when what it shows has changed, so that nothing flickers, closes or loses the focus. */
function part(id, shown, make) {
  const key = JSON.stringify(shown);
  if (state.drawn[id] === key) return;
  state.drawn[id] = key;
  byId(id).replaceChildren(...[make()].flat(Infinity).filter((n) => n !== null && n !== undefined && n !== false));
}

function draw() {
  const m = state.model, l = state.live;
  document.title = `${m.title} · livemove`;
  byId("title").textContent = m.title;
  byId("subtitle").textContent = `${m.name}${m.rehearsal ? " · rehearsal" : ""}`;
  part("chapters", m.chapters, () => parts.chapters(m.chapters));
  part("owner", [m.owner, m.way_back.tone, Boolean(m.lag), l.moving], () => parts.owner(m.owner, m, l));
  part("way_back", m.way_back, () => parts.way_back(m.way_back));
  const asks = m.question && l.asks !== false;
  byId("s-now").classList.toggle("asks", Boolean(asks));
  byId("h-now").textContent = asks ? "A question waits for you" : "Now";
  part("now", [m.question, l, m.soak, m.chapters, m.failures[0], m.load, m.comparison, m.resolvers], () => parts.nowCard(m, l, links, question));
  byId("s-switchovers").hidden = !m.switchovers.length;
  byId("h-switchovers").textContent = m.switchovers.length > 1 ? "Switchovers" : "Switchover";
  whenThere("switchovers", [m.switchovers], (x) => parts.switchovers(x));
  whenThere("traffic", [m.traffic, m.moments], (x) => parts.traffic(x, m));
  whenThere("lag", [m.lag, m.moments], (x) => parts.lag(x, m));
  whenThere("resolvers", [m.resolvers], (x) => parts.resolvers(x));
  whenThere("decisions", [m.decisions], (x) => parts.decisions(x, m, question));
  whenThere("findings", [m.findings], (x) => parts.findings(x));
  byId("s-unreadable").hidden = !m.unreadable.length;
  part("unreadable", m.unreadable, () => h("ul", {}, m.unreadable.map((line) => h("li", {}, line))));
  part("tables", [m.tables, m.load, m.comparison], () => (m.tables.length || m.load ? parts.tables(m.tables, m) : missing("load")));
  tell(asks ? `A question waits: ${m.question.title}` : byId("owner-says")?.textContent ?? "");
  tick();
}

const missing = (name) => h("p", { class: "missing" }, state.model.missing[name] ?? "");
const whenThere = (name, shown, make) => part(name, [shown, state.model.missing[name]], () => (name in state.model.missing ? missing(name) : make(state.model[name])));

/* For screen readers: only what a person would be called for. */
function tell(words) {
  if (byId("told").textContent !== words) byId("told").textContent = words;
}

// Light and dark, as Airflow's UI around this page has it -----------------------------------------------------------

const system = matchMedia("(prefers-color-scheme: dark)");
function theme() {
  let dark = system.matches;
  try {
    const around = window.parent === window ? null : window.parent.document.documentElement;
    if (around?.classList.contains("dark")) dark = true;
    else if (around?.classList.contains("light")) dark = false;
  } catch { /* embedded by somebody else: the system decides */ }
  const name = dark ? "dark" : "light";
  if (document.documentElement.dataset.theme === name) return;
  document.documentElement.dataset.theme = name;
  redraw();
}

function watchTheme() {
  theme();
  system.addEventListener("change", theme);
  try {
    if (window.parent !== window) new MutationObserver(theme).observe(window.parent.document.documentElement, { attributes: true, attributeFilter: ["class"] });
  } catch { /* see above */ }
}

// Beginning --------------------------------------------------------------------------------------------------------

async function begin() {
  watchTheme();
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", () => { clearTimeout(state.timer); if (!document.hidden && state.service) { state.wait = OFTEN; look(); } });
  try {
    const { said } = await json("console/services");
    const wanted = asked.service ?? asked.dag_id?.replace(/^(migrate|rollback|promote)_/, "");
    const found = wanted ? said.find((s) => s.service === wanted) : said[0];
    choose(said, found, wanted);
  } catch (e) {
    problem(e);
  }
}

function choose(services, found, wanted) {
  if (!found) {
    const known = services.map((s) => s.service).join(", ");
    return problem(new Error(wanted ? `${wanted} is no migration. ${known ? `Known: ${known}.` : ""}` : "There is no migration yet: put a spec into include/migrations."));
  }
  if (found.error) return problem(new Error(found.error));
  state.service = found.service;
  if (services.length > 1 && !asked.dag_id) {
    const select = byId("service");
    select.replaceChildren(...services.map((s) => h("option", { value: s.service, selected: s.service === found.service }, s.title)));
    select.onchange = () => { location.search = `?service=${encodeURIComponent(select.value)}`; };
    byId("choice").hidden = false;
  }
  return look();
}

begin();
