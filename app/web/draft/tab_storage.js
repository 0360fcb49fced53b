/**
 * What this tab keeps for a reload: draft and marks of each text with their versions, and the step of the
 * tour.
 */

const DRAFT = "tokenunlearn.draft.";
const VERSION = "tokenunlearn.version.";
const MARKS = "tokenunlearn.marks.";
const MARKS_VERSION = "tokenunlearn.marks-version.";
const TOUR = "tokenunlearn.tour";

/** Returns the draft kept for a text, or {} (also where the browser forbids storage). */
export function readDraft(storage, textId) {
  return read(storage, DRAFT + textId);
}

/**
 * Keeps rule, overrides, notes, set and view for a text; silently not, where storage is forbidden or full.
 */
export function keepDraft(storage, textId, draft) {
  // A lost draft of view settings is no reason to stop.
  keep(storage, DRAFT + textId, draft);
}

/** Returns what this tab knows of the server's draft: `{version, work, sent}`, or {}. */
export function readVersion(textId, storage = globalThis.sessionStorage) {
  return read(storage, VERSION + textId);
}

/** Keeps which version of the server's draft this tab's own draft was made from. */
export function keepVersion(textId, value, storage = globalThis.sessionStorage) {
  // Without it a reload asks which draft to keep, where it could have known.
  keep(storage, VERSION + textId, value);
}

/** Returns the marks kept for a text, `{rows}`, or {}. */
export function readMarks(textId, storage = globalThis.sessionStorage) {
  return read(storage, MARKS + textId);
}

/** Keeps the marks of a text for a reload. */
export function keepMarks(textId, value, storage = globalThis.sessionStorage) {
  // Where it cannot be kept the server still has what was marked a moment ago.
  keep(storage, MARKS + textId, value);
}

/** Returns what this tab knows of the server's marks: `{version, work, sent}`, or {}. */
export function readMarksVersion(textId, storage = globalThis.sessionStorage) {
  return read(storage, MARKS_VERSION + textId);
}

/** Keeps which version of the server's marks this tab's own were made from. */
export function keepMarksVersion(textId, value, storage = globalThis.sessionStorage) {
  // Without it a reload asks about a row that both have marked, where it could have known.
  keep(storage, MARKS_VERSION + textId, value);
}

/** Returns where this person is in the tour: `{step, left}`, or {} on the first visit. */
export function readTour(storage) {
  return read(storage, TOUR);
}

/** Keeps where this person is in the tour. */
export function keepTour(storage, value) {
  // Without it the tour is offered once more.
  keep(storage, TOUR, value);
}

function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}

function keep(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is forbidden or full; each caller says why that may be.
  }
}
