/**
 * Rows that take no part in training: the model cannot read them, they could not be scored, a person left
 * them out, or no token is chosen. Pure.
 */

import { plural } from "../text/numbers.js";

/**
 * Returns the rows of the set that have scores and yet no chosen token; those that a person left out are
 * none.
 * @returns {number[]}
 */
export function emptyRows(model) {
  const { selected } = model.mask;
  return model.rowsOfSet.filter((at) => {
    const row = model.payload.rows[at];
    if (row.scored === false || row.count === 0) return false;
    for (let index = row.first; index < row.first + row.count; index += 1) if (selected[index]) return false;
    return !isLeftOut(model, row);
  });
}

/**
 * Returns "4 rows without a chosen token", or "" for none.
 * @param {number} count
 */
export function emptyRowsWords(count) {
  return count === 0 ? "" : `${plural(count, "row")} without a chosen token`;
}

/**
 * Returns the first of these rows after `here`, going round; null for none.
 * @param {number[]} rows ascending
 * @returns {number|null}
 */
export function nextRow(rows, here) {
  return rows.find((row) => row > here) ?? rows[0] ?? null;
}

/**
 * Returns whether every token of the row is forced out.
 * @param {{overrides: {state: (index: number) => string|null}}} model
 */
export function isLeftOut({ overrides }, { first, count }) {
  for (let index = first; index < first + count; index += 1)
    if (overrides.state(index) !== "out") return false;
  return true;
}

/**
 * Returns `{failed, leftOut}`: how many rows of the set could not be scored and still take part, and how many
 * no longer do.
 */
export function failedCounts(model) {
  const failed = model.rowsOfSet.map((at) => model.payload.rows[at]).filter((row) => row.failure);
  const leftOut = failed.filter((row) => isLeftOut(model, row)).length;
  return { failed: failed.length - leftOut, leftOut };
}

/** Returns "2 rows could not be scored: try them again, or leave them out." or "". */
export function failedWords(count) {
  if (count === 0) return "";
  return count === 1
    ? "1 row could not be scored: try it again, or leave it out."
    : `${count} rows could not be scored: try them again, or leave them out.`;
}

/**
 * Returns "1 row left out", "" for none. Pure.
 * @param {number} count
 */
export function leftOutWords(count) {
  if (count === 0) return "";
  return count === 1 ? "1 row left out" : `${count} rows left out`;
}
