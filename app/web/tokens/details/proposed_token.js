/** The token that is explained until somebody selects one: the highest of the row. */

import { draftText } from "../../model/mask_draft.js";

/** Locks the highest-scoring token of the row. */
export function lockHighest(model) {
  const { first, count } = model.row ?? { first: 0, count: 0 };
  let best = null;
  for (let index = first; index < first + count; index += 1) {
    const value = model.mask.fused[index];
    if (Number.isFinite(value) && (best === null || value > model.mask.fused[best])) best = index;
  }
  if (best !== null) model.setView({ locked: best, focus: best, anchor: null });
}

/**
 * Proposes a token where none is locked. Scores come part by part, and with them the rule that the page begins
 * with, so `renew` proposes again under another rule, unless somebody has selected a token or touched the rule.
 */
export class ProposedToken {
  constructor(model) {
    this.model = model;
    this.made = null;
  }

  propose() {
    if (this.model.view.locked === null) this.lock();
  }

  renew() {
    const { model, made } = this;
    if (!made || made.token !== model.view.locked || model.history.past.length) return;
    if (made.token === null || made.rule !== draftText(model.rule)) this.lock();
  }

  lock() {
    lockHighest(this.model);
    this.made = { token: this.model.view.locked, rule: draftText(this.model.rule) };
  }
}
