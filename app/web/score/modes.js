// Fused scores become weights: a mode is a function. Twin: tokenunlearn/modes.py.
//
// A unit is what is taken whole: a word, or one token. A scope is what has a budget of its own: the set, or
// a row. Rows need not lie together, and everything runs in token order.

import { asFloats } from "./fusion.js";
import { micro } from "./mask_hash.js";
import { Memory } from "./memoise.js";
import { order } from "./sort.js";

/**
 * What the modes work on; `key` names the settings that `fused` and `excluded` were made with.
 * @typedef {{columns: Columns, rule: Rule, fused: Float64Array, excluded: Uint8Array, memory:
 *   import('./memoise.js').Memory, key: string}} Choice
 */

/**
 * The modes that take the best units until the budget of their scope is used up: tokens for each scope.
 * @type {Record<string, (choice: Choice) => Float64Array>}
 */
const BUDGETS = {
  top_fraction: shares,
  top_k: (choice) => new Float64Array(scopesOf(choice).count).fill(choice.rule.k),
};

/**
 * A mode's weights, one per token, before any override; what else is said of a mode the server sends.
 * @type {Record<string, (choice: Choice) => Float64Array>}
 */
export const MODES = {
  ...Object.fromEntries(
    Object.entries(BUDGETS).map(([name, budget]) => [name, (choice) => firstUnits(choice, budget(choice))]),
  ),
  threshold: thresholdWeights,
  soft: softWeights,
  uniform: ({ fused }) => new Float64Array(fused.length).fill(1),
  random: (choice) => random_like(choice.columns, MODES.top_fraction(choice), choice.fused, choice.memory),
  gold: ({ columns, fused }) => Float64Array.from(fused, (_, index) => Number(columns.gold[index] === 1)),
};

/**
 * Whether a rule takes the best first, so that the lowest score taken is the cut of its scope.
 * @param {Rule} rule
 */
export function takesBestFirst({ mode }) {
  return mode in BUDGETS;
}

/**
 * The scope of each token, numbered from 0, and how many there are: one for the set, or one per row.
 * @param {Choice} choice
 */
function scopesOf({ columns, rule, memory }) {
  return rule.scope === "row"
    ? rowNumbers(columns, memory)
    : { of: new Int32Array(columns.row.length), count: 1 };
}

/**
 * The row of each token, numbered from 0, and how many there are.
 * @param {Columns} columns
 */
function rowNumbers(columns, memory) {
  return memory.once("rows", columns.row, () => {
    const numbers = new Map();
    const of = new Int32Array(columns.row.length);
    for (let index = 0; index < of.length; index++) {
      const row = columns.row[index];
      if (!numbers.has(row)) numbers.set(row, numbers.size);
      of[index] = numbers.get(row);
    }
    return { of, count: Math.max(1, numbers.size) };
  });
}

/**
 * 0 or 1 for each token: the best units, best first, until what is left of their scope's budget is used up.
 * @param {Choice} choice
 * @param {Float64Array} left  tokens that each scope may take
 */
function firstUnits(choice, left) {
  const { fused, memory } = choice;
  const scope = scopesOf(choice);
  const units = unitsOf(choice);
  const weights = new Float64Array(fused.length);
  for (const unit of memory.once("ranking", units.best, () => order(units.best, true))) {
    const number = scope.of[units.candidates[units.starts[unit]]];
    if (left[number] <= 0) continue;
    left[number] -= units.starts[unit + 1] - units.starts[unit];
    take(units, unit, weights);
  }
  return weights;
}

/**
 * 0 or 1 for each token: every unit whose best score reaches the cut.
 * @param {Choice} choice
 */
function thresholdWeights(choice) {
  const units = unitsOf(choice);
  const weights = new Float64Array(choice.fused.length);
  for (let unit = 0; unit < units.best.length; unit++)
    if (units.best[unit] >= choice.rule.threshold) take(units, unit, weights);
  return weights;
}

function take({ candidates, starts }, unit, weights) {
  for (let at = starts[unit]; at < starts[unit + 1]; at++) weights[candidates[at]] = 1;
}

/**
 * How many tokens each scope may take: its share of the scored ones, rounded half up.
 * @param {Choice} choice
 */
