/** Places a value among all scored tokens of a set: rank, percentile, 99th percentile. Pure. */

/** Returns the finite values of `column` at `indices`, largest first. @returns {Float64Array} */
export function descending(column, indices) {
  const kept = new Float64Array(indices.length);
  let count = 0;
  for (const index of indices) if (Number.isFinite(column[index])) kept[count++] = column[index];
  return kept.slice(0, count).sort().reverse();
}

/**
 * Returns `{rank, of, percentile}` of `value` in `sorted` (largest first), or null without a value.
 * Rank 1 is the largest and equal values share the better rank; percentile = share of values at or below.
 */
export function place(sorted, value) {
  if (!Number.isFinite(value) || sorted.length === 0) return null;
  const above = countAbove(sorted, value, false);
  return { rank: above + 1, of: sorted.length, percentile: (100 * (sorted.length - above)) / sorted.length };
}

/** Returns how many of `sorted` (largest first) are greater than `value` (or at least it, with `orEqual`). */
export function countAbove(sorted, value, orEqual) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const before = orEqual ? sorted[middle] >= value : sorted[middle] > value;
    if (before) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Returns "1st", "2nd", "93rd" … for a whole number. */
export function ordinal(number) {
  const tens = number % 100;
  const ending = tens >= 11 && tens <= 13 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[number % 10] ?? "th");
  return `${number}${ending}`;
}
