/** Rows of which no token is chosen: they are not trained, so they are counted, and one can go there. Pure. */

import { isLeftOut } from "./failed_rows.js";
import { plural } from "./scale.js";

/** Returns the rows of the set that have scores and yet no chosen token; those that a person left out are none. @returns {number[]} */
export function emptyRows(model) {
  const { selected } = model.mask;
  return model.rowsOfSet.filter((at) => {
    const row = model.payload.rows[at];
    if (row.scored === false || row.count === 0) return false;
    for (let index = row.first; index < row.first + row.count; index += 1) if (selected[index]) return false;
    return !isLeftOut(model, row);
  });
}

/** Returns "4 rows without a chosen token", or "" for none. @param {number} count */
export function emptyRowsWords(count) {
  return count === 0 ? "" : `${plural(count, "row")} without a chosen token`;
}

/** Returns the first of these rows after `here`, going round; null for none. @param {number[]} rows ascending @returns {number|null} */
export function nextRow(rows, here) {
  return rows.find((row) => row > here) ?? rows[0] ?? null;
}
