// Each part of the page: its piece of the model in, nodes out. A part that is null says what it waits for.

import { chart, numbered } from "./charts.js";
import { day, details, h, hour, number, seconds, since, span, table, time, until } from "./dom.js";
import { markdown } from "./markdown.js";

const PLACE = { source: "Data centre", target: "AWS" };

export function chapters(list) {
  const words = { done: "done", now: "now", failed: "failed", left: "turned back here", ended: "ended here", skipped: "skipped", ahead: "ahead" };
  return list.map((c) => h("li", { class: c.state, "aria-current": c.state === "now" ? "step" : null },
    h("b", { title: c.title }, c.title),
    h("span", {}, c.state === "now" || c.state === "failed" ? "" : h("span", { class: "visually-hidden" }, `${words[c.state]}, `),
      c.state === "now" ? since(c.began, "") : c.state === "failed" ? "failed" : c.state === "skipped" ? "skipped" : c.state === "left" ? `turned back, ${span(c.seconds)}` : c.state === "ended" ? `ended, ${span(c.seconds)}` : span(c.seconds))));
}

export function owner(o, model, live) {
  const moving = live.moving;
  const side = (name, what) => h("div", { class: `side ${name}${!moving && o.certain && o.side === name ? " owns" : ""}` }, h("b", {}, PLACE[name]), h("small", {}, what));
  const still = !o.certain || !o.side || o.promoted || model.way_back.tone === "none" || !model.lag;
  return [
    h("div", { class: "sides", "aria-hidden": "true" }, side("source", "source"), h("span", { class: "arrow", title: "direction of replication" }, still ? "·" : o.side === "source" ? "→" : "←"), side("target", "target")),
    h("p", { class: `headline ${moving ? "" : o.tone}`, id: "owner-says" }, moving ? "The writes are being moved right now" : o.headline),
    h("p", { class: "says" }, moving ? "Before its commit the switchover undoes itself; after it, it only goes forward." : o.message, !moving && o.since ? [" Since ", time(o.since), `, epoch ${o.epoch}.`] : ""),
  ];
}

export function way_back(w) {
  return h("div", { class: w.tone },
    h("p", { class: "headline" }, w.headline),
    h("p", { class: "says" }, w.message),
    w.until ? h("p", { class: "until" }, "If reverse replication stopped now: until ", h("b", {}, day(w.until))) : null,
    w.checked_at && w.tone !== "none" ? h("p", { class: "says" }, "Looked at ", since(w.checked_at), " ago") : null);
}

export function nowCard(model, live, links, ask) {
  const q = model.question && live.asks !== false ? model.question : null;
  if (!q) return working(model, live);
  return [
    h("p", { class: "headline" }, q.title),
    h("p", { class: "says" }, q.means, " Asked ", since(q.asked_at), " ago; unanswered, nothing is changed and the task fails ", until(q.until, "now"), "."),
    h("dl", { class: "chips" }, q.evidence.map((e) => h("div", {}, h("dt", {}, e.label), h("dd", { class: e.tone }, e.value)))),
    h("p", { class: "row" }, h("a", { class: "button", href: links.task(q.dag_id, q.run_id, q.task_id, "/required_actions"), target: "_top", onclick: links.follow }, "Answer in Airflow")),
    q.question ? whole("now", "Read the whole question", q.question, ask) : null,
  ];
}

/* The text of a question is fetched when somebody opens it. */
function whole(key, summary, name, ask) {
  const place = h("div", {}, h("p", { class: "soft" }, "reading …"));
  const node = details(`${key} ${name}`, summary, place);
  const fill = async () => { if (node.open && !node.dataset.read) { node.dataset.read = "yes"; place.replaceChildren(await text(name, ask)); } };
  node.addEventListener("toggle", fill);
  fill();
  return node;
}

async function text(name, ask) {
  try {
    const found = await ask(name);
    return markdown(found.body);
  } catch (e) {
    return h("p", { class: "soft" }, `It cannot be read: ${e.message}`);
  }
}

