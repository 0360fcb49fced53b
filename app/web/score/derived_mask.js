/** The mask of one set under a rule and overrides, over all tokens of the payload. Pure. */

import { overridden, select } from "./selection.js";
import { countsOf, cutOf } from "./summary.js";

/**
 * Returns `{fused, weights, selected, excluded, ruled, counts, threshold}`: arrays over all tokens, empty
 * outside the set and only to be read; `ruled` is the choice before overrides. `fused`, `excluded` and, where
 * the set is all there is, `ruled` are the same arrays again while nothing that they depend on moves.
 * @param {{columns: Columns, cut: Columns, indices: Int32Array, places: Int32Array, rule: Rule,
 *   overrides: {forced: () => Iterable<[number, "in"|"out"]>}, memory: import("./memoise.js").Memory}} model columns (of all), cut (the set's), indices and places (set → all, all → set)
 */
export function deriveMask({ columns, cut, indices, places, rule, overrides, memory }) {
  const ruled = memory.once("ruled", rule, () => select(cut, rule, {}, memory));
  const forced = new Map();
  for (const [index, state] of overrides.forced()) if (places[index] >= 0) forced.set(places[index], state);
  const final = overridden(ruled, forced);
  const size = columns.row.length;
  const fused = memory.once("fused over all", ruled.fused, () => spread(ruled.fused, indices, size, NaN));
  const excluded = memory.once("excluded over all", ruled.excluded, () =>
    spread(ruled.excluded, indices, size),
  );
  const chosen = {
    fused,
    excluded,
    weights: spread(final.weights, indices, size),
    selected: spread(final.selected, indices, size),
    ruled: spread(ruled.selected, indices, size),
  };
  return {
    ...chosen,
    counts: countsOf(chosen, columns, indices),
    threshold: cutOf(chosen, columns, indices, rule),
    /** @type {any} what this page computed, where the mask shown is the server's */
    own: undefined,
  };
}

/** Returns, for each token of all, its place in the set, or −1. */
export function placesIn(indices, size) {
  const places = new Int32Array(size).fill(-1);
  for (let at = 0; at < indices.length; at += 1) places[indices[at]] = at;
  return places;
}

/**
 * Returns the set's values among those of all tokens, `empty` elsewhere; the same array where the set is all
 * there is.
 */
function spread(values, indices, size, empty = 0) {
  if (indices.length === size) return values;
  const all = new values.constructor(size).fill(empty);
  for (let at = 0; at < indices.length; at += 1) all[indices[at]] = values[at];
  return all;
}
