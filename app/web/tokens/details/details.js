/** The panel of one token: values with rank and percentile, probability, decision, what else could follow. */

import { button, node, segmented, setAttributes, setHidden, setText, tableHead } from "../../dom/dom.js";
import { noteField } from "../../dom/note_field.js";
import { decisionOf, logProbOf, selectedTokens, shownIndex, weightWords } from "../../model/shown_unit.js";
import { sourceIn, sourceLabel } from "../../model/signal_entry.js";
import { place, placeAmong } from "../../score/ranks.js";
import { countText, ordinal } from "../../text/numbers.js";
import { shortened, shortNumber } from "../../text/strip_marks.js";
import { unitPlace } from "../../text/strip_windows.js";
import { lockHighest } from "./proposed_token.js";
import { maskingWords, signalTable } from "./signal_table.js";

const THREE_WAY = [
  { value: "rule", label: "By rule", title: "The rule decides (Space)" },
  { value: "in", label: "In", title: "Always a target" },
  { value: "out", label: "Out", title: "Never a target" },
];

const OF_TOKENS = {
  sum: "the sum over its tokens",
  mean: "the mean over its tokens",
  max: "that of its highest token",
};

/** Returns `{element, update}`; `alternatives` is an `AlternativesView`. */
export function detailsPanel(model, alternatives) {
  const title = node("strong", { class: "tu-big-token" });
  const where = node("span", { class: "tu-where" });
  const values = valueTable(model);
  const table = node(
    "table",
    { class: "tu-values" },
    tableHead(["", "value", "rank", "percentile"]),
    values.body,
  );
  const ofWord = node("p", { class: "tu-note" });
  const decision = node("span", { class: "tu-decision" });
  const override = segmented("Override", THREE_WAY, (value) => {
    const tokens = selectedTokens(model) ?? unitOfToken(model)?.tokens;
    if (tokens) model.force(tokens, value === "rule" ? null : value);
  });
  const note = noteField(model, () => unitOfToken(model)?.tokens ?? []);
  const masking = node("p", { class: "tu-note tu-masking" });
  const signals = signalTable(model);
  const full = node(
    "div",
    {},
    node("div", { class: "tu-token-head" }, title, where),
    table,
    ofWord,
    node("div", { class: "tu-override" }, decision, override.element),
    note.element,
    alternatives.element,
    masking,
    signals.element,
  );
  const empty = node(
    "div",
    { class: "tu-empty" },
    node("p", { text: "Hover a token to see its values; click to keep it." }),
    button("Show the highest token", () => lockHighest(model), { class: "tu-button" }),
  );
  const element = node(
    "section",
    { class: "tu-details", attributes: { "aria-label": "Token" } },
    node("h2", { text: "Token" }),
    full,
    empty,
  );
  const update = () => {
    const index = shownIndex(model);
    setHidden(full, index === null);
    setHidden(empty, index !== null);
    if (index === null) return;
    const unit = unitOfToken(model);
    const { columns, row } = model;
    const tokens = unit?.tokens ?? [index];
    setText(title, shortened(unit?.text ?? "", 60));
    const [from, to] = [tokens[0] - row.first + 1, tokens.at(-1) - row.first + 1];
    const gold = tokens.some((each) => columns.gold?.[each] === 1);
    setText(
      where,
      `${from === to ? `token ${from}` : `tokens ${from}–${to}`} of ${row.count}${gold ? ", part of the fact" : ""}`,
    );
    values.update(index, tokens);
    setHidden(ofWord, tokens.length === 1);
    setText(ofWord, ofWordWords(model));
    const selected = selectedTokens(model);
    setText(
      decision,
      selected ? `${countText(selected.length)} tokens selected` : decisionText(model, tokens),
    );
    override.update(model.overrides.shared(selected ?? tokens) ?? "rule");
    note.update();
    setText(masking, maskingWords(model, index));
    signals.update(index);
    alternatives.update();
  };
  return { element, update };
}

/** Returns how the values of a word are made from those of its tokens. */
export function ofWordWords(model) {
  const how = (signal) => `${signal} is ${OF_TOKENS[model.infoOf(signal).over_word ?? "max"]}`;
  return `Of the word: ${how("knowledge")}, ${how("entropy")}, φ is ${OF_TOKENS.max}; the probability is that of all its tokens.`;
}

function unitOfToken(model) {
  const index = shownIndex(model);
  const units = model.units();
  return units[unitPlace(units, index)];
}

function decisionText(model, tokens) {
  const words = decisionOf(model, tokens);
  return words.charAt(0).toUpperCase() + words.slice(1) + weightWords(model, tokens);
}

/**
 * The table's rows, made once; `update(index, tokens)` writes the values of a token, or of a word of several,
 * into them.
 */
function valueTable(model) {
  const names = { knowledge: "Knowledge", entropy: "Entropy", fused: "Fused φ" };
  const lines = Object.entries(names).map(([signal, name]) =>
    tableLine(name, node("span", { class: "tu-dot", style: { "--tu-hue": `var(--tu-${signal})` } })),
  );
  const probability = tableLine("Probability", node("span", { class: "tu-dot is-none" }));
  const body = node("tbody", {}, ...lines.map((line) => line.element), probability.element);
  const update = (index, tokens) => {
    Object.keys(names).forEach((signal, at) => {
      const value = model.valuesOf(signal)[index];
      // Fused is another one with each move of a slider, and then sorting it would take longer.
      const found =
        signal === "fused"
          ? placeAmong(model.valuesOf(signal), model.ranked(), value)
          : place(model.sorted(signal), value);
      const source =
        signal === "fused" ? null : sourceLabel(model, sourceIn(model, model.row, model.rule[signal]));
      lines[at].write(
        [
          valueWords(signal, value, model.unitOf(signal)),
          found ? `${found.rank} of ${found.of}` : "",
          found ? ordinal(Math.floor(found.percentile)) : "",
        ],
        source,
      );
    });
    const logProb = logProbOf(model, tokens);
    setHidden(probability.element, !Number.isFinite(logProb));
    if (Number.isFinite(logProb)) probability.write([probabilityWords(logProb), "", ""], null);
  };
  return { body, update };
}

function tableLine(name, dot) {
  const head = node("th", { attributes: { scope: "row" } }, dot, name);
  const cells = [node("td"), node("td"), node("td")];
  const write = (texts, title) => {
    setAttributes(head, { title });
    texts.forEach((text, at) => setText(cells[at], text));
  };
  return { element: node("tr", {}, head, ...cells), write };
}

function valueWords(signal, value, unit) {
  if (!Number.isFinite(value)) return "no score";
  return `${signal === "fused" ? value.toFixed(3) : shortNumber(value)}${unit ? ` ${unit}` : ""}`;
}

const SUPERSCRIPTS = {
  "-": "⁻",
  "+": "",
  ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].map((sign, digit) => [digit, sign])),
};

/** Returns e^logProb for people: three decimals, or a power of ten where it is tiny, "7.9·10⁻⁶". */
export function probabilityWords(logProb) {
  const probability = Math.exp(logProb);
  if (probability >= 0.0005 || probability === 0) return probability.toFixed(3);
  const [digits, power] = probability.toExponential(1).split("e");
  return `${digits}·10${[...power].map((sign) => SUPERSCRIPTS[sign]).join("")}`;
}
