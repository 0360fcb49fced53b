/** Which tokens an act on all listed rows takes in: chosen, gold, overridden, or every word like the locked one. Pure. */

import { plural } from "./scale.js";

/** The targets as the menu lists them. */
export const TARGETS = [["chosen", "the chosen tokens"], ["gold", "the gold tokens"], ["forced", "the overridden tokens"], ["words", "words like the locked one"]];

/** Returns the text of the word a token belongs to, without the space around it; "" for null. */
export function wordAt(model, index) {
  if (index === null || index === undefined || index < 0) return "";
  const { columns, payload } = model;
  const row = payload.rows[columns.row[index]];
  const [low, high] = wordBounds(columns, index);
  return Array.from(row.answer).slice(columns.start[low], columns.end[high]).join("").trim();
}

/** Returns the first and last token of the word that a token belongs to. */
export function wordBounds({ row, word }, index) {
  const same = (other) => row[other] === row[index] && word[other] === word[index];
  let [low, high] = [index, index];
  while (low > 0 && same(low - 1)) low -= 1;
  while (high + 1 < row.length && same(high + 1)) high += 1;
  return [low, high];
}

/**
 * Returns the token indices in `rows` (row indices) that `what` names, in order.
 * @param {object} model @param {number[]} rows @param {"chosen"|"gold"|"forced"|"words"} what
 */
export function bulkTargets(model, rows, what) {
  const wanted = what === "words" ? wordAt(model, model.view.locked) : "";
  if (what === "words" && wanted === "") return [];
  return [...rows].sort((a, b) => a - b).flatMap((at) => {
    const row = model.payload.rows[at];
    return what === "words" ? likeWord(model, row, wanted) : within(row, TAKES[what](model));
  });
}

const TAKES = {
  chosen: (model) => (index) => model.mask.selected[index] === 1,
  gold: (model) => (index) => model.columns.gold?.[index] === 1,
  forced: (model) => (index) => model.overrides.state(index) !== null,
};

function within({ first, count }, takes) {
  const found = [];
  for (let index = first; index < first + count; index += 1) if (takes(index)) found.push(index);
  return found;
}

function likeWord({ columns }, row, wanted) {
  // Most rows do not hold the word at all: those need not be cut into characters.
  if (!row.answer.includes(wanted)) return [];
  const characters = Array.from(row.answer);
  const found = [];
  for (let low = row.first, high = low; low < row.first + row.count; low = high + 1) {
    for (high = low; high + 1 < row.first + row.count && columns.word[high + 1] === columns.word[low];) high += 1;
    if (characters.slice(columns.start[low], columns.end[high]).join("").trim() !== wanted) continue;
    for (let index = low; index <= high; index += 1) found.push(index);
  }
  return found;
}

/** Returns the tokens among `targets` that forcing to `state` would change. */
export function wouldChange(model, targets, state) {
  return targets.filter((index) => model.overrides.state(index) !== state);
}

/** Returns what is told before an act: "12 tokens in 3 rows". */
export function countWords(model, targets) {
  const rows = new Set(targets.map((index) => model.columns.row[index])).size;
  return `${plural(targets.length, "token")} in ${plural(rows, "row")}`;
}
