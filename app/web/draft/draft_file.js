/**
 * A draft as a file that the page makes without the server, and the named masks that come of it: one a set.
 * Pure.
 */

import { isRecord } from "../model/fitting.js";
import { draftOf } from "../model/mask_draft.js";

const FORMAT = "tokenunlearn draft";
const VERSION = 1;

/**
 * Returns the file of the work on all sets: `{filename, text, mime}`; `weights` are those of the set shown.
 */
export function localFile(model) {
  const weights = {};
  model.mask.weights.forEach((weight, index) => {
    if (weight > 0) weights[index] = weight;
  });
  const { text_id, scores_id } = model.payload;
  const content = { format: FORMAT, version: VERSION, text_id, scores_id, ...draftOf(model), weights };
  return { filename: "mask-draft.json", mime: "application/json", text: JSON.stringify(content, null, 1) };
}

/**
 * Returns the drafts in a file of `localFile`, one a set that something was decided in, the set shown first;
 * null for any other file. Throws why a draft cannot be taken here.
 * @returns {Draft[]|null}
 */
export function draftsIn(text, model) {
  const content = contentOf(text);
  if (content === null) return null;
  if (content.version !== VERSION)
    throw new Error(`The draft is of version ${shown(content.version)}. This page reads version ${VERSION}.`);
  // A file of before there were text ids has its scores alone: the same scores are of the same text.
  if ((content.text_id ?? null) !== model.payload.text_id && content.scores_id !== model.payload.scores_id) {
    throw new Error(
      `The draft is of other text: ${shown(content.text_id ?? content.scores_id)}, here ${model.payload.text_id}. Open its model and data first.`,
    );
  }
  return draftsBySet(content, model);
}

/**
 * Returns a draft as one a set that something was decided in, the set shown first. Throws why it cannot be
 * taken here.
 */
export function draftsBySet(content, model) {
  const { set, rule } = content;
  if (!isRecord(rule)) throw new Error("The draft has no rule. Save it again.");
  const overrides = bySet(content.overrides, "overrides", model);
  const notes = bySet(content.notes, "notes", model);
  if (!model.sets.includes(set))
    throw new Error(`The draft is of the set “${shown(set)}”, which is not here.`);
  const sets = [
    set,
    ...model.sets.filter((name) => name !== set && (overrides.has(name) || notes.has(name))),
  ];
  return sets.map((name) => ({
    set: name,
    rule,
    overrides: overrides.get(name) ?? {},
    notes: notes.get(name) ?? {},
  }));
}

/**
 * Returns the masks' names and sets, in words.
 * @param {{name: string, set: string}[]} masks
 */
export function savedWords(masks) {
  return `Saved as ${namesOf(masks)}`;
}

function namesOf(masks) {
  return masks.map(({ name, set }) => `“${name}”${set ? ` (${set})` : ""}`).join(" and ");
}

/**
 * Returns what was imported, in words.
 * @param {{name: string, set: string}[]} masks
 */
export function draftWords(masks) {
  return `Imported as ${namesOf(masks)}; load ${masks.length === 1 ? "it" : "each"} or compare. Your draft is as it was.`;
}

function contentOf(text) {
  try {
    const value = JSON.parse(text);
    return isRecord(value) && value.format === FORMAT ? value : null;
  } catch {
    return null; // A mask file has a line for each token; what else it may be the server says.
  }
}

/** Returns the entries by the set that their token is in, each set's as a record by token index. */
function bySet(entries, what, model) {
  if (!isRecord(entries)) throw new Error(`The draft has no ${what}. Save it again.`);
  const found = new Map();
  for (const [index, entry] of Object.entries(entries)) {
    const row = model.payload.rows[model.columns.row[index]];
    if (!/^\d+$/.test(index) || !row)
      throw new Error(`The ${what} name token ${shown(index)}, which is not in this text.`);
    const set = row.set ?? "";
    if (!found.has(set)) found.set(set, {});
    found.get(set)[index] = entry;
  }
  return found;
}

function shown(value) {
  return String(value).slice(0, 80);
}

/** Returns the name, with a number behind it where a mask has it already. */
export function freeName(wanted, masks) {
  const start = wanted.slice(0, 72).trim() || "imported";
  const taken = new Set(masks.map(({ name }) => name.toLocaleLowerCase()));
  let name = start;
  for (let number = 2; taken.has(name.toLocaleLowerCase()); number += 1) name = `${start} (${number})`;
  return name;
}
