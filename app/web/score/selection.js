// Fused scores and a rule become one weight per token. Twin: tokenunlearn/selection.py.
//
// 1. Fuse the two signals (fusion.js).  2. Mark the excluded tokens.  3. The mode gives each token its
// weight.  4. Overrides last. Words are runs of tokens with the same row and word number; only the
// candidates in a word are taken with it. The browser previews; the server owns the mask.

import { blend, fuse, normalise } from "./fusion.js";
import { Memory } from "./memoise.js";
import { MODES, wordNumbers } from "./modes.js";

/** The columns that are no signal; `start` and `end` (offsets for the strip) may stand among them. */
export const STRUCTURE = [
  "row",
  "word",
  "subject",
  "stop",
  "punctuation",
  "gold",
  "random_key",
  "start",
  "end",
];

/**
 * The defaults of the Python `Rule`; a test compares the two. Which signals it begins with the payload says.
 */
export const DEFAULT_RULE = Object.freeze(
  /** @type {Rule} */ ({
    alpha: 0.8,
    normaliser: "p99",
    normalise_over: "set",
    mode: "top_fraction",
    scope: "set",
    fraction: 0.25,
    k: 3,
    threshold: 0.5,
    gamma: 1.0,
    whole_words: true,
    exclude_subjects: true,
    exclude_stop_words: true,
    exclude_punctuation: true,
  }),
);

/**
 * @typedef {Record<string, 'in'|'out'>|Map<number, 'in'|'out'>} Overrides  by token index
 * @typedef {{fused: Float64Array, weights: Float64Array, selected: Uint8Array, excluded: Uint8Array}}
 *   Selection
 */

/**
 * The rule applied to the columns, then the overrides. Keys that `rule` leaves out have their default. Raises
 * RangeError for an unknown signal, mode or override, as the Python twin does.
 *
 * With a `memory` of these very columns, steps whose settings have not changed are taken from it: moving the
 * cut neither normalises nor sorts again. `fused` and `excluded` then belong to the memory: only read them.
 * @param {Columns} columns
 * @param {Partial<Rule>} rule
 * @param {Overrides} overrides
 * @param {Memory} memory
 * @returns {Selection}
 */
export function select(columns, rule = {}, overrides = {}, memory = new Memory()) {
  const full = { ...DEFAULT_RULE, ...rule };
  if (!Object.hasOwn(MODES, full.mode))
    throw new RangeError(`mode is '${full.mode}'. There are: ${Object.keys(MODES).join(", ")}.`);
  const keys = keysOf(full);
  const fused = memory.once("fused", keys.fused, () => fusedScores(columns, full, memory, keys.signals));
  const excluded = memory.once("excluded", keys.excluded, () => excludedTokens(columns, full, fused.length));
  const weights = MODES[full.mode]({
    columns,
    rule: full,
    fused,
    excluded,
    memory,
    key: `${keys.fused} ${keys.excluded}`,
  });
  return overridden({ fused, weights, selected: chosen(weights), excluded }, overrides);
}

/**
 * The selection with tokens forced in (weight 1) or out (0); itself where there is no override.
 * @param {Selection} selection
 * @param {Overrides} overrides
 * @returns {Selection}
 */
export function overridden(selection, overrides) {
  const forced = overrides instanceof Map ? [...overrides] : Object.entries(overrides);
  if (!forced.length) return selection;
  const weights = selection.weights.slice();
  for (const [index, state] of forced) applyOverride(weights, Number(index), state);
  return { ...selection, weights, selected: chosen(weights) };
}

/**
 * @param {Float64Array} weights
 * @returns {Uint8Array} 1 for each weight above 0
 */
function chosen(weights) {
  const selected = new Uint8Array(weights.length);
  for (let index = 0; index < weights.length; index++) selected[index] = Number(weights[index] > 0);
  return selected;
}

/**
 * How many tokens, words and gold tokens are selected, and which rows have none.
 * @param {Columns} columns
 * @param {ArrayLike<number|boolean>} selected
 */
export function count_selected(columns, selected) {
  const count = columns.row.length;
  const words = wordNumbers(columns);
  const counts = {
    tokens: 0,
    of_tokens: count,
    words: 0,
    of_words: count ? words[count - 1] + 1 : 0,
    gold: 0,
    of_gold: 0,
  };
  const seen = new Set();
  const rows = new Map();
  for (let index = 0; index < count; index++) {
    const chosen = Number(!!selected[index]);
    const gold = Number(columns.gold[index] === 1);
    counts.tokens += chosen;
    counts.gold += gold & chosen;
    counts.of_gold += gold;
    if (chosen) seen.add(words[index]);
    rows.set(columns.row[index], (rows.get(columns.row[index]) ?? 0) + chosen);
  }
  const empty = [...rows].filter(([, chosen]) => !chosen).map(([row]) => row);
  return { ...counts, words: seen.size, empty_rows: empty.sort((a, b) => a - b) };
}

/**
 * @param {Columns} columns
 * @param {Rule} rule
 * @param {number} count
 * @returns {Uint8Array}
 */
function excludedTokens({ subject, stop, punctuation }, rule, count) {
  const excluded = new Uint8Array(count);
  for (let index = 0; index < count; index++) {
    if (
      (rule.exclude_subjects && subject[index]) ||
      (rule.exclude_stop_words && stop[index]) ||
      (rule.exclude_punctuation && punctuation[index])
    ) {
      excluded[index] = 1;
    }
  }
  return excluded;
}

/**
 * @param {Float64Array} weights
 * @param {number} index
 * @param {string} state
 */
function applyOverride(weights, index, state) {
  if (state !== "in" && state !== "out")
    throw new RangeError(`The override of token ${index} is '${state}'. It must be "in" or "out".`);
  if (!Number.isInteger(index) || index < 0 || index >= weights.length) {
    throw new RangeError(
      `The override of token ${index} is outside the text. There are ${weights.length} tokens.`,
    );
  }
  weights[index] = state === "in" ? 1 : 0;
}

/**
 * What the steps depend on, as texts: the normalised signals, the fused score, the exclusions.
 * @param {Rule} rule
 */
function keysOf(rule) {
  const signals = [rule.knowledge, rule.entropy, rule.normaliser, rule.normalise_over].join();
  const excluded = [rule.exclude_subjects, rule.exclude_stop_words, rule.exclude_punctuation].join();
  return { signals, fused: `${signals},${rule.alpha}`, excluded };
}

/**
 * @param {Columns} columns
 * @param {Rule} rule
 * @param {Memory} memory
 * @param {string} key
 * @returns {Float64Array}
 */
function fusedScores(columns, rule, memory, key) {
  const { knowledge, entropy, alpha, normaliser } = rule;
  const signals = Object.keys(columns).filter((name) => !STRUCTURE.includes(name));
  const wanted = [...(alpha > 0 ? [knowledge] : []), ...(alpha < 1 ? [entropy] : [])];
  for (const name of wanted) {
    if (!signals.includes(String(name)))
      throw new RangeError(`There is no signal '${name}' here. There are: ${signals.join(", ")}.`);
  }
  const rows = rule.normalise_over === "row" ? columns.row : null;
  if (!(alpha > 0 && alpha < 1))
    return fuse(columns[knowledge] ?? null, columns[entropy] ?? null, alpha, normaliser, rows);
  const both = memory.once("normalised", key, () =>
    [knowledge, entropy].map((name) => normalise(columns[name], normaliser, rows)),
  );
  return blend(both[0], both[1], alpha);
}
