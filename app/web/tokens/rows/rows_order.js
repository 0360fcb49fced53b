/** Which rows the list shows and in what order: search as plain text, four orders, facts per row. Pure. */

import { rowCounts } from "../../score/summary.js";
import { countText, plural } from "../../text/numbers.js";

/** The orders as the menu lists them. */
export const ORDERS = [
  ["file", "File order"],
  ["differs", "Most rule ≠ fact"],
  ["highest", "Highest φ"],
  ["overrides", "Most overrides"],
];
const MANY_ROWS = 100;

/**
 * Returns the order to begin with: where the rule errs, in a long list with known gold; else that of the
 * file.
 */
export function firstOrder(model) {
  const rows = model.rowsOfSet;
  return rows.length > MANY_ROWS && rows.some((at) => knowsGold(model, at)) ? "differs" : "file";
}

function knowsGold(model, at) {
  const { first, count } = model.payload.rows[at];
  return count > 0 && Number.isFinite(model.columns.gold?.[first]);
}

/** Returns the text that a row is searched in. */
export function searchText({ subject, question, answer }) {
  return `${subject} ${question} ${answer}`.toLocaleLowerCase();
}

/** Returns whether a row's `searchText` holds what was typed, letter by letter: no sign has a meaning. */
export function holds(text, typed) {
  return text.includes(typed.trim().toLocaleLowerCase());
}

/**
 * Returns `{chosen, total, gold, goldChosen, forced, differs, highest}` of one row under the present mask.
 */
export function factsOf(model, row) {
  const facts = {
    ...rowCounts(row, model.mask, model.columns, model.overrides),
    differs: 0,
    highest: -Infinity,
  };
  for (let index = row.first; index < row.first + row.count; index += 1) {
    if (model.differs(index)) facts.differs += 1;
    if (model.mask.fused[index] > facts.highest) facts.highest = model.mask.fused[index];
  }
  return facts;
}

const LARGEST = {
  differs: ({ differs }) => differs,
  highest: ({ highest }) => highest,
  overrides: ({ forced }) => forced,
};

/**
 * Returns the set's row indices in one of the `ORDERS`; equals stay in the order of the file.
 * @returns {number[]}
 */
export function orderedRows(model, order) {
  const rows = model.rowsOfSet;
  const size = LARGEST[order];
  if (!size) return rows;
  const sizes = new Map(rows.map((at) => [at, size(factsOf(model, model.payload.rows[at]))]));
  const fewer = (a, b) => (sizes.get(a) === sizes.get(b) ? 0 : sizes.get(b) > sizes.get(a) ? 1 : -1);
  return [...rows].sort((a, b) => fewer(a, b) || a - b);
}

/** Returns "40 rows" or "3 of 40 rows". */
export function shownWords(shown, all) {
  const rows = plural(all, "row");
  return shown === all ? rows : `${countText(shown)} of ${rows}`;
}
