/** Says what one chip of the strip shows: state, glyph, strength, number and spoken label. Pure. */

import { place } from "../score/ranks.js";
import { formatNumber } from "./numbers.js";

export const GLYPHS = { chosen: "●", in: "+", out: "−", excluded: "○", mixed: "◐", plain: "" };
const SPOKEN = { knowledge: "knowledge", entropy: "entropy", fused: "fused" };

/** Returns the state of a unit: the one its tokens share; "mixed" where only some are targets or forced. */
export function unitState(unit, stateOf) {
  if (unit.tokens.length === 1) return stateOf(unit.tokens[0]);
  const states = new Set(unit.tokens.map(stateOf));
  if (states.size === 1) return stateOf(unit.tokens[0]);
  return ["in", "out", "chosen"].some((state) => states.has(state)) ? "mixed" : "plain";
}

/** Returns the weight that is drawn as the thickest bar: the largest of the mask. */
export function fullWeight({ mask }) {
  return mask.weights.reduce((most, weight) => Math.max(most, weight), 0);
}

/**
 * Returns how thick the bar of a unit is, 0 to 1: the mean weight of its tokens over the full one.
 * @param {number[]} tokens
 */
export function weightShare(weights, tokens, full) {
  const sum = tokens.reduce((total, index) => total + weights[index], 0);
  return full > 0 ? sum / tokens.length / full : 0;
}

/** Returns a value as written beside tokens: three digits that matter, sign as −. */
export function shortNumber(value) {
  const size = Math.abs(value);
  return formatNumber(value, size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** Returns a text that fits a label: its first 80 characters. */
export function shortened(text, most = 80) {
  return text.length <= most
    ? text
    : `${Array.from(text.slice(0, 2 * most))
        .slice(0, most)
        .join("")}…`;
}

/** Returns the note on a unit: that of the first of its tokens that has one, or "". */
export function noteOf(unit, overrides) {
  for (const index of unit.tokens) {
    const note = overrides.note(index);
    if (note) return note;
  }
  return "";
}

/** Returns the spoken label: "token 7 of 31, T, knowledge 6.6 nats, rank 2, chosen by the rule". */
export function spokenLabel({
  unit,
  position,
  count,
  value,
  unitName,
  signal,
  sorted,
  decision,
  flags,
  words,
  note = "",
}) {
  const parts = [`${words ? "word" : "token"} ${position + 1} of ${count}`, shortened(unit.text)];
  if (Number.isFinite(value)) {
    parts.push(`${SPOKEN[signal] ?? signal} ${shortNumber(value)}${unitName ? ` ${unitName}` : ""}`);
    const at = place(sorted, value);
    if (at) parts.push(`rank ${at.rank}`);
  } else parts.push(flags.subject ? "name: no score" : "no score");
  if (flags.mark) parts.push(flags.mark);
  else if (flags.gold) parts.push("part of the fact");
  parts.push(decision);
  if (note) parts.push(`note: ${note}`);
  return parts.join(", ");
}
