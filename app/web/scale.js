/** How numbers are shown: a colour scale, digits that stand under each other, histogram bins. Pure. */

import { asFloats, percentile } from './fusion.js';

const MINUS = '\u2212';
const NO_VALUE = '\u2013';
const COUNT = new Intl.NumberFormat('en'); // made once: a number's own toLocaleString makes one each time
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

/** Returns a count as people read it: "10,000". @param {number} count */
export function countText(count) {
  return COUNT.format(count);
}

/** Returns a count with its word: "1 row", "12 rows". @param {number} count @param {string} one @param {string} [many] */
export function plural(count, one, many = `${one}s`) {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/**
 * Counts in equal bins of [0, 1]; a value on an inner edge counts in the bin above it, 1 in the last, values
 * outside in the end bins.
 * @param {ArrayLike<number>} values NaN takes no part
 * @param {number} bins
 * @param {ArrayLike<number>|null} wanted where given, only values with a 1 there are counted
 * @returns {number[]}
 */
export function histogramBins(values, bins, wanted = null) {
  const counts = new Array(bins).fill(0);
  for (let index = 0; index < values.length; index++) {
    const bin = Math.floor(values[index] * bins);
    if ((wanted && !wanted[index]) || Number.isNaN(bin)) continue;
    counts[bin < 0 ? 0 : bin >= bins ? bins - 1 : bin] += 1;
  }
  return counts;
}
