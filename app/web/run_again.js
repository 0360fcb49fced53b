/** Takes over the rule and overrides of an earlier run into the Tokens view; one step of undo where it can be. */

/**
 * Applies `payload.draft` ({set, rule, overrides}) to the model. Scores or signals that the view lacks are loaded
 * first; else nothing is lost and the draft of before comes back with undo.
 * @param {import("./tokens_model.js").TokensModel} model
 * @param {object} payload the view's value with a draft
 */
export function takeOver(model, payload) {
  const { set, rule, overrides } = payload.draft;
  const known = [rule.knowledge, rule.entropy].every((name) => model.signals.includes(name));
  if (!known || payload.scores_id !== model.payload.scores_id) model.load(payload);
  model.goToSet(set);
  const dropped = model.overridesOfSet().map(([index]) => ({ index, state: null }));
  const forced = Object.entries(overrides).map(([index, state]) => ({ index: Number(index), state }));
  model.overrides.apply([...dropped, ...forced]);
  model.record({ ...model.rule, ...rule });
}