function working(model, live) {
  const current = model.chapters.find((c) => c.state === "now");
  const stopped = model.chapters.find((c) => c.state === "failed");
  const failed = live.tasks.filter((t) => t.state === "failed");
  const busy = live.tasks.filter((t) => t.state !== "failed");
  const over = model.run && !current && !stopped && !failed.length && !busy.length;
  // what failed beside a story that goes on is told below it
  const stands = (failed.length || stopped) && !busy.length;
  const headline = stands ? "A task has failed" : busy.some((t) => t.dag.startsWith("promote_")) ? "The emergency: RDS is promoted" : busy.length || current ? `${current ? current.title : "At work"}` : over ? "Nothing waits; the story is over" : "Nothing has begun";
  const line = (t) => h("li", {}, h("span", { class: t.state === "failed" ? "bad" : "" }, t.name, t.name === t.id ? null : h("small", {}, t.id)), h("span", { class: "soft" }, t.state === "failed" ? "failed" : t.since ? since(t.since) : t.state));
  const last = model.failures.find((f) => failed.some((t) => t.id === f.task_id)) ?? (stands ? model.failures[0] : null);
  return [
    h("p", { class: stands ? "headline bad" : "headline" }, headline),
    model.soak && current?.name === "switchover" ? h("p", { class: "says" }, `Soak: ${span(model.soak.counted)} of ${span(model.soak.of)} count${model.soak.current ? "" : "; not counting now"}`) : null,
    how(model, current?.name),
    last ? h("p", { class: "says bad" }, `${last.task_id} has failed: ${last.found}`) : null,
    busy.length || failed.length ? h("ul", { class: "tasks" }, [...failed, ...busy].slice(0, 8).map(line)) : live.message ? h("p", { class: "says" }, live.message) : null,
  ];
}

/* How far the chapter under way is, from whatever measures it. */
function how(model, chapter) {
  const { load, comparison, resolvers: r } = model;
  if (chapter === "replicate" && load && !load.done)
    return [h("p", { class: "says" }, `Full load ${load.percent ?? 0} %: ${number(load.rows)} rows${load.rate === null ? "" : `, ${number(load.rate)} rows/s`}${load.seconds_left === null ? "" : `, about ${span(load.seconds_left)} left`}`), bar(load.percent / 100, "full load")];
  if (chapter === "validate" && comparison)
    return [h("p", { class: "says" }, `${comparison.equal} of ${comparison.of} tables are equal`), bar(comparison.equal / comparison.of, "tables compared")];
  if (["switch_dns", "rollback"].includes(chapter) && r)
    return [h("p", { class: "says" }, `${r.flipped} of ${r.of} name servers have the new answer`, r.flipped < r.of && r.last_until ? [", the last old one ends ", until(r.last_until, "now")] : ""), bar(r.flipped / r.of, "name servers")];
  return null;
}

const bar = (part, label) => h("div", { class: "bar", role: "progressbar", "aria-label": label, "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": Math.round(part * 100) || 0 }, h("i", { style: { width: `${Math.min(1, part || 0) * 100}%` } }));

// Requests -------------------------------------------------------------------------------------------------------

const NEAR = 1800; // seconds

