/**
 * The part of a kept draft, or of kept marks, that fits the text shown: a rule that can be drawn, tokens and rows
 * that are there. Another version of this page may have kept it. Pure.
 */

import { NORMALISERS } from "../score/fusion.js";
import { MODES } from "../score/modes.js";
import { DEFAULT_RULE } from "../score/selection.js";
import { fitting, fittingEntries, isCount, isRecord, isText, isTruth, listOf } from "./fitting.js";

/** What the strip may show, by its button. */
export const SHOWN = ["knowledge", "entropy", "fused", "all"];

// What this page can compute, which may be less than a newer server declares.
const COMPUTED = { mode: MODES, normaliser: NORMALISERS };

/**
 * Returns what fits of a draft: `{set, rule, overrides, notes, masks, view, begun}`, each where it was kept.
 * @param {any} found
 * @param {Payload} payload
 */
export function fittingDraft(found, payload) {
  const draft = contentOf(found, payload);
  if (isRecord(found?.view)) draft.view = fittingView(found.view, payload);
  if (isRecord(found?.begun)) draft.begun = contentOf(found.begun, payload);
  return draft;
}

/**
 * Returns what fits of marks: `{rows, begun}`, each where it was kept.
 * @param {any} found
 * @param {Payload} payload
 */
export function fittingMarks(found, payload) {
  /** @type {Record<string, any>} */
  const marks = {};
  if (isRecord(found?.rows)) marks.rows = fittingRows(found.rows, payload);
  if (isRecord(found?.begun?.rows)) marks.begun = { rows: fittingRows(found.begun.rows, payload) };
  return marks;
}

function contentOf(found, payload) {
  const content = fitting(found, { set: isText, masks: listOf(isText) });
  const isToken = (name) => /^\d{1,9}$/.test(name) && Number(name) < countOf(payload);
  const isState = (state) => state === "in" || state === "out";
  if (isRecord(found?.rule))
    content.rule = fittingEntries(found.rule, (name, value) => fitsRule(name, value, payload));
  if (isRecord(found?.overrides))
    content.overrides = fittingEntries(found.overrides, (name, value) => isToken(name) && isState(value));
  if (isRecord(found?.notes))
    content.notes = fittingEntries(found.notes, (name, value) => isToken(name) && isNote(value));
  return content;
}

/** Returns whether a rule may have this value: as its setting declares it, and as this page can compute it. */
function fitsRule(name, value, { rule_settings = {}, signals, offered = {}, families = {} }) {
  if (name === "knowledge" || name === "entropy")
    return [signals, offered, ...Object.values(families).map((family) => named(family.signals))].some(
      (known) => isText(value) && Object.hasOwn(known, value),
    );
  if (!Object.hasOwn(DEFAULT_RULE, name) || typeof value !== typeof DEFAULT_RULE[name]) return false;
  if (name in COMPUTED && !Object.hasOwn(COMPUTED[name], value)) return false;
  const { type, low, high, choices } = rule_settings[name] ?? {};
  if (type === "int" && !Number.isInteger(value)) return false;
  if (isText(value)) return !choices || choices.some((choice) => choice.value === value);
  return isTruth(value) || (value >= (low ?? -Infinity) && value <= (high ?? Infinity));
}

const named = (names) => Object.fromEntries(names.map((name) => [name, true]));

function isNote(value) {
  return isText(value?.note) && Number.isFinite(value.time) && value.time >= 0;
}

/** A locked token is one of its row. */
function fittingView(found, { rows }) {
  const view = fitting(found, {
    row: (at) => isCount(at) && at < rows.length,
    signal: (signal) => SHOWN.includes(signal),
    ...Object.fromEntries(["bars", "words", "gold", "numbers", "marking"].map((name) => [name, isTruth])),
  });
  const { first, count } = rows[view.row] ?? { first: 0, count: 0 };
  const isThere = isCount(found.locked) && found.locked >= first && found.locked < first + count;
  return { ...view, locked: isThere ? found.locked : null };
}

function fittingRows(found, { rows }) {
  const lengths = new Map(rows.map(({ id, answer }) => [id, Array.from(answer).length]));
  return fittingEntries(found, (id, marks) => {
    const isSpan = (span) =>
      listOf(isCount)(span) && span.length === 2 && span[0] < span[1] && span[1] <= (lengths.get(id) ?? 0);
    return listOf(isSpan)(marks?.fact) && listOf(isSpan)(marks?.other) && isTruth(marks.seen);
  });
}

function countOf({ rows }) {
  const last = rows.at(-1);
  return last ? last.first + last.count : 0;
}
