// Fused scores and a rule become one weight per token. Twin: tokenunlearn/selection.py.
//
// 1. Fuse the two signals (fusion.js).  2. Mark the excluded tokens.  3. The mode gives each token its
// weight.  4. Overrides last. Words are runs of tokens with the same row and word number; only the
// candidates in a word are taken with it. The browser previews; the server owns the mask.

import { asFloats, fuse, groups, position, sequential_sum } from './fusion.js';

export const MODES = ['top_fraction', 'top_k', 'threshold', 'soft', 'uniform', 'random', 'gold'];

/** The columns that are no signal; `start` and `end` (offsets for the strip) may stand among them. */
export const STRUCTURE = ['row', 'word', 'subject', 'stop', 'punctuation', 'gold', 'random_key', 'start', 'end'];

/** The defaults of the Python `Rule`; a test compares the two. */
export const DEFAULT_RULE = Object.freeze({
  knowledge: 'knowledge_swap',
  entropy: 'entropy',
  alpha: 0.8,
  normaliser: 'p99',
  normalise_over: 'set',
  mode: 'top_fraction',
  scope: 'set',
  fraction: 0.25,
  k: 3,
  threshold: 0.5,
  gamma: 1.0,
  whole_words: true,
  exclude_subjects: true,
  exclude_stop_words: true,
  exclude_punctuation: true,
});

/**
 * @typedef {Record<string, ArrayLike<any>>} Columns  the structure columns and the signals, one value per token
 * @typedef {typeof DEFAULT_RULE} Rule
 * @typedef {Record<string, 'in'|'out'>|Map<number, 'in'|'out'>} Overrides  by token index
 * @typedef {{fused: Float64Array, weights: Float64Array, selected: Uint8Array, excluded: Uint8Array}} Selection
 */

/**
 * The rule applied to the columns, then the overrides. Keys that `rule` leaves out have their default.
 * Raises RangeError for an unknown signal, mode or override, as the Python twin does.
 * @param {Columns} columns
 * @param {Partial<Rule>} rule
 * @param {Overrides} overrides
 * @returns {Selection}
 */
export function select(columns, rule = {}, overrides = {}) {
  const full = { ...DEFAULT_RULE, ...rule };
  if (!MODES.includes(full.mode)) throw new RangeError(`mode is '${full.mode}'. There are: ${MODES.join(', ')}.`);
  const fused = fusedScores(columns, full);
  const count = fused.length;
  const excluded = excludedTokens(columns, full, count);
  const weights = ruleWeights(columns, full, fused, excluded);
  for (const [index, state] of overrides instanceof Map ? overrides : Object.entries(overrides)) {
    applyOverride(weights, Number(index), state);
  }
  const selected = new Uint8Array(count);
  for (let index = 0; index < count; index++) selected[index] = Number(weights[index] > 0);
  return { fused, weights, selected, excluded };
}

/**
 * How many tokens, words and gold tokens are selected, and which rows have none.
 * @param {Columns} columns
 * @param {ArrayLike<number|boolean>} selected
 */
