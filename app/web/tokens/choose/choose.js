/** The panel that holds the rule: α with its equation, mode and amount, scale, what is left out. */

import { node, setAttributes, setHidden, setText } from "../../dom/dom.js";
import { shownIndex, tokensAt } from "../../model/shown_unit.js";
import { normalise } from "../../score/fusion.js";
import { plural } from "../../text/numbers.js";

const MODES = [
  ["top_fraction", "Highest-scoring share"],
  ["top_k", "Highest k"],
  ["threshold", "All above a cut"],
  ["soft", "Soft weights"],
  ["uniform", "Every token"],
  ["random", "Same number at random"],
  ["gold", "Gold spans"],
];
const NORMALISERS = [
  ["p99", "99th percentile"],
  ["min_max", "Min to max"],
  ["rank", "Rank"],
  ["z_sigmoid", "Sigmoid of z"],
];
const SCOPES = [
  ["set", "whole set"],
  ["row", "each row"],
];
const AMOUNTS = {
  top_fraction: { field: "fraction", label: "Share", show: (value) => `${Math.round(100 * value)} %` },
  random: { field: "fraction", label: "Share", show: (value) => `${Math.round(100 * value)} %` },
  top_k: { field: "k", label: "k", show: tokenWords },
  threshold: { field: "threshold", label: "Cut at φ", show: (value) => value.toFixed(3) },
  soft: { field: "gamma", label: "Sharpness γ", show: (value) => value.toFixed(1) },
};
const CHECKS = [
  ["whole_words", "Whole words"],
  ["exclude_subjects", "Skip names"],
  ["exclude_stop_words", "Skip stop words"],
  ["exclude_punctuation", "Skip punctuation"],
];

/** Returns `{element, update}`. */
export function choosePanel(model) {
  const alpha = slider("Knowledge weight α", (value) => model.setRule({ alpha: value }));
  const equation = node("p", { class: "tu-equation", attributes: { "aria-live": "off" } });
  const mode = menu("Choose", MODES, (value) => model.setRule({ mode: value }));
  const amount = slider("Share", (value) => model.setRule({ [AMOUNTS[model.rule.mode].field]: value }));
  const taken = node("p", { class: "tu-note" });
  const normaliser = menu("Scale", NORMALISERS, (value) => model.setRule({ normaliser: value }));
  const over = menu("Scaled", SCOPES, (value) => model.setRule({ normalise_over: value }));
  const scope = menu("Budget", SCOPES, (value) => model.setRule({ scope: value }));
  const checks = CHECKS.map(([field, label]) => checkbox(label, (on) => model.setRule({ [field]: on })));
  const element = node(
    "section",
    { class: "tu-choose", attributes: { "aria-label": "Choose" } },
    node("h2", { text: "Choose" }),
    alpha.element,
    equation,
    node("div", { class: "tu-mode" }, mode.element, scope.element),
    amount.element,
    taken,
    node("div", { class: "tu-checks" }, ...checks.map((each) => each.element)),
    node("div", { class: "tu-mode" }, normaliser.element, over.element),
  );
  const update = () => {
    const { rule } = model;
    alpha.reshape(
      { label: "Knowledge weight α", ...boundsOf(model, "alpha"), show: (value) => value.toFixed(2) },
      rule.alpha,
    );
    setText(equation, equationWords(model));
    mode.update(rule.mode);
    scope.update(rule.scope);
    normaliser.update(rule.normaliser);
    over.update(rule.normalise_over);
    setHidden(scope.element, !["top_fraction", "top_k", "soft", "random"].includes(rule.mode));
    const shape = AMOUNTS[rule.mode];
    setHidden(amount.element, !shape);
    if (shape) amount.reshape({ ...shape, ...boundsOf(model, shape.field) }, rule[shape.field]);
    setText(taken, takenWords(model));
    checks.forEach((each, at) => each.update(rule[CHECKS[at][0]]));
  };
  return { element, update };
}

/**
 * Returns `{low, high, step}` of a setting of the rule, as the server declares it; of a count of tokens no
 * more than the set has, or than is chosen already. Pure.
 */
export function boundsOf({ payload, mask, rule }, field) {
  const bounds = payload.bounds[field];
  if (field !== "k") return bounds;
  return { ...bounds, high: Math.min(bounds.high, Math.max(1, mask.counts.total, rule.k)) };
}

/**
 * Returns the fusion equation with the previewed or locked token's numbers, or in letters; of a word, its
 * highest token's.
 */
export function equationWords(model) {
  const { rule, mask } = model;
  const shown = shownIndex(model);
  if (shown === null) return "φ = α·K̂ + (1−α)·Ĥ";
  const tokens = tokensAt(model, shown);
  const index = highest(mask.fused, tokens);
  const fused = mask.fused[index];
  if (!Number.isFinite(fused)) return `φ: no score for this ${tokens.length > 1 ? "word" : "token"}`;
  const { knowledge, entropy } = normalisedAt(model, index);
  const of = (value) => (Number.isFinite(value) ? value.toFixed(2) : "–");
  const equation = `φ = ${rule.alpha.toFixed(2)}·${of(knowledge)} + ${(1 - rule.alpha).toFixed(2)}·${of(entropy)} = ${fused.toFixed(3)}`;
  return tokens.length > 1
    ? `${equation}, of “${model.tokenText(index)}”: a word has the φ of its highest token`
    : equation;
}