export function traffic(t, model) {
  // what was done shortly before or after anybody counted belongs to the picture: the TTL, the switchover
  const near = model.moments.map((m) => seconds(m.at)).filter((at) => at > t.t[0] - NEAR && at < t.t.at(-1) + NEAR);
  const from = Math.min(t.t[0], ...near), to = Math.max(t.t.at(-1), from + 60, ...near);
  const { marks, list } = numbered(model.moments, from - 5, to + 5);
  const last = t.t.length - 1;
  const sites = ["source", "target"];
  const lines = (kind) => sites.map((s) => ({ label: PLACE[s], values: t[s][kind], colour: `--${s}`, dash: s === "source" ? [5, 3] : undefined }));
  const keys = (kind, unit, digits) => sites.map((s) => h("span", { class: `key ${s}` }, `${PLACE[s]} `, h("b", {}, number(t[s][kind][last], digits)), ` ${unit}`));
  const total = (kind) => sites.some((s) => t[s][kind].some((v) => v !== null));
  const common = { t: t.t, marks, range: [from, to] };
  return [
    chart({ ...common, label: "Requests a second at each site", caption: [h("span", {}, "Requests"), ...keys("rate", "/s", 1)], series: lines("rate"), height: 150 }),
    total("errors") ? chart({ ...common, label: "Failed requests a second at each site", caption: [h("span", {}, "Failed"), ...keys("errors", "/s", 1)], series: lines("errors"), height: 84 }) : null,
    total("ms") ? chart({ ...common, label: "Mean time of a request at each site", caption: [h("span", {}, "Time each"), ...keys("ms", "ms", 1)], series: lines("ms"), height: 84 }) : null,
    list,
    t.t.length ? h("p", { class: "says" }, "Counted by the servers, last at ", time(new Date(t.t[last] * 1000).toISOString()), ".") : null,
  ];
}

export function lag(l, model) {
  const out = [];
  const times = [...l.behind, ...l.delay].map((p) => p[0]);
  const from = Math.min(...times), to = Math.max(...times, from + 60);
  const { marks } = numbered(model.moments, from - 5, to + 5);
  const one = (name, points, unit, colour, digits, limit) => chart({
    label: `${name} over time`, t: points.map((p) => p[0]), marks, range: [from, to], height: 110, limit,
    caption: [h("span", {}, name), h("span", {}, "last ", h("b", {}, number(points.at(-1)[1], digits)), ` ${unit}`), h("span", {}, "most ", h("b", {}, number(Math.max(...points.map((p) => p[1] ?? 0)), digits)), ` ${unit}`)],
    series: [{ label: name, values: points.map((p) => p[1]), colour }],
  });
  if (l.behind.length) out.push(one("Follower behind", l.behind, "s", "--target", 1, Math.max(...l.behind.map((p) => p[1] ?? 0)) > l.limit / 2 ? l.limit : null));
  if (l.delay.length) out.push(one("A watermark's way", l.delay, "ms", "--source", 0, null));
  out.push(h("p", { class: "says" }, `Caught up means: three watermarks in a row within ${span(l.limit)}.`));
  return out;
}

// Tables ---------------------------------------------------------------------------------------------------------

export function tables(rows, model) {
  const { load, comparison } = model;
  const big = h("div", { class: "big" },
    load ? h("p", {}, h("b", {}, load.rows === null ? "–" : number(load.rows)), h("span", {}, load.done ? `rows loaded${load.seconds === null ? "" : ` in ${span(load.seconds)}`}` : `rows, ${load.percent ?? 0} %`)) : null,
    load && !load.done && load.rate !== null ? h("p", {}, h("b", {}, number(load.rate)), h("span", {}, "rows/s")) : null,
    load && !load.done && load.seconds_left !== null ? h("p", {}, h("b", {}, span(load.seconds_left)), h("span", {}, "left")) : null,
    comparison ? h("p", {}, h("b", { class: comparison.equal === comparison.of ? "good" : "" }, `${comparison.equal} of ${comparison.of}`), h("span", {}, `tables equal${comparison.epoch > 1 ? `, epoch ${comparison.epoch}` : ""}`)) : null);
  const rank = (r) => (r.check?.state === "differs" ? 0 : r.check?.state === "comparing" ? 1 : loading(r) ? 2 : r.check ? 4 : 3);
  const sorted = [...rows].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
  return [big, table("Tables: load and comparison", [
    ["Table", (r) => r.name],
    ["Loaded", (r) => (loading(r) ? progress(r.rows, r.of) : number(r.rows)), "n"],
    ["Comparison", check],
    ["Rows compared", (r) => (r.check ? number(r.check.rows) : "–"), "n"],
  ], sorted)];
}

