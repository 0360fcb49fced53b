/** The panel that holds the rule: α with its equation, mode and amount, scale, what is left out. */

import { node, setAttributes, setHidden, setText } from "../../dom/dom.js";
import { amountWords, choiceOf } from "../../model/rule_settings.js";
import { shownIndex, tokensAt } from "../../model/shown_unit.js";
import { normalise } from "../../score/fusion.js";
import { plural } from "../../text/numbers.js";

/**
 * Returns `{first, rest, update}`: what is moved most, how to choose, how much, and α, to be seen beside the strip
 * at once; then the equation, every check, and the other menus. All are those that the server declares.
 */
export function choosePanel(model) {
  const declared = model.payload.rule_settings;
  const set = (name) => (value) => model.setRule({ [name]: value });
  const menuFor = (name) => menu(name, declared[name], set(name));
  const named = (wanted) => Object.keys(declared).filter((name) => wanted(declared[name], name));
  const [mode, scope] = ["mode", "scope"].map(menuFor);
  const others = named(({ choices }, name) => choices.length && !["mode", "scope"].includes(name)).map(
    menuFor,
  );
  const checks = named(({ type }) => type === "bool").map((name) => ({
    name,
    ...checkbox(declared[name], set(name)),
  }));
  const alpha = slider(set("alpha"));
  const equation = node("p", { class: "tu-equation", attributes: { "aria-live": "off" } });
  const amount = slider((value) => set(amountOf(model))(value));
  const how = sentence(mode, scope);
  const taken = node("p", { class: "tu-note" });
  const scaled = sentence(...others);
  const first = node(
    "section",
    { class: "tu-choose", attributes: { "aria-label": "Choose" } },
    node("h2", { text: "Tokens to unlearn" }),
    node("div", { class: "tu-mode" }, mode.element, scope.element),
    amount.element,
    taken,
    alpha.element,
  );
  const rest = node(
    "section",
    { class: "tu-rule", attributes: { "aria-label": "Rule" } },
    node("h2", { text: "The rule in full" }),
    equation,
    how,
    node("div", { class: "tu-checks" }, ...checks.map((each) => each.element)),
    node("div", { class: "tu-mode" }, ...others.map((each) => each.element)),
    scaled,
  );
  const update = () => {
    const { rule } = model;
    alpha.reshape({ ...declared.alpha, ...boundsOf(model, "alpha") }, rule.alpha);
    setText(equation, equationWords(model));
    for (const each of [mode, scope, ...others]) each.update(rule[each.name]);
    const { scoped } = choiceOf(model.payload, "mode", rule);
    setHidden(scope.element, !scoped);
    setText(how, choiceWords(model, scoped ? ["mode", "scope"] : ["mode"]));
    const field = amountOf(model);
    setHidden(amount.element, !field);
    if (field) amount.reshape({ ...declared[field], ...boundsOf(model, field) }, rule[field]);
    setText(taken, takenWords(model));
    for (const each of checks) each.update(rule[each.name]);
    setText(
      scaled,
      choiceWords(
        model,
        others.map(({ name }) => name),
      ),
    );
  };
  return { first, rest, update };
}

/** Returns the setting that says how much the rule's mode chooses, "" for none. */
function amountOf({ payload, rule }) {
  return choiceOf(payload, "mode", rule).amount;
}

/**
 * Returns the sentences of what is chosen in these menus.
 * @param {{payload: any, rule: Rule}} model
 * @param {string[]} names
 */
export function choiceWords({ payload, rule }, names) {
  return names.map((name) => `${choiceOf(payload, name, rule).help}.`).join(" ");
}

/**
 * Returns `{low, high, step}` of a setting of the rule, as the server declares it; of a count of tokens no
 * more than the set has, or than is chosen already. Pure.
 */
export function boundsOf({ payload, mask, rule }, field) {
  const { low, high, step, unit } = payload.rule_settings[field];
  if (unit !== "tokens") return { low, high, step };
  return { low, high: Math.min(high, Math.max(1, mask.counts.total, rule[field])), step };
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
  return `${counts.ruled} of ${tokenWords(counts.total)} ${counts.ruled === 1 ? "is" : "are"} chosen.`;
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

/** Returns an id that no other part of the page has. */
function newId() {
  serial += 1;
  return `tu-rule-${serial}`;
}

function slider(onInput) {
  const id = newId();
  const name = node("label", { attributes: { for: id } });
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
    setAttributes(input, { min: shape.low, max: shape.high, step: shape.step, title: shape.help });
    update(value, amountWords(shape, value));
  };
  return { element, reshape };
}

function menu(name, { label, help, choices }, onChange) {
  const select = node(
    "select",
    { attributes: { "aria-label": label, title: help } },
    ...choices.map((each) => node("option", { text: each.label, attributes: { value: each.value } })),
  );
  select.addEventListener("change", () => onChange(select.value));
  const element = node("label", { class: "tu-menu" }, node("span", { text: label }), select);
  return {
    name,
    select,
    element,
    update: (value) => {
      if (select.value !== value) select.value = value;
    },
  };
}

/** Returns the line for the sentences of what is chosen in some menus; each menu is described by it. */
function sentence(...menus) {
  const id = newId();
  for (const { select } of menus) setAttributes(select, { "aria-describedby": id });
  return node("p", { class: "tu-note", attributes: { id } });
}

function checkbox({ label, help }, onChange) {
  const input = node("input", { attributes: { type: "checkbox" } });
  input.addEventListener("change", () => onChange(input.checked));
  const element = node(
    "label",
    { class: "tu-check", attributes: { title: help } },
    input,
    node("span", { text: label }),
  );
  return {
    element,
    update: (on) => {
      if (input.checked !== on) input.checked = on;
    },
  };
}
