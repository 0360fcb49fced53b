/**
 * Other scores take the place of those that are shown. What a person decided stays where it is on the same
 * text, and moves to the same characters of the same rows on another one.
 */

import { placesOf } from "./columns.js";
import { Marks } from "./marks.js";
import { draftText } from "./mask_draft.js";

/**
 * Puts a payload into the model. Other numbers of the same text leave every token and every decision where it
 * was; another text that shares a row takes the overrides over, and `model.lost` names what found no place;
 * rows that are all others begin anew, but for the rule: it stays, unless they or those before begin with
 * one of their own. A rule that nobody has touched gives way to the one that a new page begins with.
 * @param {import("./tokens_model.js").TokensModel} model
 * @param {Payload} payload as `readPayload` gives it
 */
export function takeScores(model, payload) {
  const { overrides, history, rule, set } = model;
  const untouched = isUntouched(model);
  if (payload.text_id === model.payload.text_id) {
    model.read(withSignalsOf(model, payload), untouched ? { set } : { rule, set });
    if (untouched) history.rewrite((each) => ({ ...each, rule: model.rule }));
    Object.assign(model, { overrides, history });
    return;
  }
  const before = placesOf(model.payload);
  const now = new Map(placesOf(payload).map((place, index) => [place, index]));
  const moved = (index) => (index === null ? null : (now.get(before[index]) ?? null));
  const known = before.some((place) => now.has(place));
  const lost = overrides
    .entries()
    .filter(({ index }) => moved(index) === null)
    .map(({ index, state, note }) => ({
      row: model.payload.rows[model.columns.row[index]].id,
      text: model.tokenText(index),
      state,
      note,
    }));
  const { locked, focus } = model.view;
  const row = payload.rows.findIndex(({ id }) => id === model.row?.id);
  model.marks = new Marks(sameRows(model, payload));
  Object.assign(model.view, {
    row: Math.max(0, row),
    locked: moved(locked),
    focus: moved(focus),
    hovered: null,
    anchor: null,
  });
  const ownRule = Boolean(payload.own_defaults || model.payload.own_defaults);
  const begun = untouched || (!known && ownRule) ? payload.defaults : rule;
  model.read(payload, { rule: payload.rule ?? begun, set });
  model.lost = known ? lost : [];
  if (!known) return;
  history.rewrite((each) => ({ ...each, rule: model.withKnownSignals(each.rule) }));
  history.present = { ...history.present, rule: model.rule };
  Object.assign(model, { overrides: overrides.moved(moved), history });
}

/** Returns whether the rule is the one that the page began with, and nothing was ever done or undone. */
function isUntouched(model) {
  const { past, future } = model.history;
  return past.length + future.length === 0 && draftText(model.rule) === draftText(model.firstRule());
}

/**
 * Returns the marks of the rows that another text has too, letter by letter: what is true of a text is so
 * under any model.
 */
function sameRows({ marks, payload: before }, payload) {
  const answers = new Map(before.rows.map(({ id, answer }) => [id, answer]));
  const kept = payload.rows.filter(({ id, answer }) => marks.rows[id] && answers.get(id) === answer);
  return Object.fromEntries(kept.map(({ id }) => [id, marks.rows[id]]));
}

/**
 * Loads what `ask` answers; the rows of these ids are dimmed meanwhile, also where it fails.
 * @param {string[]} ids
 */
export async function loadAnew(model, ids, ask) {
  ids.forEach((id) => model.stale.add(id));
  model.tell("view");
  try {
    model.load(await ask());
  } finally {
    ids.forEach((id) => model.stale.delete(id));
    model.tell("view");
  }
}

/**
 * Returns the payload with the signals that the page has besides. The same scores: it was made before they
 * were computed. Others: what a rule of the history needs is there without numbers, until they are asked for.
 */
function withSignalsOf({ signals, columns, history, payload: before }, payload) {
  const same = payload.scores_id === before.scores_id;
  const needed = new Set(
    [...history.past, history.present, ...history.future].flatMap(({ rule }) => [
      rule.knowledge,
      rule.entropy,
    ]),
  );
  const more = signals.filter((name) => !(name in payload.columns) && (same || needed.has(name)));
  const values = Object.fromEntries(
    more.map((name) => [name, same ? columns[name] : columns[name].map(() => NaN)]),
  );
  const infos = Object.fromEntries(
    more.filter((name) => name in before.signals).map((name) => [name, before.signals[name]]),
  );
  return {
    ...payload,
    columns: { ...payload.columns, ...values },
    signals: { ...payload.signals, ...infos },
  };
}

/**
 * Returns whether a server that was started again offers the example of what is live here: undo would be lost
 * for it.
 */
export function isStepBack(shown, payload) {
  if (shown.state !== "live" || payload.state !== "recorded") return false;
  const ids = new Set(shown.rows.map(({ id }) => id));
  return payload.rows.every(({ id }) => ids.has(id));
}
