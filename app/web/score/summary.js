/** Counts a mask and finds where its rule cuts. Pure. */

import { takesBestFirst } from "./modes.js";

/**
 * Returns counts of chosen, scored and gold tokens over `indices`; `judged`: chosen ones whose gold is known.
 */
export function countsOf(mask, columns, indices) {
  const counts = { total: indices.length, scored: 0, chosen: 0, ruled: 0, gold: 0, goldChosen: 0, judged: 0 };
  for (const index of indices) {
    counts.scored += Number(Number.isFinite(mask.fused[index]));
    counts.chosen += mask.selected[index];
    counts.ruled += mask.ruled[index];
    if (Number.isFinite(columns.gold?.[index])) counts.judged += mask.selected[index];
    if (columns.gold?.[index] !== 1) continue;
    counts.gold += 1;
    counts.goldChosen += mask.selected[index];
  }
  return counts;
}

/**
 * Returns each candidate's ranking score: its own, or with whole words the largest of its word; excluded:
 * NaN.
 */
export function rankingScores({ fused, excluded }, columns, indices, wholeWords) {
  const { row, word } = columns;
  const scores = new Float64Array(fused.length).fill(NaN);
  for (let start = 0, stop = 0; start < indices.length; start = stop) {
    const first = indices[start];
    let best = NaN;
    for (stop = start; stop < indices.length; stop += 1) {
      const index = indices[stop];
      if (stop > start && (!wholeWords || row[index] !== row[first] || word[index] !== word[first])) break;
      if (!excluded[index] && !(fused[index] <= best) && Number.isFinite(fused[index])) best = fused[index];
    }
    for (let at = start; at < stop; at += 1)
      if (!excluded[indices[at]] && Number.isFinite(fused[indices[at]])) scores[indices[at]] = best;
  }
  return scores;
}

/**
 * Returns the fused score at which the rule cuts over the set, or null where there is no single cut.
 * @param {{ruled: ArrayLike<number>, fused: Float64Array}} mask
 * @param {Columns} columns
 * @param {Int32Array} indices
 * @param {Rule} rule
 * @returns {number|null}
 */
export function cutOf({ ruled, fused }, { row, word }, indices, rule) {
  if (rule.mode === "threshold") return rule.threshold;
  if (!takesBestFirst(rule) || rule.scope !== "set") return null;
  // The lowest of what was taken; a whole word stands where its highest token does.
  let [cut, best, last] = [Infinity, Infinity, -1];
  for (const index of indices) {
    if (!ruled[index]) continue;
    if (rule.whole_words && last >= 0 && row[index] === row[last] && word[index] === word[last])
      best = Math.max(best, fused[index]);
    else {
      cut = Math.min(cut, best);
      best = fused[index];
    }
    last = index;
  }
  cut = Math.min(cut, best);
  return Number.isFinite(cut) ? cut : null;
}

/** Returns the share of scored tokens whose ranking score reaches `cut` and that the rule may take. */
export function fractionAt(cut, { fused, ranking }, indices) {
  let reached = 0;
  let scored = 0;
  for (const index of indices) {
    if (!Number.isFinite(fused[index])) continue;
    scored += 1;
    reached += Number(ranking[index] >= cut);
  }
  return scored ? reached / scored : 0;
}

/** Returns the counts of one row: `{chosen, total, gold, goldChosen, forced}`. */
export function rowCounts(row, mask, columns, overrides) {
  const counts = { chosen: 0, total: row.count, gold: 0, goldChosen: 0, forced: 0 };
  for (let index = row.first; index < row.first + row.count; index += 1) {
    counts.chosen += mask.selected[index];
    if (overrides.state(index)) counts.forced += 1;
    if (columns.gold?.[index] !== 1) continue;
    counts.gold += 1;
    counts.goldChosen += mask.selected[index];
  }
  return counts;
}
