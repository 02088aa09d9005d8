// The lines over time: uPlot with two sites, and the moments of the run marked in each of them.

import { h, hour, number, seconds, time } from "./dom.js";

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const drawn = new Set();
/* Charts know their colours and their width; both change. */
export function redraw() {
  release();
  drawn.forEach((c) => c.make());
}
/* uPlot listens at the document and in its group of cursors: one that has left the page is kept alive until it is told. */
function release() {
  for (const c of drawn) {
    if (!c.plot || c.node.isConnected) continue;
    c.plot.destroy();
    drawn.delete(c);
  }
}
new ResizeObserver(() => drawn.forEach((c) => c.fit())).observe(document.documentElement);
const sync = uPlot.sync("console");

/* `series`: [{label, values, colour, dash}] over `t` in seconds; `marks`: [{t, n, kind}]. */
export function chart({ label, caption, t, series, marks = [], height = 110, range = null, limit = null }) {
  const holder = h("div", {});
  const node = h("figure", { role: "group", "aria-label": label }, caption ? h("figcaption", {}, caption) : null, holder);
  const one = { node, plot: null, make, fit };
  drawn.add(one);
  // by then the page holds it, and no longer the one that it replaces
  requestAnimationFrame(() => { release(); make(); });
  return node;

  function make() {
    if (!holder.clientWidth) return void (node.isConnected || drawn.delete(one)); // replaced before it was drawn
    one.plot?.destroy();
    one.plot = new uPlot(options(), [t, ...series.map((s) => s.values)], holder);
    // what is drawn is said in the caption; the canvas has nothing to read
    one.plot.root.setAttribute("aria-hidden", "true");
  }
  function fit() {
    if (one.plot && holder.clientWidth && holder.clientWidth !== one.plot.width) one.plot.setSize({ width: holder.clientWidth, height });
  }
  function options() {
    const soft = css("--soft"), line = css("--faint");
    const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    return {
      width: holder.clientWidth, height, legend: { show: false }, padding: [8, 22, 0, 0],
      cursor: { sync: { key: sync.key }, y: false, points: { size: 5 } },
      scales: { x: { time: true, range: range ? () => range : undefined }, y: { range: (u, low, high) => [0, Math.max(high * 1.15, limit ?? 0, 1)] } },
      axes: [
        { ...axis, size: 22, space: 70, values: (u, splits) => splits.map((s) => hour(new Date(s * 1000).toISOString()).slice(0, splits[1] - splits[0] < 60 ? 8 : 5)) },
        { ...axis, size: 44, space: 28, values: (u, splits) => splits.map((s) => number(s, s && s < 10 && s % 1 ? 1 : 0)) },
      ],
      series: [{}, ...series.map((s) => ({
        label: s.label, stroke: css(s.colour), width: 1.5, dash: s.dash, spanGaps: false,
        points: { show: s.values.filter((v) => v !== null).length < 30, size: 4 },
      }))],
      hooks: { draw: [mark] },
    };
  }
  function mark(u) {
    const { ctx, bbox } = u, scale = devicePixelRatio;
    ctx.save();
    ctx.font = `600 ${10 * scale}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    if (limit !== null) {
      const y = u.valToPos(limit, "y", true);
      ctx.setLineDash([2 * scale, 4 * scale]);
      ctx.strokeStyle = css("--bad");
      ctx.beginPath(); ctx.moveTo(bbox.left, y); ctx.lineTo(bbox.left + bbox.width, y); ctx.stroke();
    }
    for (const m of marks) {
      const x = Math.round(u.valToPos(m.t, "x", true));
      if (x < bbox.left || x > bbox.left + bbox.width) continue;
      ctx.strokeStyle = ctx.fillStyle = css({ bad: "--bad", back: "--warn", move: "--target" }[m.kind] ?? "--soft");
      ctx.setLineDash([3 * scale, 3 * scale]);
      ctx.lineWidth = scale;
      ctx.beginPath(); ctx.moveTo(x, bbox.top + 11 * scale); ctx.lineTo(x, bbox.top + bbox.height); ctx.stroke();
      ctx.fillText(m.n, x, bbox.top + 8 * scale);
    }
    ctx.restore();
  }
}

/* Moments inside a range of times, numbered, and the list that says what the numbers are. */
export function numbered(moments, from, to) {
  const inside = moments.filter((m) => seconds(m.at) >= from && seconds(m.at) <= to).slice(-12);
  const marks = inside.map((m, n) => ({ t: seconds(m.at), n: String(n + 1), kind: m.kind }));
  const list = inside.length
    ? h("ol", { class: "moments", "aria-label": "Moments marked in the charts" },
        inside.map((m, n) => h("li", { class: m.kind }, h("b", {}, String(n + 1)), m.message, " ", h("span", {}, time(m.at)))))
    : null;
  return { marks, list };
}
