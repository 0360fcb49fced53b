/** The row above the strip: signal, its source, fill or bars, words, gold, numbers, and the legend. */

import { combobox } from "../../dom/combobox.js";
import { button, node, segmented, setAttributes, setHidden, setText } from "../../dom/dom.js";
import { choiceOf } from "../../model/rule_settings.js";
import { shownIndex } from "../../model/shown_unit.js";
import { entryOf, menuOf, sourceIn, sourceLabel } from "../../model/signal_entry.js";
import { shortNumber } from "../../text/strip_marks.js";
import { isInNats, NAT_SHORT } from "../../text/terms.js";
import { scoringStop } from "./scoring_stop.js";

const SIGNALS = [
  {
    value: "knowledge",
    label: "Knowledge",
    title: "How much the token depends on the fact, as the source under “Knowledge from” measures it (1)",
  },
  { value: "entropy", label: "Entropy", title: "How unsure the model was which token comes here (2)" },
  {
    value: "fused",
    label: "Fused",
    title: "Knowledge and entropy in one score, weighted by α: what the rule chooses by (3)",
  },
  { value: "all", label: "All", title: "Three strips, one below the other" },
];
const TOGGLES = [
  ["bars", "Bars", "Bar under the text instead of fill"],
  ["words", "Words", "One chip per word (w)"],
  ["gold", "Fact", "Underline the fact as it is marked (g)"],
  ["numbers", "Numbers", "Write the values above the text (v)"],
];

const BADGES = {
  live: "Scores of the model that is loaded now",
  recorded: "A stored example of real scores, shown until the model is there",
};

/**
 * Returns `{element, legend, update, leave}`; `compute(name)` asks the server for a missing column, `hold`
 * see `scoringStop`.
 */
export function signalBar(model, compute, hold) {
  const choose = (signal) => model.setView({ signal });
  const signals = segmented("Signal", SIGNALS, choose);
  const knowledge = sourceMenu("Knowledge from", model, "knowledge", compute);
  const entropy = sourceMenu("Entropy from", model, "entropy", compute);
  const toggles = TOGGLES.map(([name, label, title]) =>
    button(label, () => model.setView({ [name]: !model.view[name] }), {
      class: "tu-toggle",
      attributes: { title, "data-toggle": name },
    }),
  );
  const badge = node("span", { class: "tu-badge" });
  const stop = scoringStop(model, hold);
  const legend = legendOf(model);
  const element = node(
    "div",
    { class: "tu-bar" },
    node(
      "div",
      { class: "tu-bar-line" },
      signals.element,
      node("div", { class: "tu-toggles" }, ...toggles),
      node("div", { class: "tu-badges" }, badge, stop.element),
    ),
    node("div", { class: "tu-bar-line tu-bar-quiet" }, knowledge.element, entropy.element),
  );
  const update = () => {
    const { view } = model;
    signals.update(view.signal);
    toggles.forEach((each) => setAttributes(each, { "aria-pressed": view[each.dataset.toggle] }));
    knowledge.update(view.signal !== "entropy");
    entropy.update(view.signal !== "knowledge");
    legend.update();
    stop.update();
    setText(badge, badgeWords(model));
    setAttributes(badge, {
      "data-state": model.payload.state,
      title: badge.textContent.includes(" of ")
        ? "Rows that have their scores"
        : (BADGES[model.payload.state] ?? null),
    });
  };
  return { element, update, legend, leave: stop.leave };
}

/** Returns "recorded", "live", or how many rows of the set are live while the others have no scores. */
export function badgeWords(model) {
  if (model.payload.state !== "live") return "recorded";
  if (model.stale.has(model.row?.id)) return "stale";
  const rows = model.rowsOfSet.length;
  const waiting = model.waiting();
  return waiting === 0 ? "live" : `live, ${rows - waiting} of ${rows}`;
}

function sourceMenu(label, model, kind, compute) {
  const menu = combobox(label, "signals", (name) => choice.choose(name));
  const state = node("span", { class: "tu-source-state", attributes: { role: "status" } });
  const element = node("div", { class: "tu-source" }, node("span", { text: label }), menu.element, state);
  const choice = sourceChoice(model, kind, compute, (words) => setText(state, words));
  const update = (used) => {
    const groups = model.memory.once(
      `choices ${kind}`,
      [model.signals, model.payload, model.rule[kind]],
      () =>
        menuOf(model, kind).map(({ label: name, sources }) => ({
          label: name,
          entries: sources.map(entryIn),
        })),
    );
    menu.update({ groups, value: choice.pending() ?? model.rule[kind] });
    setHidden(element, !used);
  };
  return { element, update };
}

