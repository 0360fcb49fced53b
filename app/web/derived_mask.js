/** The mask of one set under a rule and overrides, over all tokens of the payload. Pure. */

import { overridden, select } from "./selection.js";
import { countsOf, cutOf, rankingScores } from "./summary.js";

/**
 * Returns `{fused, weights, selected, excluded, ruled, ranking, counts, threshold}`: arrays over all tokens,
 * empty outside the set; `ruled` is the choice before overrides, `ranking` what the rule ranks by.
 * `fused`, `excluded` and `ranking` are the same arrays again while nothing that they depend on moves.
 * @param {object} model columns (of all), cut (the set's), indices and places (set → all, all → set)
 */
export function deriveMask({ columns, cut, indices, places, rule, overrides, memory }) {
  const ruled = select(cut, rule, {}, memory);
  const forced = new Map();
  for (const [index, state] of overrides.forced()) if (places[index] >= 0) forced.set(places[index], state);
  const final = overridden(ruled, forced);
  const size = columns.row.length;
  const fused = memory.once("fused over all", ruled.fused, () => spread(ruled.fused, indices, new Float64Array(size).fill(NaN)));
  const excluded = memory.once("excluded over all", ruled.excluded, () => spread(ruled.excluded, indices, new Uint8Array(size)));
  const mask = {
    fused, excluded,
    weights: spread(final.weights, indices, new Float64Array(size)),
    selected: spread(final.selected, indices, new Uint8Array(size)),
    ruled: spread(ruled.selected, indices, new Uint8Array(size)),
    ranking: memory.once("ranking over all", [fused, excluded, rule.whole_words],
      () => rankingScores({ fused, excluded }, columns, indices, rule.whole_words)),
  };
  mask.counts = countsOf(mask, columns, indices);
  mask.threshold = cutOf(mask, indices, rule);
  return mask;
}

/** Returns, for each token of all, its place in the set, or −1. */
export function placesIn(indices, size) {
  const places = new Int32Array(size).fill(-1);
  for (let at = 0; at < indices.length; at += 1) places[indices[at]] = at;
  return places;
}

function spread(values, indices, all) {
  for (let at = 0; at < indices.length; at += 1) all[indices[at]] = values[at];
  return all;
}
