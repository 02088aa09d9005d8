// The Markdown that livemove's gates write: headings, bold, code, lists, tables, indented blocks. Nothing else, and never HTML.

import { h } from "./dom.js";

export function markdown(text) {
  const out = h("div", { class: "text" });
  for (const block of String(text).split(/\n{2,}/)) out.append(...blocks(block));
  return out;
}

function* blocks(block) {
  const lines = block.split("\n");
  while (lines.length) {
    const line = lines[0];
    if (/^#{1,6} /.test(line)) {
      yield h("h3", {}, inline(lines.shift().replace(/^#+ /, "")));
    } else if (line.startsWith("|")) {
      yield rows(takeWhile(lines, (l) => l.startsWith("|")));
    } else if (line.startsWith("- ")) {
      yield h("ul", {}, takeWhile(lines, (l) => l.startsWith("- ")).map((l) => h("li", {}, inline(l.slice(2)))));
    } else if (line.startsWith("    ")) {
      yield h("pre", {}, h("code", {}, takeWhile(lines, (l) => l.startsWith("    ")).map((l) => l.slice(4)).join("\n")));
    } else {
      yield h("p", {}, inline(takeWhile(lines, (l) => !/^(#{1,6} |\||- |    )/.test(l)).join(" ")));
    }
  }
}

function takeWhile(lines, test) {
  const taken = [lines.shift()];
  while (lines.length && test(lines[0])) taken.push(lines.shift());
  return taken;
}

function rows(lines) {
  const cells = (line) => line.replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((c) => c.trim().replaceAll("\\|", "|"));
  const [head, , ...body] = lines.map(cells);
  return h("table", {}, h("thead", {}, h("tr", {}, head.map((c) => h("th", { scope: "col" }, inline(c))))),
    h("tbody", {}, body.map((r) => h("tr", {}, r.map((c) => h("td", {}, inline(c)))))));
}

function inline(text) {
  return text.split(/(\*\*.+?\*\*|`[^`]+`|<br>)/).map((part) => {
    if (part === "<br>") return h("br");
    if (part.startsWith("**") && part.endsWith("**") && part.length > 4) return h("strong", {}, inline(part.slice(2, -2)));
    if (part.startsWith("`") && part.endsWith("`") && part.length > 2) return h("code", {}, part.slice(1, -1));
    return part;
  });
}
