/**
 * What the details say beyond the rule's own signals: how the knowledge was masked, and every signal
 * computed.
 */

import { node, setText, tableHead } from "../../dom/dom.js";
import { tokensAt } from "../../model/shown_unit.js";
import { entryOf, sourceIn } from "../../model/signal_entry.js";
import { place } from "../../score/ranks.js";
import { ordinal } from "../../text/numbers.js";
import { shortNumber } from "../../text/strip_marks.js";

const MOST_NAMES = 6;

/**
 * Returns what was done to the row for this token's knowledge: of a mean over names the names, and how far
 * they differ.
 */
export function maskingWords(model, index) {
  const { row, rule, columns } = model;
  const { masked, spread: spreadName } = entryOf(model.payload, sourceIn(model, row, rule.knowledge));
  const names = row.names ?? [];
  if (!spreadName || names.length === 0) return masked ?? "";
  const listed =
    names.slice(0, MOST_NAMES).join(", ") +
    (names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "");
  const spread = columns[spreadName]?.[index];
  const varies =
    Number.isFinite(spread) && tokensAt(model, index).length === 1
      ? `; they differ by ${shortNumber(spread)} nats (standard deviation)`
      : "";
  return names.length === 1
    ? `Swapped for ${listed}.`
    : `Mean over ${names.length} names: ${listed}${varies}.`;
}

/** Returns `{element, update(index)}`: a fold with value, rank and percentile of every signal there is. */
export function signalTable(model) {
  const body = node("tbody");
  const summary = node("summary");
  const element = node(
    "details",
    { class: "tu-all-signals" },
    summary,
    node("table", { class: "tu-values" }, tableHead(["", "value", "rank", "percentile"]), body),
  );
  let lines = new Map();
  let shown = null;
  const update = (index) => {
    shown = index;
    setText(summary, `All ${model.signals.length} signals`);
    if (!element.open || index === null) return;
    if (model.signals.join() !== [...lines.keys()].join()) lines = fill(body, model);
    for (const [name, cells] of lines)
      signalWords(model, name, index).forEach((text, at) => setText(cells[at], text));
  };
  element.addEventListener("toggle", () => update(shown));
  return { element, update };
}

function fill(body, model) {
  const lines = new Map();
  body.replaceChildren(
    ...model.signals.map((name) => {
      const { label, help } = model.payload.signals[name] ?? {};
      const cells = [node("td"), node("td"), node("td")];
      lines.set(name, cells);
      return node(
        "tr",
        {},
        node("th", { text: label ?? name, attributes: { scope: "row", title: help || null } }),
        ...cells,
      );
    }),
  );
  return lines;
}

/** Returns value with unit, "rank of all" and percentile of one signal at a token. */
export function signalWords(model, name, index) {
  const value = model.valuesOf(name)[index];
  if (!Number.isFinite(value)) return ["no score", "", ""];
  const { rank, of, percentile } = place(model.sorted(name), value);
  const unit = model.unitOf(name);
  return [
    `${shortNumber(value)}${unit ? ` ${unit}` : ""}`,
    `${rank} of ${of}`,
    ordinal(Math.floor(percentile)),
  ];
}
