/** Counts a mask and finds where its rule cuts. Pure. */

/** Returns counts of chosen, scored, gold and differing tokens over `indices`. */
export function countsOf(mask, columns, indices) {
  const counts = { total: indices.length, scored: 0, chosen: 0, ruled: 0, gold: 0, goldChosen: 0 };
  for (const index of indices) {
    counts.scored += Number.isFinite(mask.fused[index]);
    counts.chosen += mask.selected[index];
    counts.ruled += mask.ruled[index];
    if (columns.gold?.[index] !== 1) continue;
    counts.gold += 1;
    counts.goldChosen += mask.selected[index];
  }
  return counts;
}

/** Returns each candidate's ranking score: its own, or with whole words the largest of its word; excluded: NaN. */
export function rankingScores(mask, columns, indices, wholeWords) {
  const fused = mask.fused.map((value, index) => (mask.excluded[index] ? NaN : value));
  const scores = Float64Array.from(fused);
  if (!wholeWords) return scores;
  let start = 0;
  while (start < indices.length) {
    let stop = start;
    let best = NaN;
    const { row, word } = columns;
    while (stop < indices.length && row[indices[stop]] === row[indices[start]] && word[indices[stop]] === word[indices[start]]) {
      const value = fused[indices[stop]];
      if (!(value <= best)) best = Number.isFinite(value) ? value : best;
      stop += 1;
    }
    for (let at = start; at < stop; at += 1) if (Number.isFinite(fused[indices[at]])) scores[indices[at]] = best;
    start = stop;
  }
  return scores;
}

/** Returns the fused score at which the rule cuts over the set, or null where there is no single cut. */
export function cutOf(mask, columns, indices, rule) {
  if (rule.mode === "threshold") return rule.threshold;
  if (!["top_fraction", "top_k"].includes(rule.mode) || rule.scope !== "set") return null;
  const scores = rankingScores(mask, columns, indices, rule.whole_words);
  let cut = Infinity;
  for (const index of indices) if (mask.ruled[index] && scores[index] < cut) cut = scores[index];
  return Number.isFinite(cut) ? cut : null;
}

/** Returns the share of scored tokens whose ranking score reaches `cut` and that the rule may take. */
export function fractionAt(cut, mask, columns, indices, rule) {
  const scores = rankingScores(mask, columns, indices, rule.whole_words);
  let reached = 0;
  let scored = 0;
  for (const index of indices) {
    if (!Number.isFinite(mask.fused[index])) continue;
    scored += 1;
    reached += scores[index] >= cut;
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