function shares(choice) {
  const { rule, fused } = choice;
  const scope = scopesOf(choice);
  const scored = new Float64Array(scope.count);
  for (let index = 0; index < fused.length; index++)
    if (!Number.isNaN(fused[index])) scored[scope.of[index]] += 1;
  return scored.map((count) => Math.floor(rule.fraction * count + 0.5));
}

/** @param {Choice} choice */
function unitsOf(choice) {
  return choice.memory.once("units", `${choice.key} ${choice.rule.whole_words}`, () =>
    candidateUnits(choice),
  );
}

/**
 * The candidates, where each unit (word, or token unless words are taken whole) starts among them, closed
 * by their number, and the highest score in each unit.
 * @param {Choice} choice
 */
function candidateUnits({ columns, rule, fused, excluded, memory }) {
  const words = rule.whole_words ? memory.once("words", columns.word, () => wordNumbers(columns)) : null;
  const candidates = new Int32Array(fused.length);
  const starts = new Int32Array(fused.length + 1);
  const best = new Float64Array(fused.length);
  let [count, units, last] = [0, 0, -1];
  for (let index = 0; index < fused.length; index++) {
    if (excluded[index] || Number.isNaN(fused[index])) continue;
    const unit = words ? words[index] : index;
    if (unit !== last) {
      starts[units] = count;
      best[units++] = fused[index];
    } else if (fused[index] > best[units - 1]) best[units - 1] = fused[index];
    last = unit;
    candidates[count++] = index;
  }
  starts[units] = count;
  return { candidates: candidates.subarray(0, count), starts, best: best.subarray(0, units) };
}

/**
 * φ^γ / mean(φ^γ) over the candidates of the scope; all 1 where every φ^γ is 0 (0/0 otherwise). What rounds to
 * no millionth is 0.
 * @param {Choice} choice
 */
function softWeights(choice) {
  const { rule, fused, excluded } = choice;
  const scope = scopesOf(choice);
  const weights = new Float64Array(fused.length);
  const sums = new Float64Array(scope.count);
  const counts = new Float64Array(scope.count);
  for (let index = 0; index < fused.length; index++) {
    if (excluded[index] || Number.isNaN(fused[index])) continue;
    weights[index] = fused[index] ** rule.gamma;
    sums[scope.of[index]] += weights[index];
    counts[scope.of[index]] += 1;
  }
  for (let index = 0; index < fused.length; index++) {
    if (excluded[index] || Number.isNaN(fused[index])) continue;
    const mean = sums[scope.of[index]] / counts[scope.of[index]];
    const weight = mean > 0 ? weights[index] / mean : 1;
    weights[index] = micro(weight) > 0 ? weight : 0;
  }
  return weights;
}

/**
 * Returns the control of a mask: its weights on random tokens of the same rows, each row as many and the same
 * ones. Drawn by ascending key among scored tokens that are no subject; a row with too few of these goes on
 * with its other tokens. The nth token drawn gets the row's nth weight.
 * @param {Columns} columns
 * @param {ArrayLike<number>} weights  final, overrides included
 * @param {ArrayLike<number>} fused
 * @param {import('./memoise.js').Memory} memory  of these very columns
 */
export function random_like(columns, weights, fused, memory = new Memory()) {
  const { of, count } = rowNumbers(columns, memory);
  const kept = Array.from({ length: count }, () => []);
  for (let index = 0; index < weights.length; index++)
    if (weights[index] > 0) kept[of[index]].push(weights[index]);
  const drawn = new Float64Array(weights.length);
  const taken = new Int32Array(count);
  const byKey = memory.once("keys", columns.random_key, () => order(asFloats(columns.random_key)));
  for (const last of [false, true]) {
    for (const index of byKey) {
      const row = of[index];
      if (
        last !== (Number.isNaN(fused[index]) || !!columns.subject[index]) ||
        taken[row] === kept[row].length
      )
        continue;
      drawn[index] = kept[row][taken[row]++];
    }
  }
  return drawn;
}

/**
 * A number per token, the same within a run of equal row and word.
 * @param {Columns} columns
 * @returns {Int32Array}
 */
export function wordNumbers(columns) {
  const { row, word } = columns;
  const numbers = new Int32Array(row.length);
  for (let index = 1; index < numbers.length; index++) {
    numbers[index] =
      numbers[index - 1] + Number(row[index] !== row[index - 1] || word[index] !== word[index - 1]);
  }
  return numbers;
}