export function count_selected(columns, selected) {
  const count = columns.row.length;
  const words = wordNumbers(columns);
  const counts = { tokens: 0, of_tokens: count, words: 0, of_words: count ? words[count - 1] + 1 : 0, gold: 0, of_gold: 0 };
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

/** @param {Columns} columns @param {Rule} rule @param {number} count @returns {Uint8Array} */
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

/** @param {Float64Array} weights @param {number} index @param {string} state */
function applyOverride(weights, index, state) {
  if (state !== 'in' && state !== 'out') throw new RangeError(`The override of token ${index} is '${state}'. It must be "in" or "out".`);
  if (!Number.isInteger(index) || index < 0 || index >= weights.length) {
    throw new RangeError(`The override of token ${index} is outside the text. There are ${weights.length} tokens.`);
  }
  weights[index] = state === 'in' ? 1 : 0;
}

/** @param {Columns} columns @param {Rule} rule @returns {Float64Array} */
function fusedScores(columns, rule) {
  const signals = Object.keys(columns).filter((name) => !STRUCTURE.includes(name));
  for (const [name, share] of [[rule.knowledge, rule.alpha], [rule.entropy, 1 - rule.alpha]]) {
    if (share > 0 && !signals.includes(String(name))) {
      throw new RangeError(`There is no signal '${name}' here. There are: ${signals.join(', ')}.`);
    }
  }
  const rows = rule.normalise_over === 'row' ? columns.row : null;
  return fuse(columns[rule.knowledge] ?? null, columns[rule.entropy] ?? null, rule.alpha, rule.normaliser, rows);
}

/** @param {Columns} columns @param {Rule} rule @param {Float64Array} fused @param {Uint8Array} excluded */
function ruleWeights(columns, rule, fused, excluded) {
  if (rule.mode === 'uniform') return new Float64Array(fused.length).fill(1);
  if (rule.mode === 'gold') return Float64Array.from(columns.gold, (value) => Number(value === 1));
  if (rule.mode === 'soft') return softWeights(columns, rule, fused, excluded);
  if (rule.mode === 'random') return randomWeights(columns, rule, fused, excluded);
  return hardWeights(columns, rule, fused, excluded);
}

/** @param {Columns} columns @param {Rule} rule */
function scopes(columns, rule) {
  return groups(rule.scope === 'row' ? columns.row : null, columns.row.length);
}

/**
 * 0 or 1 for each token: the best units, best first, until the budget of the scope is reached.
 * @param {Columns} columns @param {Rule} rule @param {Float64Array} fused @param {Uint8Array} excluded
 */
function hardWeights(columns, rule, fused, excluded) {
  const words = rule.whole_words ? wordNumbers(columns) : null;
  const weights = new Float64Array(fused.length);
  for (const group of scopes(columns, rule)) {
    const { candidates, starts, scored } = candidateUnits(group, fused, excluded, words);
    const units = starts.length - 1;
    const best = new Float64Array(units).fill(-Infinity);
    for (let unit = 0; unit < units; unit++) {
      for (let at = starts[unit]; at < starts[unit + 1]; at++) {
        if (fused[candidates[at]] > best[unit]) best[unit] = fused[candidates[at]];
      }
    }
    const byThreshold = rule.mode === 'threshold';
    const budget = rule.mode === 'top_k' ? rule.k : Math.floor(rule.fraction * scored + 0.5);
    let running = 0;
    for (const unit of byThreshold ? best.keys() : order(best, true)) {
      if (byThreshold ? !(best[unit] >= rule.threshold) : running >= budget) {
        if (byThreshold) continue;
        break;
      }
      for (let at = starts[unit]; at < starts[unit + 1]; at++) weights[candidates[at]] = 1;
      running += starts[unit + 1] - starts[unit];
    }
  }
  return weights;
}

/**
 * The candidates of a scope and where each unit (word, or token when `words` is null) starts among them,
 * closed by their number.
 * @param {ArrayLike<number>} group @param {Float64Array} fused @param {Uint8Array} excluded @param {Int32Array|null} words
 */
function candidateUnits(group, fused, excluded, words) {
  const candidates = [];
  const starts = [];
  let scored = 0;
  let last = -1;
  for (let at = 0; at < group.length; at++) {
    const index = group[at];
    if (Number.isNaN(fused[index])) continue;
    scored += 1;
    if (excluded[index]) continue;
    const unit = words ? words[index] : index;
    if (unit !== last) starts.push(candidates.length);
    last = unit;
    candidates.push(index);
  }
  starts.push(candidates.length);
  return { candidates, starts, scored };
}

/**
 * φ^γ / mean(φ^γ) over the candidates of the scope; all 1 where every φ^γ is 0 (0/0 otherwise).
 * @param {Columns} columns @param {Rule} rule @param {Float64Array} fused @param {Uint8Array} excluded
 */
function softWeights(columns, rule, fused, excluded) {
  const weights = new Float64Array(fused.length);
  for (const group of scopes(columns, rule)) {
    const { candidates } = candidateUnits(group, fused, excluded, null);
    const powers = new Float64Array(candidates.length);
    for (let at = 0; at < powers.length; at++) powers[at] = fused[candidates[at]] ** rule.gamma;
    const mean = sequential_sum(powers) / powers.length;
    for (let at = 0; at < powers.length; at++) weights[candidates[at]] = mean > 0 ? powers[at] / mean : 1;
  }
  return weights;
}

/**
 * Per row as many tokens as top_fraction chooses, by ascending key, among scored non-subject tokens.
 * @param {Columns} columns @param {Rule} rule @param {Float64Array} fused @param {Uint8Array} excluded
 */
function randomWeights(columns, rule, fused, excluded) {
  const chosen = hardWeights(columns, rule, fused, excluded);
  const keys = asFloats(columns.random_key);
  const weights = new Float64Array(fused.length);
  for (const group of groups(columns.row, fused.length)) {
    const members = Array.from(group);
    const allowed = members.filter((index) => !Number.isNaN(fused[index]) && !columns.subject[index]);
    const number = members.reduce((sum, index) => sum + chosen[index], 0);
    const drawn = order(Float64Array.from(allowed, (index) => keys[index]), false).subarray(0, number);
    for (const at of drawn) weights[allowed[at]] = 1;
  }
  return weights;
}

/**
 * The places of the values in sorted order, ties by place. The native sort of a Float64Array and a
 * binary search beat a sort of indices with a comparison function several times at 10,000 tokens.
 * @param {Float64Array} values @param {boolean} descending @returns {Int32Array}
 */
function order(values, descending) {
  const sorted = values.slice().sort();
  const taken = new Int32Array(values.length + 1);
  const result = new Int32Array(values.length);
  for (let place = 0; place < values.length; place++) {
    const first = descending ? values.length - position(sorted, values[place], true) : position(sorted, values[place], false);
    result[first + taken[first]++] = place;
  }
  return result;
}

/** A number per token, the same within a run of equal row and word. @param {Columns} columns @returns {Int32Array} */
export function wordNumbers(columns) {
  const { row, word } = columns;
  const numbers = new Int32Array(row.length);
  for (let index = 1; index < numbers.length; index++) {
    numbers[index] = numbers[index - 1] + Number(row[index] !== row[index - 1] || word[index] !== word[index - 1]);
  }
  return numbers;
}
