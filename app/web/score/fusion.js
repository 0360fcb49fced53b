// Two signals become one score per token. Twin: tokenunlearn/fusion.py, bit for bit.
//
// Sums run in order of the tokens and the exponential is made of + and × only, because one bit
// decides between tied tokens and the two languages' libraries differ in the last one.

import { order } from "./sort.js";

/** @typedef {ArrayLike<number|null>} Values  a column; null and NaN mean "not scored" */

/**
 * The column as a Float64Array; null becomes NaN. A Float64Array comes back as it is, so convert once.
 * @param {Values} values
 * @returns {Float64Array}
 */
export function asFloats(values) {
  if (values instanceof Float64Array) return values;
  return Float64Array.from(values, (value) => (value === null || value === undefined ? NaN : Number(value)));
}

/**
 * The linearly interpolated quantile of finite values (NumPy's default rule); NaN of no values.
 * @param {ArrayLike<number>} values
 * @param {number} fraction in [0, 1]
 * @returns {number}
 */
export function percentile(values, fraction) {
  if (!values.length) return NaN;
  const copy = new Float64Array(values);
  const place = (copy.length - 1) * fraction;
  const below = Math.floor(place);
  const low = nthSmallest(copy, below);
  let high = below + 1 < copy.length ? Infinity : low;
  for (let index = below + 1; index < copy.length; index++) if (copy[index] < high) high = copy[index];
  const share = place - below;
  return share >= 0.5 ? high - (high - low) * (1 - share) : low + (high - low) * share;
}

/**
 * The values in [0, 1]; values that are not finite become NaN and take no part. `p99`, `min_max`,
 * `rank` and `z_sigmoid` are defined in the docstring of the Python twin.
 * @param {Values} values
 * @param {string} normaliser
 * @param {ArrayLike<number>|null} rows row index per token: each row by itself; null: over the set
 * @returns {Float64Array}
 */
export function normalise(values, normaliser = "p99", rows = null) {
  if (!Object.hasOwn(NORMALISERS, normaliser)) {
    throw new RangeError(`normaliser is '${normaliser}'. There are: ${Object.keys(NORMALISERS).join(", ")}.`);
  }
  const column = asFloats(values);
  const result = new Float64Array(column.length).fill(NaN);
  for (const group of groups(rows, column.length)) {
    let count = 0;
    const scored = new Int32Array(group.length);
    for (let at = 0; at < group.length; at++)
      if (Number.isFinite(column[group[at]])) scored[count++] = group[at];
    if (!count) continue;
    const part = new Float64Array(count);
    for (let each = 0; each < count; each++) part[each] = column[scored[each]] + 0; // −0 becomes 0
    NORMALISERS[normaliser](part);
    for (let each = 0; each < count; each++) result[scored[each]] = part[each];
  }
  return result;
}

/**
 * φ = α·K̂ + (1−α)·Ĥ; NaN where a signal that counts has no value. A signal of weight 0 does not
 * count and may be null.
 * @param {Values|null} knowledge
 * @param {Values|null} entropy
 * @param {number} alpha in [0, 1], else RangeError
 * @param {string} normaliser
 * @param {ArrayLike<number>|null} rows
 * @returns {Float64Array}
 */
export function fuse(knowledge, entropy, alpha, normaliser = "p99", rows = null) {
  if (!(alpha >= 0 && alpha <= 1))
    throw new RangeError(`alpha is ${alpha}. It must be a number from 0 to 1.`);
  if (alpha === 1) return normalise(knowledge, normaliser, rows);
  if (alpha === 0) return normalise(entropy, normaliser, rows);
  return blend(normalise(knowledge, normaliser, rows), normalise(entropy, normaliser, rows), alpha);
}

/**
 * α·K̂ + (1−α)·Ĥ of two normalised signals.
 * @param {Float64Array} knowledge
 * @param {Float64Array} entropy
 * @param {number} alpha
 */
export function blend(knowledge, entropy, alpha) {
  const fused = new Float64Array(knowledge.length);
  const rest = 1 - alpha;
  for (let index = 0; index < fused.length; index++)
    fused[index] = alpha * knowledge[index] + rest * entropy[index];
  return fused;
}

/**
 * The token indices of each row, ascending, rows in ascending order; one group of all when rows is null.
 * @param {ArrayLike<number>|null} rows
 * @param {number} count
 * @returns {ArrayLike<number>[]}
 */
