/** What differs between two masks of one set: since the saved one, and between page and server. Pure. */

import { micro } from "../score/mask_hash.js";
import { countsOf } from "../score/summary.js";
import { plural } from "../text/numbers.js";

/**
 * Returns the tokens that the present mask chooses and the saved one does not, and the other way round; null
 * where there is no saved mask for this set.
 * @param {{set: string, mask: {selected: ArrayLike<number>}, indices: Iterable<number>}} model
 * @param {{set: string, chosen: number[]}|null} saved
 * @returns {{added: number[], removed: number[]}|null}
 */
export function sinceSaved(model, saved) {
  if (!saved || saved.set !== model.set) return null;
  const before = chosenOf(saved);
  const flips = { added: [], removed: [] };
  for (const index of model.indices) {
    const now = model.mask.selected[index] === 1;
    if (now === before.has(index)) continue;
    (now ? flips.added : flips.removed).push(index);
  }
  return flips;
}

// Asked at every move of a slider, for the same saved mask.
const known = new WeakMap();

function chosenOf(saved) {
  if (!known.has(saved)) known.set(saved, new Set(saved.chosen));
  return known.get(saved);
}

/**
 * Returns "+3 −1 since “Ada”", "as “Ada”", or "" where nothing is saved. `hash`: of the present mask, or "".
 */
export function sinceWords(flips, saved, hash) {
  if (!flips) return "";
  if (flips.added.length + flips.removed.length)
    return `+${flips.added.length} −${flips.removed.length} since “${saved.name}”`;
  return hash && hash !== saved.hash ? `other weights than “${saved.name}”` : `as “${saved.name}”`;
}

const NAMED = 6;

/**
 * Returns the tokens that differ in choice or weight; [] where the server named none of its own.
 * @param {import("./mask_check.js").CheckState} state
 * @param {import("../model/tokens_model.js").TokensModel} model
 * @returns {number[]}
 */
export function differingTokens({ serverChosen, serverWeights }, model) {
  if (!serverChosen) return [];
  const theirs = new Map(serverChosen.map((index, at) => [index, serverWeights ? serverWeights[at] : null]));
  const own = ownMask(model);
  return Array.from(model.indices).filter((index) => {
    if (theirs.has(index) !== (own.selected[index] === 1)) return true;
    const weight = theirs.get(index);
    return typeof weight === "number" && micro(weight) !== micro(own.weights[index]);
  });
}

/**
 * Returns the mask that the server computed, as the page's own is made; that one stands in its `own`.
 * @param {import("./mask_check.js").CheckState} state
 * @param {import("../model/tokens_model.js").TokensModel} model
 */
export function serverMask({ serverChosen, serverWeights }, model) {
  const own = ownMask(model);
  const mask = {
    ...own,
    own,
    weights: new Float64Array(own.weights.length),
    selected: new Uint8Array(own.selected.length),
  };
  serverChosen.forEach((index, at) => {
    mask.selected[index] = 1;
    mask.weights[index] = serverWeights?.[at] ?? 1;
  });
  mask.counts = countsOf(mask, model.columns, model.indices);
  return mask;
}

function ownMask({ mask }) {
  return mask.own ?? mask;
}

/**
 * Returns the text of the red bar: both hashes, both counts, and the tokens that differ where the server
 * named its own.
 */
export function differenceWords(state, model) {
  const shown = model.mask.own ? " Shown now: the server's mask." : "";
  const start = `Preview and server differ: ${countWords(state)}.${shown}`;
  if (!state.serverChosen) return `${start} Unlearning is off until they agree.`;
  const differing = differingTokens(state, model);
  const named = differing
    .slice(0, NAMED)
    .map((index) => `“${model.tokenText(index).trim() || "␣"}” in row ${model.columns.row[index] + 1}`);
  return `${start} ${plural(differing.length, "token")}: ${named.join(", ")}${differing.length > NAMED ? " …" : ""}. Unlearning is off until they agree.`;
}

function countWords({ hash, count, serverHash, serverCount }) {
  return `here ${hash.slice(0, 8)} with ${plural(count, "token")}, server ${serverHash.slice(0, 8) || "no hash"}${serverCount === null ? "" : ` with ${serverCount}`}`;
}

/**
 * Returns all that a maintainer needs to find the cause: rule, hashes, scores, each token with both weights.
 */
export function differenceReport(state, model) {
  const theirs = new Map(
    (state.serverChosen ?? []).map((index, at) => [index, state.serverWeights?.[at] ?? 1]),
  );
  const lines = differingTokens(state, model).map((index) => {
    const row = model.payload.rows[model.columns.row[index]];
    return `row ${row.id} token ${index - row.first} here ${ownMask(model).weights[index]} server ${theirs.get(index) ?? 0} fused ${model.mask.fused[index]}`;
  });
  return [
    `scores ${model.payload.scores_id}`,
    `here ${state.hash} server ${state.serverHash}`,
    `rule ${JSON.stringify(model.rule)}`,
    `overrides ${JSON.stringify(Object.fromEntries(model.overridesOfSet()))}`,
    ...lines,
  ].join("\n");
}