/** Returns an entry of the menu of signals: what it costs to choose it, or why it cannot be chosen. */
function entryIn({ name, label, help, missing, lacks }) {
  return {
    value: name,
    label,
    help,
    note: lacks || (missing ? "to be computed" : ""),
    disabled: lacks !== "",
  };
}

/**
 * Returns `{choose(name), pending()}`: the newest choice counts. A source that is there is used at once; one
 * that is not is computed first, and an answer that comes after another choice changes nothing. `say` tells
 * how it stands.
 */
export function sourceChoice(model, kind, compute, say) {
  let pending = null;
  const choose = async (name) => {
    pending = model.signals.includes(name) ? null : name;
    say(pending ? "computing…" : "");
    if (!pending) return model.setRule({ [kind]: name });
    let refusal = "";
    try {
      await compute(name);
    } catch (error) {
      refusal = `not computed: ${error.message ?? error}`;
    }
    if (pending !== name) return undefined;
    pending = null;
    say(refusal);
    if (model.signals.includes(name)) return model.setRule({ [kind]: name });
    return model.tell("view");
  };
  return { choose, pending: () => pending };
}

function legendOf(model) {
  const mark = node("span", { class: "tu-legend-mark", attributes: { hidden: true } });
  const ramp = node("div", { class: "tu-legend-ramp" }, mark);
  const top = node("span");
  const caption = node("p", { class: "tu-caption" });
  const element = node(
    "div",
    { class: "tu-legend", attributes: { role: "img" } },
    node("span", { text: "low 0" }),
    ramp,
    top,
  );
  const update = () => {
    const signal = model.view.signal === "all" ? "fused" : model.view.signal;
    const unit = model.unitOf(signal);
    ramp.style.setProperty("--tu-hue", `var(--tu-${signal})`);
    setText(
      top,
      signal === "fused" ? "high 1" : `high ≥ ${shortNumber(model.scaleOf(signal).limit)} ${unit}`,
    );
    setAttributes(top, {
      title: signal === "fused" ? null : "99th percentile of the set; larger values have the full colour too",
    });
    setText(caption, `Stronger colour: higher score. ${captionWords(model, signal)}`);
    setAttributes(element, {
      "aria-label": `Colour scale, low 0 to ${top.textContent}: ${caption.textContent}`,
    });
    point(signal);
  };
  const point = (signal) => {
    const index = shownIndex(model);
    const value = index === null ? NaN : model.valuesOf(signal)[index];
    setHidden(mark, !Number.isFinite(value));
    mark.style.setProperty("left", `${(100 * (model.scaleOf(signal).at(value) || 0)).toFixed(1)}%`);
  };
  return {
    element,
    caption,
    update,
    point: () => point(model.view.signal === "all" ? "fused" : model.view.signal),
  };
}

/** Returns the caption under the strip: signal, masking, unit, scale. */
export function captionWords(model, signal) {
  const { rule, row } = model;
  const over = rule.normalise_over === "row" ? "each row by itself" : "one scale for the whole set";
  const used = (kind) => sourceIn(model, row, rule[kind]);
  const named = (kind) =>
    sourceLabel(model, used(kind)) + (used(kind) === rule[kind] ? "" : " (this row has no name)");
  if (signal === "fused")
    return `Fused: knowledge (${named("knowledge")}) and entropy (${named("entropy")}), α·K̂ + (1−α)·Ĥ, each ${choiceOf(model.payload, "normaliser", rule).done}; ${over}`;
  const unit = model.unitOf(signal);
  const names =
    entryOf(model.payload, used(signal)).spread && row?.names?.length > 1
      ? `, mean of ${row.names.length} names`
      : "";
  const what = signal === "knowledge" ? "Knowledge" : "Entropy";
  const meant = isInNats(unit) ? ` (${NAT_SHORT})` : "";
  return `${what}: ${named(signal)}${names}${unit ? `, in ${unit}${meant}` : ""}; one scale for the whole set`;
}