export function groups(rows, count) {
  if (rows === null || rows === undefined) {
    const all = new Int32Array(count);
    for (let index = 0; index < count; index++) all[index] = index;
    return [all];
  }
  /** @type {Map<number, number[]>} */
  const members = new Map();
  let list = /** @type {number[]} */ ([]);
  for (let index = 0; index < count; index++) {
    // The rows come in runs: one look-up per run, not per token.
    if (index === 0 || rows[index] !== rows[index - 1]) {
      list = members.get(rows[index]) ?? [];
      members.set(rows[index], list);
    }
    list.push(index);
  }
  return [...members.keys()].sort((a, b) => a - b).map((row) => members.get(row));
}

/**
 * The sum, added from first to last.
 * @param {Float64Array} values
 * @returns {number}
 */
export function sequential_sum(values) {
  let total = 0;
  for (let index = 0; index < values.length; index++) total += values[index];
  return total;
}

/**
 * The value that sorting would put at `place`; larger values end up behind it (Hoare's quickselect, five
 * times faster than a sort here).
 * @param {Float64Array} values reordered in place
 * @param {number} place
 * @returns {number}
 */
function nthSmallest(values, place) {
  let [left, right] = [0, values.length - 1];
  while (left < right) {
    const pivot = values[(left + right) >> 1];
    let [low, high] = [left, right];
    while (low <= high) {
      while (values[low] < pivot) low += 1;
      while (values[high] > pivot) high -= 1;
      if (low > high) break;
      const swap = values[low];
      values[low++] = values[high];
      values[high--] = swap;
    }
    if (place <= high) right = high;
    else if (place >= low) left = low;
    else break;
  }
  return values[place];
}

/**
 * The normalisers change their part in place.
 * @type {Record<string, (part: Float64Array) => void>}
 */
export const NORMALISERS = {
  p99(part) {
    let limit = percentile(part, 0.99);
    if (!(limit > 0)) limit = bounds(part)[1];
    for (let index = 0; index < part.length; index++) {
      part[index] = limit > 0 ? Math.min(1, Math.max(0, part[index] / limit)) : 0;
    }
  },
  min_max(part) {
    const [low, high] = bounds(part);
    const width = high - low;
    for (let index = 0; index < part.length; index++)
      part[index] = width > 0 ? (part[index] - low) / width : 0;
  },
  rank(part) {
    if (part.length === 1) {
      part[0] = 0.5;
      return;
    }
    const places = order(part);
    const values = part.slice();
    for (let first = 0, after = 0; first < places.length; first = after) {
      const value = values[places[first]];
      while (after < places.length && values[places[after]] === value) after += 1;
      for (let at = first; at < after; at++) part[places[at]] = (first + after - 1) / 2 / (part.length - 1);
    }
  },
  z_sigmoid(part) {
    const [low, high] = bounds(part);
    // Compared before the mean: the mean of equal values may be off by a bit, and z would be ±1.
    if (low === high) {
      part.fill(0.5);
      return;
    }
    const mean = sequential_sum(part) / part.length;
    for (let index = 0; index < part.length; index++) part[index] -= mean;
    const squares = new Float64Array(part.length);
    for (let index = 0; index < part.length; index++) squares[index] = part[index] * part[index];
    const deviation = Math.sqrt(sequential_sum(squares) / part.length);
    for (let index = 0; index < part.length; index++) {
      part[index] = deviation > 0 ? 1 / (1 + exponential(-part[index] / deviation)) : 0.5;
    }
  },
};

/**
 * @param {Float64Array} values
 * @returns {[number, number]}
 */
function bounds(values) {
  let [low, high] = [Infinity, -Infinity];
  for (let index = 0; index < values.length; index++) {
    if (values[index] < low) low = values[index];
    if (values[index] > high) high = values[index];
  }
  return [low, high];
}

/**
 * exp within 4e-13: Taylor series of x / 1024, then squared ten times.
 * @param {number} power
 * @returns {number}
 */
function exponential(power) {
  const reduced = Math.min(700, Math.max(-700, power)) / 1024;
  let total = 1;
  for (let term = 16; term > 0; term--) total = 1 + (reduced * total) / term;
  for (let time = 0; time < 10; time++) total = total * total;
  return total;
}
