/** "Does it find the fact?": each signal against the gold spans, by word. */

import { node } from "../../dom/dom.js";
import { plural } from "../../text/numbers.js";

/** Returns `{element, update}`; hidden without entries. Bars start at chance (.50). */
export function leaderboard(model) {
  const body = node("tbody");
  const note = node("p", { class: "tu-note" });
  const element = node(
    "section",
    { class: "tu-board" },
    node("h2", { text: "Which score finds the fact best?" }),
    node("table", {}, body),
    note,
  );
  let shown = [];
  const update = () => {
    const asked = [model.payload, model.payload.leaderboard, model.set, model.rule.knowledge];
    if (asked.every((each, at) => each === shown[at])) return;
    shown = asked;
    const entries = [...(model.payload.leaderboard ?? [])]
      .filter((entry) => !entry.set || entry.set === model.set)
      .sort((a, b) => (b.auroc_word ?? -1) - (a.auroc_word ?? -1));
    element.hidden = entries.length === 0;
    body.replaceChildren(...entries.map((entry) => entryRow(entry, entry.signal === model.rule.knowledge)));
    note.textContent =
      `1.00: every word of the fact ranks above every other word; 0.50: chance (AUROC over ${plural(model.rowsOfSet.length, "row")}, names left out).` +
      (entries.some((entry) => Number.isFinite(entry.low)) ? " Thin line: 95 % interval." : "");
  };
  return { element, update };
}

function entryRow(entry, current) {
  const known = Number.isFinite(entry.auroc_word);
  const part = (value) => `${(200 * Math.min(0.5, Math.max(0, value - 0.5))).toFixed(1)}%`;
  const meter = node("div", { class: "tu-meter", style: { "--tu-part": part(entry.auroc_word ?? 0.5) } });
  if (Number.isFinite(entry.low) && Number.isFinite(entry.high)) {
    meter.append(node("i", { style: { left: part(entry.low), right: `calc(100% - ${part(entry.high)})` } }));
  }
  const precision = Number.isFinite(entry.precision_word)
    ? `precision at |gold| ${entry.precision_word.toFixed(2)}`
    : null;
  return node(
    "tr",
    { class: current ? "is-current" : "", attributes: { title: precision } },
    node("th", { text: entry.label, attributes: { scope: "row" } }),
    node("td", {}, meter),
    node("td", { text: known ? entry.auroc_word.toFixed(2) : "not measured" }),
  );
}
