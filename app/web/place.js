/** Where one is: row, signal and locked token stand in the address; these and the draft in this tab's session. */

import { draftOf } from "./mask_draft.js";
import { fromAddress, keepDraft, toAddress } from "./session.js";

/** Shows what the address names; returns whether it names a row, which then wins over the set of a saved draft. */
export function restoreView(model, search) {
  const { row, signal, token } = fromAddress(search);
  const at = model.payload.rows.findIndex((each) => each.id === row);
  if (at >= 0 && at !== model.view.row) {
    if ((model.payload.rows[at].set ?? "") !== model.set) model.useSet(model.payload.rows[at].set ?? "");
    Object.assign(model.view, { row: at, locked: null, focus: null });
  }
  if (at >= 0 && token !== null && token < model.row.count) Object.assign(model.view, { locked: model.row.first + token, focus: null });
  if (signal) model.view.signal = signal;
  Object.assign(model.view, { hovered: null, anchor: null });
  return at >= 0;
}

/** Keeps the draft with its view for a reload; `begun`: the draft that is only where it begins, see `DraftKeeper`. */
export function keepWork(model, begun = null) {
  const { row, signal, locked, bars, gold, numbers, marking } = model.view;
  const words = marking ? model.wordsBefore : model.view.words;
  keepDraft(globalThis.sessionStorage, model.payload.text_id, {
    ...draftOf(model), view: { row, signal, locked, bars, words, gold, numbers, marking }, ...(begun && { begun }),
  });
}

/** Writes the view into the address. */
export function showPlace(model) {
  const { signal, locked } = model.view;
  if (!model.row) return;
  const token = locked === null ? null : locked - model.row.first;
  const search = toAddress(location.search, { row: model.row.id, signal, token });
  if (search === location.search) return;
  try {
    history.replaceState(history.state, "", search + location.hash);
  } catch {
    // Safari takes a hundred in half a minute; the next one says where one is.
  }
}
