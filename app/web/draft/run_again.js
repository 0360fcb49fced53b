/**
 * Takes over the rule and overrides of an earlier run into the Tokens view; one step of undo where it can be.
 */

import { missingSignals, takeDraft } from "../model/mask_draft.js";

/**
 * Applies `payload.draft` ({set, rule, overrides, notes}) to the model. Scores or signals that the view lacks
 * are loaded first; else nothing is lost and the draft of before comes back with undo.
 * @param {import("../model/tokens_model.js").TokensModel} model
 * @param {Payload} payload the view's value with a draft
 */
export function takeOver(model, payload) {
  const { rule } = payload.draft;
  if (missingSignals(model, rule).length > 0 || payload.scores_id !== model.payload.scores_id)
    model.load(payload);
  takeDraft(model, payload.draft);
}
