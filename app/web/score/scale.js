/** The colour scale of a set, and histogram bins. Pure. */

import { asFloats, percentile } from "./fusion.js";

/**
 * The scale from 0 (page colour) to 1 (full colour): a value over the set's 99th percentile, clipped. Where
 * that is not above 0 the maximum stands in, as in the p99 normaliser. `at(NaN)` is NaN.
 * @param {ArrayLike<number>} values those that share the scale; NaN takes no part
 * @returns {{limit: number, clipped: number, at: (value: number) => number}} `clipped`: values above the
 *   limit
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
