/** What has changed since the mask that was saved or loaded last. Pure. */

/**
 * Returns the tokens that the present mask chooses and the saved one does not, and the other way round; null
 * where there is no saved mask for this set.
 * @param {{set: string, mask: {selected: ArrayLike<number>}, indices: ArrayLike<number>}} model
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

/** Returns "+3 −1 since “Ada”", "as “Ada”", or "" where nothing is saved. `hash`: of the present mask, or "". */
export function sinceWords(flips, saved, hash) {
  if (!flips) return "";
  if (flips.added.length + flips.removed.length) return `+${flips.added.length} −${flips.removed.length} since “${saved.name}”`;
  return hash && hash !== saved.hash ? `other weights than “${saved.name}”` : `as “${saved.name}”`;
}