const loading = (r) => r.loaded && r.loaded !== "Table completed";

function progress(rows, of) {
  if (!of) return number(rows);
  const part = rows / Math.max(of, 1);
  return [`${number(rows)} of about ${number(of)}`, bar(part, "rows")];
}

function check(r) {
  const c = r.check;
  if (!c) return h("span", { class: "soft" }, "–");
  if (c.state === "comparing") return [progress(c.rows, c.of), h("small", {}, c.seconds_left === null ? "" : `about ${span(c.seconds_left)} left`)];
  return [h("b", { class: c.state === "equal" ? "good" : "bad" }, c.state), c.note ? h("small", {}, c.note) : null];
}

// The name -------------------------------------------------------------------------------------------------------

export function resolvers(r) {
  const words = r.expected === "source" ? "answer with the data centre again" : "answer with the cloud";
  const old = r.rows.some((x) => x.counts && !x.flipped_at);
  const state = (x) => x.flipped_at ? [h("b", { class: "good" }, "new"), h("small", {}, "since ", hour(x.flipped_at))]
    : x.error ? [h("b", { class: x.counts ? "bad" : "soft" }, "no answer"), h("small", {}, x.error + (x.counts ? "" : ", not waited for"))]
    : [h("b", { class: "warn" }, "old"), x.until ? h("small", {}, until(x.until, "due now")) : null];
  return [
    h("div", { class: "big" },
      h("p", {}, h("b", { class: r.flipped === r.of ? "good" : "" }, `${r.flipped} of ${r.of}`), h("span", {}, words)),
      old && r.last_until ? h("p", {}, h("b", { class: "warn" }, until(r.last_until, "due now")), h("span", {}, "the last old answer we know of ends")) : null),
    table("Name servers and what they answer", [
      ["Server", (x) => [x.server, x.authority ? h("small", {}, "authority") : x.stretches ? h("small", { class: "warn" }, "stretches TTLs") : null]],
      ["Answers", (x) => x.answer || "–"],
      ["", state],
      ["TTL", (x) => (x.error ? "–" : `${x.ttl} s`), "n"],
    ], [...r.rows].sort((a, b) => Boolean(a.flipped_at) - Boolean(b.flipped_at) || a.server.localeCompare(b.server))),
  ];
}

// The switchover -------------------------------------------------------------------------------------------------

export function switchovers(list) {
  return list.map((m, n) => {
    const done = m.result === "moved";
    const head = [
      h("p", {}, h("b", {}, `${PLACE[m.from]} → ${PLACE[m.to]}`), h("span", {}, `epoch ${m.epoch}, `, time(m.started_at))),
      m.fenced_ms === null ? null : h("p", {}, h("b", {}, number(m.fenced_ms)), h("span", {}, "ms fenced")),
      h("p", {}, h("b", {}, number(m.ms)), h("span", {}, done ? "ms from lease to release" : "ms")),
      done ? null : h("p", {}, h("b", { class: "bad" }, m.result === "aborted" ? "undone" : m.result), h("span", {}, m.reason ?? "")),
    ];
    const picture = timeline(m);
    return h("div", { class: "move" }, h("div", { class: "big" }, head), n ? details(`move ${m.epoch}`, "Steps in milliseconds", picture) : picture);
  });
}

