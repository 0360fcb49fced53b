/**
 * What a place of the strip stands for: its token or, while words are shown, all tokens of its word. Pure.
 */

import { unitPlace } from "../text/strip_windows.js";
import { decisionWords } from "../text/why.js";

/**
 * Returns the index that the page speaks of: what pointer or arrow keys preview, else what is locked, else
 * the end of an open range; null for none.
 */
export function shownIndex({ view }) {
  return view.hovered ?? view.locked ?? (view.anchor === null ? null : view.focus);
}

/**
 * Returns the tokens that are shown as one with a token, in order.
 * @returns {number[]}
 */
export function tokensAt(model, index) {
  if (!model.view.words) return [index];
  const [low, high] = wordBounds(model.columns, index);
  return Array.from({ length: high - low + 1 }, (_, at) => low + at);
}

/** Returns the open range `[from, to]` in units of the row, or null where no more than one unit is in it. */
export function openRange(model) {
  const { anchor, focus } = model.view;
  const [from, to] = [anchor, focus].map((index) => unitPlace(model.units(), index));
  return from < 0 || to < 0 || from === to ? null : [Math.min(from, to), Math.max(from, to)];
}

/**
 * Returns the tokens of the open range, in order, or null where there is none.
 * @returns {number[]|null}
 */
export function selectedTokens(model) {
  const range = openRange(model);
  return (
    range &&
    model
      .units()
      .slice(range[0], range[1] + 1)
      .flatMap((unit) => unit.tokens)
  );
}

/** Returns the text of a token or, while words are shown, of its word; "" where there is nothing to see. */
export function textAt(model, index) {
  return model.view.words ? wordAt(model, index) : model.tokenText(index);
}

/** Returns what rule and person decided, in words; where the tokens differ, how many have which decision. */
export function decisionOf(model, tokens) {
  const counts = new Map();
  for (const index of tokens) {
    const words = tokenDecision(model, index);
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  if (counts.size === 1) return counts.keys().next().value;
  return `mixed: ${[...counts].map(([words, count]) => `${count} ${count === 1 ? "token" : "tokens"} ${words}`).join("; ")}`;
}

/**
 * Returns what soft weights the tokens have, ", weight 0.43", or "" where the rule does not weigh or gives
 * them none.
 */
export function weightWords({ rule, mask }, tokens) {
  const weights = tokens.map((index) => mask.weights[index]).filter((weight) => weight > 0);
  if (rule.mode !== "soft" || weights.length === 0) return "";
  return `, ${weights.length === 1 ? "weight" : "weights"} ${weights.map((weight) => weight.toFixed(2)).join(", ")}`;
}

function tokenDecision(model, index) {
  const { columns } = model;
  return decisionWords({
    state: model.stateOf(index),
    subject: columns.subject[index] === 1,
    stop: columns.stop[index] === 1,
    punctuation: columns.punctuation[index] === 1,
    scored: Number.isFinite(model.mask.fused[index]),
  });
}

/** Returns the locked token or word with what was decided on it, "“Oslo”: chosen by the rule", or "". */
export function lockedWords(model) {
  const { locked } = model.view;
  return locked === null ? "" : `“${textAt(model, locked)}”: ${decisionOf(model, tokensAt(model, locked))}`;
}

/**
 * Returns the log-probability of tokens one after the other, in nats: the sum; NaN where one is not known.
 */
export function logProbOf({ columns }, tokens) {
  const of = (index) => columns.log_prob?.[index] ?? (columns.loss ? -columns.loss[index] : NaN);
  return tokens.reduce((sum, index) => sum + of(index), 0);
}

/** Returns the text of the word a token belongs to, without the space around it; "" for null. */
export function wordAt(model, index) {
  if (index === null || index === undefined || index < 0) return "";
  const { columns, payload } = model;
  const row = payload.rows[columns.row[index]];
  const [low, high] = wordBounds(columns, index);
  return Array.from(row.answer).slice(columns.start[low], columns.end[high]).join("").trim();
}

/** Returns the first and last token of the word that a token belongs to. */
export function wordBounds({ row, word }, index) {
  const same = (other) => row[other] === row[index] && word[other] === word[index];
  let [low, high] = [index, index];
  while (low > 0 && same(low - 1)) low -= 1;
  while (high + 1 < row.length && same(high + 1)) high += 1;
  return [low, high];
}
