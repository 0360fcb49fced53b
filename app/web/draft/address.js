/**
 * Row, signal and locked token in the address (?row=&signal=&token=); draft and view in this tab's storage.
 */

import { SHOWN } from "../model/fitting_draft.js";
import { draftOf } from "../model/mask_draft.js";
import { keepDraft } from "./tab_storage.js";

/**
 * Shows what the address names; returns whether it names a row, which then wins over the set of a saved
 * draft.
 */
export function restoreView(model, search) {
  const { row, signal, token } = fromAddress(search);
  const at = model.payload.rows.findIndex((each) => each.id === row);
  if (at >= 0 && at !== model.view.row) {
    if ((model.payload.rows[at].set ?? "") !== model.set) model.useSet(model.payload.rows[at].set ?? "");
    Object.assign(model.view, { row: at, locked: null, focus: null });
  }
  if (at >= 0 && token !== null && token < model.row.count)
    Object.assign(model.view, { locked: model.row.first + token, focus: null });
  if (signal) model.view.signal = signal;
  Object.assign(model.view, { hovered: null, anchor: null });
  return at >= 0;
}

/**
 * Keeps the draft with its view for a reload; `begun`: the draft that is only where it begins, see
 * `DraftKeeper`.
 */
export function keepWork(model, begun = null) {
  const { row, signal, locked, bars, gold, numbers, marking } = model.view;
  const words = marking ? model.wordsBefore : model.view.words;
  keepDraft(model.payload.text_id, {
    ...draftOf(model),
    view: { row, signal, locked, bars, words, gold, numbers, marking },
    ...(begun && { begun }),
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

/**
 * Returns `{row, signal, token}` from an address's query, the token by its place in the row; ids only, never
 * text.
 */
export function fromAddress(search) {
  const query = new URLSearchParams(search);
  const signal = query.get("signal");
  return {
    row: query.get("row"),
    signal: SHOWN.includes(signal) ? signal : null,
    token: /^\d{1,9}$/.test(query.get("token") ?? "") ? Number(query.get("token")) : null,
  };
}

/** Returns the query with row, signal and locked token put in; what else stands there is kept. */
export function toAddress(search, { row, signal, token }) {
  const query = new URLSearchParams(search);
  query.set("row", row);
  query.set("signal", signal);
  if (token === null) query.delete("token");
  else query.set("token", token);
  return `?${query}`;
}