/* The first part of the picture stands for what comes before the lease, however long it took. */
const EARLY = 5;
function timeline(m) {
  const steps = m.steps.filter((s) => s.name !== "guards"), total = Math.max(m.ms, 1);
  const at = (ms) => EARLY + (Math.max(ms, 0) / total) * (100 - EARLY);
  const wide = (from, to) => ({ left: `min(${at(from)}%, calc(100% - 3px))`, width: `${at(to) - at(from)}%` });
  const commit = steps.findIndex((s) => s.name === "commit");
  const arm = steps.find((s) => s.name === "arm"), open = steps.find((s) => s.name === "open");
  const fence = arm && open ? wide(arm.at, open.at + open.ms) : null;
  const rows = steps.flatMap((s, n) => [
    h("span", { class: "word" }, s.word),
    h("div", { class: "track", title: s.seen ?? "" }, fence ? h("i", { class: "fenced", style: fence }) : null,
      s.at < 0 ? h("i", { class: "before", style: { left: "0", width: `${EARLY}%` } })
        : h("i", { class: s.name === "commit" ? "commit" : commit >= 0 && n > commit ? "after" : "", style: wide(s.at, s.at + s.ms) })),
    h("span", { class: "ms" }, `${number(s.ms)} ms`),
  ]);
  return [
    h("div", { class: "timeline", role: "img", "aria-label": `Steps of the switchover: ${steps.map((s) => `${s.word} ${s.ms} ms`).join(", ")}` }, rows,
      h("div", { class: "axis", style: { paddingLeft: `${EARLY}%` } }, [0, 0.25, 0.5, 0.75, 1].map((p) => h("span", {}, `${number(total * p)}`)))),
    h("p", { class: "moments" }, h("span", { class: "key fence" }, "nobody may write"), h("span", { class: "key source" }, "can be undone"), h("span", { class: "key target" }, "only forward")),
    details(`seen ${m.epoch}`, "What each step saw", table(`Steps of the switchover to epoch ${m.epoch}`, [
      ["Step", (s) => s.word], ["At", (s) => `${number(s.at)} ms`, "n"], ["Took", (s) => `${number(s.ms)} ms`, "n"], ["Saw", (s) => s.seen ?? ""],
    ], m.steps)),
  ];
}

// Findings and decisions -----------------------------------------------------------------------------------------

export function findings(f) {
  const tones = { error: "bad", warning: "warn", ok: "good" };
  const c = f.counts, bad = f.rows.filter((r) => r.severity !== "ok"), good = f.rows.filter((r) => r.severity === "ok");
  const todo = (r) => [r.remedy || "–", r.restart ? h("small", { class: "bad" }, "needs a restart of the source") : null];
  // on a phone what to do stands below what was found
  const columns = [
    ["", (r) => h("b", { class: tones[r.severity] }, r.severity)],
    ["Check", (r) => [r.check, r.subject ? h("small", {}, r.subject) : null]],
    ["Found", (r) => [r.measured, r.limit ? h("small", {}, `limit: ${r.limit}`) : null, r.severity === "ok" ? null : h("p", { class: "narrow" }, todo(r))]],
    ["What to do", todo, "broad"],
  ];
  return [
    h("div", { class: "big" }, [["error", "errors"], ["warning", "warnings"], ["ok", "in order"]].map(([k, word]) =>
      h("p", {}, h("b", { class: c[k] || k === "ok" ? tones[k] : "" }, number(c[k] ?? 0)), h("span", {}, word)))),
    bad.length ? table("Warnings and errors of the preflight", columns, bad) : h("p", { class: "missing" }, "Nothing to fix."),
    good.length ? details("findings ok", `${good.length} checks in order`, table("Checks in order", columns.slice(1, 3), good)) : null,
  ];
}

export function decisions(list, model, ask) {
  return [table("Decisions: who was asked, who answered", [
    ["When", (d) => [time(d.at ?? d.asked_at), d.at && d.asked_at ? h("small", {}, `after ${span(seconds(d.at) - seconds(d.asked_at))}`) : null]],
    ["Question", (d) => d.title],
    ["Answer", (d) => (d.answer ? [h("b", { class: d.tone }, d.answer), h("small", {}, d.by ?? "nobody known")] : h("span", { class: "soft" }, "not answered"))],
    ["What they saw", (d) => (d.question ? whole(`decision ${d.question}`, "text", d.question, ask) : "–")],
  ], list)];
}
