// How a rule turns fused scores into weights: hard, soft, and the controls uniform, random and gold.
//
// A unit is what is taken whole: a word, or one token. A scope is what has a budget of its own: the set, or
// a row. Rows need not lie together, and everything runs in token order, as in tokenunlearn/selection.py.

import { asFloats } from "./fusion.js";
import { Memory } from "./memoise.js";
import { order } from "./sort.js";

/**
 * What the modes work on; `key` names the settings that `fused` and `excluded` were made with.
 * @typedef {{columns: Columns, rule: Rule, fused: Float64Array, excluded: Uint8Array, memory:
 *   import('./memoise.js').Memory, key: string}} Choice
 */

/**
 * Returns one weight per token, before any override.
 * @param {Choice} choice
 * @returns {Float64Array}
 */
export function ruleWeights(choice) {
  const { columns, rule, fused } = choice;
  if (rule.mode === "uniform") return new Float64Array(fused.length).fill(1);
  if (rule.mode === "gold") return goldWeights(columns.gold, fused.length);
  if (rule.mode === "soft") return softWeights(choice);
  // As many as top_fraction
  if (rule.mode === "random") return random_like(columns, hardWeights(choice), fused, choice.memory);
  return hardWeights(choice);
}

/**
 * @param {ArrayLike<number|null>} gold
 * @param {number} count
 */
function goldWeights(gold, count) {
  const weights = new Float64Array(count);
  for (let index = 0; index < count; index++) weights[index] = Number(gold[index] === 1);
  return weights;
}

/**
 * The scope of each token, numbered from 0, and how many there are: one for the set, or one per row.
 * @param {Choice} choice
 * @param {string} scope
 */
function scopes({ columns, memory }, scope) {
  return scope === "row" ? rowNumbers(columns, memory) : { of: new Int32Array(columns.row.length), count: 1 };
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
 * 0 or 1 for each token: the best units, best first, until the budget of their scope is reached.
 * @param {Choice} choice
 */
function hardWeights(choice) {
  const { rule, fused, memory } = choice;
  const scope = scopes(choice, rule.scope);
  const { candidates, starts, best } = memory.once("units", `${choice.key} ${rule.whole_words}`, () =>
    candidateUnits(choice),
  );
  const weights = new Float64Array(fused.length);
  const take = (unit) => {
    for (let at = starts[unit]; at < starts[unit + 1]; at++) weights[candidates[at]] = 1;
  };
  if (rule.mode === "threshold") {
    for (let unit = 0; unit < best.length; unit++) if (best[unit] >= rule.threshold) take(unit);
    return weights;
  }
  const left = budgets(rule, fused, scope);
  for (const unit of memory.once("ranking", best, () => order(best, true))) {
    const number = scope.of[candidates[starts[unit]]];
    if (left[number] <= 0) continue;
    left[number] -= starts[unit + 1] - starts[unit];
    take(unit);
  }
  return weights;
}

/**
 * How many tokens each scope may take.
 * @param {Rule} rule
 * @param {Float64Array} fused
 * @returns {Float64Array}
 */
function budgets(rule, fused, scope) {
  const left = new Float64Array(scope.count);
  if (rule.mode === "top_k") return left.fill(rule.k);
  for (let index = 0; index < fused.length; index++)
    if (!Number.isNaN(fused[index])) left[scope.of[index]] += 1;
  return left.map((scored) => Math.floor(rule.fraction * scored + 0.5));
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
 * φ^γ / mean(φ^γ) over the candidates of the scope; all 1 where every φ^γ is 0 (0/0 otherwise).
 * @param {Choice} choice
 */
function softWeights(choice) {
  const { rule, fused, excluded } = choice;
  const scope = scopes(choice, rule.scope);
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
    weights[index] = mean > 0 ? weights[index] / mean : 1;
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
