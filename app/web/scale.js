/** How numbers are shown: a colour scale, digits that stand under each other, histogram bins. Pure. */

import { asFloats, percentile } from './fusion.js';

const MINUS = '\u2212';
const NO_VALUE = '\u2013';
const FIGURE_SPACE = '\u2007'; // as wide as a digit

/**
 * The scale from 0 (page colour) to 1 (full colour): a value over the set's 99th percentile, clipped.
 * Where that is not above 0 the maximum stands in, as in the p99 normaliser. `at(NaN)` is NaN.
 * @param {ArrayLike<number>} values those that share the scale; NaN takes no part
 * @returns {{limit: number, clipped: number, at: (value: number) => number}} `clipped`: values above the limit
 */
export function sequentialScale(values) {
  const finite = asFloats(values).filter(Number.isFinite);
  let limit = percentile(finite, 0.99);
  if (!(limit > 0)) limit = finite.reduce((most, value) => Math.max(most, value), 0);
  const clipped = finite.reduce((count, value) => count + Number(value > limit), 0);
  const at = (value) => (Number.isNaN(value) ? NaN : limit > 0 ? Math.min(1, Math.max(0, value / limit)) : 0);
  return { limit, clipped, at };
}

/**
 * The number with a fixed count of decimals, a real minus, no "−0.00", and a dash for no value. With
 * `width`, filled from the left with spaces as wide as a digit (for `font-variant-numeric: tabular-nums`).
 * @param {number|null} value @param {number} decimals @param {number} width
 */
export function formatNumber(value, decimals = 2, width = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return NO_VALUE.padStart(width, FIGURE_SPACE);
  if (!Number.isFinite(value)) return `${value < 0 ? MINUS : ''}∞`.padStart(width, FIGURE_SPACE);
  const digits = Math.abs(value).toFixed(decimals);
  const negative = value < 0 && Number(digits) !== 0;
  return ((negative ? MINUS : '') + digits).padStart(width, FIGURE_SPACE);
}

/**
 * Counts in equal bins of [low, high]; a value on an inner edge counts in the bin above it, `high` in the
 * last, values outside in the end bins. Heights (0 to 1) grow with the square root of the count: most
 * tokens score near 0, and the few that matter would be invisible on a linear axis.
 * @param {ArrayLike<number>} values NaN takes no part
 * @param {number} bins @param {number} low @param {number} high
 * @param {ArrayLike<number>|null} wanted where given, only values with a 1 there are counted
 * @returns {{edges: number[], counts: number[], heights: number[]}}
 */
export function histogramBins(values, bins = 40, low = 0, high = 1, wanted = null) {
  const counts = new Array(bins).fill(0);
  for (let index = 0; index < values.length; index++) {
    if ((wanted && !wanted[index]) || !Number.isFinite(values[index])) continue;
    const bin = Math.floor(((values[index] - low) / (high - low)) * bins);
    counts[Math.min(bins - 1, Math.max(0, bin))] += 1;
  }
  const most = Math.max(1, ...counts);
  return {
    edges: Array.from({ length: bins + 1 }, (_, index) => low + ((high - low) * index) / bins),
    counts,
    heights: counts.map((count) => Math.sqrt(count / most)),
  };
}

/**
 * Ticks of the square-root axis: 0, the highest count, and the whole counts nearest to a quarter and to
 * half of the height; `at` is the height from 0 to 1.
 * @param {number} most the highest count
 * @returns {{count: number, at: number}[]}
 */
export function countTicks(most) {
  const counts = [0, Math.round(most / 16), Math.round(most / 4), most];
  return [...new Set(counts)].map((count) => ({ count, at: most ? Math.sqrt(count / most) : 0 }));
}
