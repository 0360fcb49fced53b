/** The panel of one token: values with rank and percentile, probability, decision, what else could follow. */

import { button, node, segmented, setText } from "./dom.js";
import { ordinal, place } from "./ranks.js";
import { sourceLabel } from "./signal_bar.js";
import { shortNumber } from "./strip_marks.js";
import { decisionWords } from "./why.js";

const THREE_WAY = [
  { value: "rule", label: "By rule", title: "The rule decides (Space)" },
  { value: "in", label: "In", title: "Always a target" },
  { value: "out", label: "Out", title: "Never a target" },
];

/** Returns `{element, update}`; `alternatives` is an `AlternativesView`. */
export function detailsPanel(model, alternatives) {
  const title = node("strong", { class: "tu-big-token" });
  const where = node("span", { class: "tu-where" });
  const values = node("tbody");
  const table = node("table", { class: "tu-values" },
    node("thead", {}, node("tr", {}, ...["", "value", "rank", "percentile"].map((text) => node("th", { text, attributes: { scope: "col" } })))), values);
  const decision = node("span", { class: "tu-decision" });
  const override = segmented("Override", THREE_WAY, (value) => {
    const unit = unitOfToken(model);
    if (unit) model.force(unit.tokens, value === "rule" ? null : value);
  });
  const full = node("div", {}, node("div", { class: "tu-token-head" }, title, where), table,
    node("div", { class: "tu-override" }, decision, override.element), alternatives.element);
  const empty = node("div", { class: "tu-empty" }, node("p", { text: "Hover a token to see its values; click to keep it." }),
    button("Show the highest token", () => lockHighest(model), { class: "tu-button" }));
  const element = node("section", { class: "tu-details", attributes: { "aria-label": "Token" } }, node("h2", { text: "Token" }), full, empty);
  const update = () => {
    const index = shownIndex(model);
    full.hidden = index === null;
    empty.hidden = index !== null;
    if (index === null) return;
    const unit = unitOfToken(model);
    const { columns, row } = model;
    setText(title, unit?.text ?? "");
    const words = unit && unit.tokens.length > 1 ? `tokens ${index - row.first + 1}–${unit.tokens.at(-1) - row.first + 1}` : `token ${index - row.first + 1}`;
    setText(where, `${words} of ${row.count}${columns.gold?.[index] === 1 ? ", gold" : ""}`);
    values.replaceChildren(...valueRows(model, index));
    setText(decision, decisionOf(model, index));
    override.update(model.overrides.state(index) ?? "rule");
    alternatives.update();
  };
  return { element, update };
}

/** Returns the index that the details show: hovered wins over locked. */
export function shownIndex(model) {
  const { hovered, locked } = model.view;
  return hovered ?? locked;
}

/** Locks the highest-scoring token of the row. */
export function lockHighest(model) {
  const { first, count } = model.row ?? { first: 0, count: 0 };
  let best = null;
  for (let index = first; index < first + count; index += 1) {
    const value = model.mask.fused[index];
    if (Number.isFinite(value) && (best === null || value > model.mask.fused[best])) best = index;
  }
  if (best !== null) model.setView({ locked: best, focus: best, anchor: null });
}

function unitOfToken(model) {
  const index = shownIndex(model);
  return model.units().find((unit) => unit.tokens.includes(index));
}

function decisionOf(model, index) {
  const { columns } = model;
  const words = decisionWords({
    state: model.stateOf(index), subject: columns.subject[index] === 1, stop: columns.stop[index] === 1,
    punctuation: columns.punctuation[index] === 1, scored: Number.isFinite(model.mask.fused[index]),
  });
  const weight = model.mask.weights[index];
  const soft = model.rule.mode === "soft" && weight > 0 ? `, weight ${weight.toFixed(2)}` : "";
  return words.charAt(0).toUpperCase() + words.slice(1) + soft;
}

function valueRows(model, index) {
  const rows = ["knowledge", "entropy", "fused"].map((signal) => {
    const value = model.valuesOf(signal)[index];
    const name = signal === "fused" ? "Fused φ" : signal === "knowledge" ? "Knowledge" : "Entropy";
    const source = signal === "fused" ? "" : sourceLabel(model, model.rule[signal]);
    return valueRow({ name, source, signal, value, unit: model.unitOf(signal), at: place(model.sorted(signal), value) });
  });
  const logProb = model.columns.log_prob?.[index] ?? (model.columns.loss ? -model.columns.loss[index] : NaN);
  if (Number.isFinite(logProb)) rows.push(plainRow("Probability", probabilityWords(logProb)));
  return rows;
}

/** Returns e^logProb for people: three decimals, or powers where it is tiny. */
export function probabilityWords(logProb) {
  const probability = Math.exp(logProb);
  return probability >= 0.0005 ? probability.toFixed(3) : probability.toExponential(1).replace("e-", "·10^−").replace("e+", "·10^");
}

function valueRow({ name, source, signal, value, unit, at }) {
  const number = Number.isFinite(value) ? `${signal === "fused" ? value.toFixed(3) : shortNumber(value)}${unit ? ` ${unit}` : ""}` : "no score";
  const head = node("th", { attributes: { scope: "row", title: source || null } },
    node("span", { class: "tu-dot", style: { "--tu-hue": `var(--tu-${signal})` } }), name);
  return node("tr", {}, head, node("td", { text: number }),
    node("td", { text: at ? `${at.rank} of ${at.of}` : "" }), node("td", { text: at ? ordinal(Math.floor(at.percentile)) : "" }));
}

function plainRow(name, text) {
  const head = node("th", { attributes: { scope: "row" } }, node("span", { class: "tu-dot is-none" }), name);
  return node("tr", {}, head, node("td", { text }), node("td"), node("td"));
}

