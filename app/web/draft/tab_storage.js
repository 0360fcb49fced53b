/**
 * What this browser keeps for a reload: in this tab draft and marks of each text with their versions, and for
 * all tabs the step of the tour. All that is read is checked: what does not fit is dropped, the rest stays.
 */

import { fitting, isCount, isText, isTruth, listOf } from "../model/fitting.js";
import { fittingDraft, fittingMarks } from "../model/fitting_draft.js";
import { keep, readKept, storageOf } from "./browser_storage.js";

const DRAFT = "tokenunlearn.draft.";
const VERSION = "tokenunlearn.version.";
const MARKS = "tokenunlearn.marks.";
const MARKS_VERSION = "tokenunlearn.marks-version.";
const TOUR = "tokenunlearn.tour";

const inTab = () => storageOf("sessionStorage");

/** Returns the draft kept for the text of a payload, or {}. */
export function readDraft(payload, storage = inTab()) {
  return readKept(storage, DRAFT + payload.text_id, (found) => fittingDraft(found, payload));
}

/** Keeps rule, overrides, notes, set and view for a text. */
export function keepDraft(textId, draft) {
  // A lost draft of view settings is no reason to stop.
  keep(inTab(), DRAFT + textId, draft);
}

/** Returns what this tab knows of the server's draft: `{version, work, sent}`, or {}. */
export function readVersion(textId) {
  return readKept(inTab(), VERSION + textId, fittingVersion);
}

/** Keeps which version of the server's draft this tab's own draft was made from. */
export function keepVersion(textId, value) {
  // Without it a reload asks which draft to keep, where it could have known.
  keep(inTab(), VERSION + textId, value);
}

/** Returns the marks kept for the text of a payload, `{rows}`, or {}. */
export function readMarks(payload, storage = inTab()) {
  return readKept(storage, MARKS + payload.text_id, (found) => fittingMarks(found, payload));
}

/** Keeps the marks of a text for a reload. */
export function keepMarks(textId, value) {
  // Where it cannot be kept the server still has what was marked a moment ago.
  keep(inTab(), MARKS + textId, value);
}

/** Returns what this tab knows of the server's marks: `{version, work, sent}`, or {}. */
export function readMarksVersion(textId) {
  return readKept(inTab(), MARKS_VERSION + textId, fittingVersion);
}

/** Keeps which version of the server's marks this tab's own were made from. */
export function keepMarksVersion(textId, value) {
  // Without it a reload asks about a row that both have marked, where it could have known.
  keep(inTab(), MARKS_VERSION + textId, value);
}

/** Returns where this person is in the tour: `{step, left}`, or {} on the first visit. */
export function readTour(storage) {
  return readKept(storage, TOUR, (found) => fitting(found, { step: isCount, left: isTruth }));
}

/** Keeps where this person is in the tour. */
export function keepTour(storage, value) {
  // Without it the tour is offered once more.
  keep(storage, TOUR, value);
}

/** A version of null: what is shown was made from none of the server's. */
function fittingVersion(found) {
  const version = (value) => value === null || isCount(value);
  return fitting(found, { version, work: isText, sent: listOf(isText) });
}
