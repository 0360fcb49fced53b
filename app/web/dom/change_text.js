/** Paints the change of each token's probability on the text of its answer: purple rose, orange fell. */

import { node } from "./dom.js";

/**
 * Returns parts `{text, change}` of an answer; `change` (after − before, −1…1) is null outside tokens. Pure.
 * Offsets count code points, as Python does.
 * @param {string} answer
 * @param {{starts: number[], ends: number[], before: number[], after: number[]}} tokens probabilities
 */
export function changeParts(answer, tokens) {
  const characters = Array.from(answer);
  const parts = [];
  let at = 0;
  tokens.starts.forEach((from, index) => {
    const start = Math.max(at, from);
    const end = Math.max(start, tokens.ends[index]);
    if (start > at) parts.push({ text: characters.slice(at, start).join(""), change: null });
    const text = characters.slice(start, end).join("");
    if (text) parts.push({ text, change: tokens.after[index] - tokens.before[index], index });
    at = end;
  });
  if (at < characters.length) parts.push({ text: characters.slice(at).join(""), change: null });
  return parts;
}

/** Returns the fill of a change; nothing within ±0.005, so that what stayed keeps the page's colour. Pure. */
export function changeFill(change) {
  if (!Number.isFinite(change) || Math.abs(change) < 0.005) return "transparent";
  const hue = change > 0 ? "var(--tx-rise)" : "var(--tx-fall)";
  const share = Math.min(1, Math.abs(change)).toFixed(3);
  return `color-mix(in srgb, ${hue} calc(var(--tx-change-top) * ${share}), transparent)`;
}

/** Returns the fill of a probability, as strong as it is high. Pure. */
export function probabilityFill(probability) {
  return `color-mix(in srgb, var(--tx-likely) calc(var(--tx-change-top) * ${Math.min(1, Math.max(0, probability)).toFixed(3)}), transparent)`;
}

/**
 * Returns a paragraph with the answer, each token filled by its change, or by its probability on one side,
 * and titled with its numbers.
 * @param {string} answer
 * @param {{starts: number[], ends: number[], before: number[], after: number[], trained?: number[]}} tokens
 * @param {number[][]} gold spans
 * @param {"before"|"after"|"difference"} side
 * @param {string[]} sides what the two sides are called
 */
export function changeText(answer, tokens, gold = [], side = "difference", sides = ["before", "after"]) {
  const inGold = (index) =>
    gold.some(([start, end]) => tokens.starts[index] < end && tokens.ends[index] > start);
  const trained = new Set(tokens.trained ?? []);
  const pieces = changeParts(answer, tokens).map((part) => {
    if (part.change === null) return [part.text];
    const [was, is] = [tokens.before[part.index], tokens.after[part.index]];
    const sign = part.change < 0 ? "−" : "+";
    const mine = trained.has(part.index);
    const spoken = `probability ${was.toFixed(3)} ${sides[0]}, ${is.toFixed(3)} ${sides[1]}`;
    const space = part.text.match(/^\s*/)[0];
    const classes = ["tx-token", inGold(part.index) && "tx-gold", mine && "tx-trained"]
      .filter(Boolean)
      .join(" ");
    const token = node("span", {
      class: classes,
      text: part.text.slice(space.length),
      style: {
        background:
          side === "difference" ? changeFill(part.change) : probabilityFill(tokens[side][part.index]),
      },
      attributes: {
        title: `${spoken} (${sign}${Math.abs(part.change).toFixed(3)})${mine ? "; unlearned by the run" : ""}`,
      },
    });
    return [space, token];
  });
  return node("p", { class: "tx-change" }, ...pieces.flat());
}

/**
 * Returns the legend: words at both ends, zero is the page.
 * @param {"before"|"after"|"difference"} side
 * @param {string} marks
 * @param {string[]} sides what the two sides are called
 */
export function changeLegend(
  side = "difference",
  marks = "the fact is underlined",
  sides = ["before", "after"],
) {
  const change = side === "difference";
  const what = change
    ? `probability of each taught token, those before it given, ${sides[1]} − ${sides[0]}`
    : `probability of each taught token ${side} the run, those before it given`;
  return node(
    "div",
    { class: "tx-legend" },
    node("span", { text: change ? "less likely" : "0" }),
    node("span", { class: change ? "tx-ramp" : "tx-ramp is-likely", attributes: { "aria-hidden": true } }),
    node("span", { text: change ? "more likely" : "1" }),
    node("span", { class: "tx-note", text: `${what}; ${marks}` }),
  );
}
