/** What is said of marks, to the eye and to the ear. Pure. */

import { plural } from "../text/numbers.js";
import { shortened } from "../text/strip_marks.js";

/** What a mark means, in words. */
const MEANS = {
  fact: "marked as the fact",
  other: "marked as not the fact",
};

/** Returns who marked the facts that the rows came with: whoever annotated them, or whoever wrote them here. */
export function markedBy({ payload }) {
  return payload.marked_here ? "you" : "an annotator";
}

/** Returns what a mark of a unit means, in words; "" for none. "gold" is what the rows came with. */
export function markMeans(model, mark) {
  if (mark === "gold")
    return model.payload.marked_here ? "the fact, as you marked it" : "the fact, says the file";
  return MEANS[mark] ?? "";
}

/** @type {import("./marks.js").Mark[]} */
const CYCLE = [null, "fact", "other"];

/**
 * Returns the mark that all units of these tokens have, undefined where they differ; what the file says is no
 * mark.
 * @param {number[]} tokens
 * @returns {import("./marks.js").Mark|undefined}
 */
export function sharedMark(model, tokens) {
  const [units, marks] = [model.units(), model.unitMarks()];
  const found = new Set(
    units.flatMap((unit, at) =>
      tokens.includes(unit.tokens[0]) ? [marks[at] === "gold" ? null : marks[at]] : [],
    ),
  );
  return found.size === 1 ? [...found][0] : undefined;
}

/** Returns the mark after this one: fact → not the fact → none; what differs begins with the fact. */
export function nextMark(mark) {
  return CYCLE[(CYCLE.indexOf(mark ?? null) + 1) % CYCLE.length];
}

/** Returns what is said when tokens got a mark: "“Stara Zagora” marked as the fact". */
export function markWords(model, tokens, mark) {
  const { answer } = model.payload.rows[model.columns.row[tokens[0]]];
  const text = Array.from(answer)
    .slice(model.columns.start[tokens[0]], model.columns.end[tokens.at(-1)])
    .join("")
    .trim();
  return `“${shortened(text, 60)}” ${mark ? markMeans(model, mark) : "has no mark"}`;
}

/**
 * Returns how much was marked: "3 rows marked, 2 of them reviewed."
 * @param {Record<string, import("./marks.js").RowMarks>} rows
 */
export function markedWords(rows) {
  const all = Object.values(rows);
  if (all.length === 0) return "No row is marked yet.";
  const seen = all.filter((each) => each.seen).length;
  const counted = `${plural(all.length, "row")} marked`;
  if (seen === all.length) return `${counted} and reviewed.`;
  return seen === 0 ? `${counted}, none reviewed.` : `${counted}, ${seen} of them reviewed.`;
}
