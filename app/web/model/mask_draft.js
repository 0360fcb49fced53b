/**
 * What a person decided, as it is kept and sent: set, rule, overrides and their notes; put back in one step.
 * Pure.
 */

import { History } from "./history.js";
import { Overrides } from "./overrides.js";

/** Returns the overrides and notes of `entries` as two records by token index. */
export function recordsOf(entries) {
  const overrides = {};
  const notes = {};
  for (const { index, state, note, time } of entries) {
    if (state) overrides[index] = state;
    notes[index] = { note: note ?? "", time: time ?? 0 };
  }
  return { overrides, notes };
}

/** Returns the entries that `Overrides` takes, from the two records of a draft. */
export function entriesOf({ overrides = {}, notes = {} } = {}) {
  const indices = new Set([...Object.keys(overrides), ...Object.keys(notes)].map(Number));
  return [...indices].map((index) => ({
    index,
    state: overrides[index] ?? null,
    note: notes[index]?.note ?? "",
    time: notes[index]?.time ?? 0,
  }));
}

/**
 * Returns the draft of all sets.
 * @returns {Draft}
 */
export function draftOf(model) {
  return { set: model.set, rule: model.rule, ...recordsOf(model.overrides.entries()) };
}

/**
 * Returns the draft with the overrides of the current set alone: what makes its mask.
 * @returns {Draft}
 */
export function draftOfSet(model) {
  const entries = model.overrides.entries().filter(({ index }) => model.inSet(index));
  return { set: model.set, rule: model.rule, ...recordsOf(entries) };
}

/** Returns one text for a draft, the same whatever the order of its keys. */
export function draftText(value) {
  return JSON.stringify(value, (_key, part) => {
    if (part === null || typeof part !== "object" || Array.isArray(part)) return part;
    return Object.fromEntries(
      Object.keys(part)
        .sort()
        .map((key) => [key, part[key]]),
    );
  });
}

/**
 * Returns the signals of a rule that the model has no column for, or one without any number.
 * @returns {string[]}
 */
export function missingSignals(model, rule) {
  const scored = model.payload.rows.some((row) => row.scored !== false);
  const isEmpty = (name) => scored && !model.columns[name].some(Number.isFinite);
  return [rule.knowledge, rule.entropy].filter(
    (name) => name && (!model.signals.includes(name) || isEmpty(name)),
  );
}

/** Puts a draft in the place of what is there, as if the page had been opened with it: no step of undo. */
export function restoreDraft(model, draft) {
  model.overrides = new Overrides(entriesOf(draft));
  model.lost = []; // Those were of what is given up here.
  model.history = new History({ rule: model.withKnownSignals({ ...model.rule, ...draft.rule }), depth: 0 });
  model.useSet(model.sets.includes(draft.set) ? draft.set : model.set);
  if ((model.row?.set ?? "") !== model.set)
    Object.assign(model.view, { row: model.rowsOfSet[0] ?? 0, locked: null, focus: null });
  model.tell("data", "rule", "view");
}

/**
 * Takes over rule and overrides of a draft in one step of undo, notes and times as they are in it. Overrides
 * outside its set are kept, unless `everywhere`. The set itself is no step.
 */
export function takeDraft(model, draft, everywhere = false) {
  if (model.sets.includes(draft.set)) model.goToSet(draft.set);
  replaceEntries(model.overrides, entriesOf(draft), (index) => everywhere || model.inSet(index));
  model.record({ ...model.rule, ...draft.rule });
}

/** Replaces the entries on covered tokens, times included, in one step; returns whether anything changed. */
export function replaceEntries(overrides, entries, covers) {
  const wanted = new Map(entries.map((entry) => [entry.index, entry]));
  const indices = new Set([
    ...wanted.keys(),
    ...overrides
      .entries()
      .map(({ index }) => index)
      .filter(covers),
  ]);
  const step = [];
  for (const index of indices) {
    const before = overrides.current.get(index) ?? null;
    const after = wanted.get(index) ?? null;
    if (draftText(before) === draftText(after)) continue;
    overrides.write(index, after && { ...after });
    step.push([index, before, overrides.current.get(index) ?? null]);
  }
  if (!step.length) return false;
  overrides.past.push(step);
  overrides.future = [];
  return true;
}