/** Returns `{knowledge, entropy}` of one token, normalised as the rule says: the numbers of the equation. */
function normalisedAt({ rule, cut, places, memory }, index) {
  const key = [rule.knowledge, rule.entropy, rule.normaliser, rule.normalise_over].join();
  const { knowledge, entropy } = memory.once("equation", key, () => {
    const rows = rule.normalise_over === "row" ? cut.row : null;
    const of = (name) => (cut[name] ? normalise(cut[name], rule.normaliser, rows) : null);
    return { knowledge: of(rule.knowledge), entropy: of(rule.entropy) };
  });
  const at = places[index];
  return { knowledge: knowledge?.[at] ?? NaN, entropy: entropy?.[at] ?? NaN };
}

function highest(fused, tokens) {
  const scored = tokens.filter((index) => Number.isFinite(fused[index]));
  return scored.reduce((best, index) => (fused[index] > fused[best] ? index : best), scored[0] ?? tokens[0]);
}

/** Returns what the rule asked for and what it took. */
export function takenWords(model) {
  const { rule, mask } = model;
  const { counts } = mask;
  if (rule.mode === "top_fraction" && rule.scope === "set") {
    const asked = Math.floor(rule.fraction * counts.scored + 0.5);
    if (asked > counts.ruled && takesAll(model))
      return `You asked for ${tokenWords(asked)}. Only ${counts.ruled} ${counts.ruled === 1 ? "is" : "are"} eligible, so all of them are chosen.`;
    const cut = mask.threshold === null ? "" : ` Cut at φ ≥ ${mask.threshold.toFixed(3)}.`;
    const whole = rule.whole_words && counts.ruled !== asked ? ", to keep words whole" : "";
    return `You asked for ${asked} of ${counts.scored} scored tokens; ${counts.ruled} ${counts.ruled === 1 ? "is" : "are"} chosen${whole}.${cut}`;
  }
  if (rule.mode === "soft") return "Each candidate counts by its score; the weights have mean 1.";
  if (rule.mode === "uniform") return `All ${tokenWords(counts.total)} with weight 1; nothing is left out.`;
  if (rule.mode === "random")
    return `${tokenWords(counts.ruled)}, as many per row as the share would take, drawn at random.`;
  if (rule.mode === "gold") return `${tokenWords(counts.ruled)} inside the gold spans.`;
  return `${counts.ruled} of ${counts.scored} scored tokens chosen.`;
}

function tokenWords(count) {
  return plural(count, "token");
}

/** Returns whether the rule takes every scored token that is not left out. */
function takesAll({ indices, mask }) {
  return indices.every(
    (index) => mask.ruled[index] || mask.excluded[index] || !Number.isFinite(mask.fused[index]),
  );
}

let serial = 0;

function slider(label, onInput) {
  serial += 1;
  const id = `tu-slider-${serial}`;
  const name = node("label", { text: label, attributes: { for: id } });
  const output = node("output", { attributes: { for: id } });
  const input = node("input", { attributes: { id, type: "range" } });
  input.addEventListener("input", () => onInput(Number(input.value)));
  const element = node("div", { class: "tu-slider" }, name, output, input);
  const update = (value, text) => {
    if (Number(input.value) !== value) input.value = String(value);
    const [low, high] = [Number(input.min), Number(input.max)];
    input.style.setProperty("--tu-part", `${(100 * (value - low)) / (high - low)}%`);
    setText(output, text);
    setAttributes(input, { "aria-valuetext": text });
  };
  const reshape = (shape, value) => {
    setText(name, shape.label);
    setAttributes(input, { min: shape.low, max: shape.high, step: shape.step });
    update(value, shape.show(value));
  };
  return { element, reshape };
}

function menu(label, choices, onChange) {
  const select = node(
    "select",
    { attributes: { "aria-label": label } },
    ...choices.map(([value, text]) => node("option", { text, attributes: { value } })),
  );
  select.addEventListener("change", () => onChange(select.value));
  const element = node("label", { class: "tu-menu" }, node("span", { text: label }), select);
  return {
    element,
    update: (value) => {
      if (select.value !== value) select.value = value;
    },
  };
}

function checkbox(label, onChange) {
  const input = node("input", { attributes: { type: "checkbox" } });
  input.addEventListener("change", () => onChange(input.checked));
  const element = node("label", { class: "tu-check" }, input, node("span", { text: label }));
  return {
    element,
    update: (on) => {
      if (input.checked !== on) input.checked = on;
    },
  };
}
