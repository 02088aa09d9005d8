// Building the page: text is always set as text, because names and values come from a database that others write.

export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "style") Object.assign(node.style, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false && c !== ""));
  return node;
}

/* A table of rows; a column is [title, row => cell, "n" for numbers]. */
export function table(label, columns, rows) {
  const head = h("tr", {}, columns.map(([title, , kind]) => h("th", { scope: "col", class: kind }, title)));
  const body = rows.map((row) => h("tr", {}, columns.map(([, cell, kind]) => h("td", { class: kind }, cell(row)))));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    h("table", {}, h("thead", {}, head), h("tbody", {}, body)));
}

/* Open <details> stay open when their section is drawn again. */
const opened = new Set();
export function details(key, summary, ...children) {
  const node = h("details", { open: opened.has(key) }, h("summary", {}, summary), children);
  node.addEventListener("toggle", () => (node.open ? opened.add(key) : opened.delete(key)));
  return node;
}

// Numbers and times ------------------------------------------------------------------------------------------

const grouped = new Intl.NumberFormat("en");
export const number = (value, digits = 0) =>
  value === null || value === undefined ? "–" : digits ? value.toFixed(digits) : grouped.format(Math.round(value));

export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const s = Math.max(0, Math.round(seconds));
  if (s < 100) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, "0")} s`;
  if (s < 172800) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, "0")} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export const seconds = (iso) => Date.parse(iso) / 1000;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const whole = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });

export const hour = (iso) => (iso ? clock.format(new Date(iso)) : "–");
export const day = (iso) => (iso ? whole.format(new Date(iso)) : "–");
/* A time as this page shows it: the hour of the last day, else the day as well; the whole of it on hovering. */
export function time(iso) {
  if (!iso) return "–";
  const old = Math.abs(Date.now() - Date.parse(iso)) > 86400000;
  return h("time", { datetime: iso, title: new Date(iso).toISOString() }, old ? day(iso) : hour(iso));
}

// Clocks that run between two answers of the server ------------------------------------------------------------

let offset = 0;
/* The server's clock, from the Date of its answers: the reader's may be wrong. */
export const setNow = (date) => { if (date) offset = Date.parse(date) - Date.now(); };
export const now = () => (Date.now() + offset) / 1000;
export const since = (iso, words = "") => h("span", { "data-since": iso, "data-words": words });
export const until = (iso, over = "now") => h("span", { "data-until": iso, "data-over": over });

export function tick() {
  for (const node of document.querySelectorAll("[data-since]"))
    set(node, `${node.dataset.words}${span(now() - seconds(node.dataset.since))}`);
  for (const node of document.querySelectorAll("[data-until]")) {
    const left = seconds(node.dataset.until) - now();
    set(node, left > 0 ? `in ${span(left)}` : node.dataset.over);
  }
}
const set = (node, text) => { if (node.textContent !== text) node.textContent = text; };
