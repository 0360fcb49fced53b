/** Places a value among all scored tokens of a set: rank, percentile, 99th percentile. Pure. */

/**
 * Returns the finite values of `column` at `indices`, largest first.
 * @returns {Float64Array}
 */
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
  const above = countWhile(sorted, (each) => each > value);
  return { rank: above + 1, of: sorted.length, percentile: (100 * (sorted.length - above)) / sorted.length };
}

/**
 * Returns the same as `place`, from the unsorted `column` at `indices`: for one value counting is faster than
 * sorting.
 */
export function placeAmong(column, indices, value) {
  if (!Number.isFinite(value)) return null;
  let [above, of] = [0, 0];
  for (const index of indices) {
    if (column[index] > value) above += 1;
    if (Number.isFinite(column[index])) of += 1;
  }
  return of === 0 ? null : { rank: above + 1, of, percentile: (100 * (of - above)) / of };
}

/** Returns how many of `list` come before the first for which `holds` is false, found by halving. */
export function countWhile(list, holds) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(list[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}
