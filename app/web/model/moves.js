/** Ways through the rows and tokens of a set, shared by strip, rows and scatter. */

import { tokensAt } from "./shown_unit.js";

/** What `jump` says where it finds nothing. */
export const NONE_LISTED = "There is none in the listed rows";

/** Drops the range; where there is none, lock and preview. */
export function release(strip) {
  const { anchor } = strip.model.view;
  strip.model.setView(anchor === null ? { locked: null, hovered: null } : { anchor: null });
}

/** Goes one row on or back among those listed, in the order of the list. */
export function stepRow(model, step) {
  const rows = model.listed ?? model.rowsOfSet;
  const next = rows[rows.indexOf(model.view.row) + step];
  if (next !== undefined) model.goTo(next);
}

/**
 * Goes to the next token for which `wanted` holds, in this row or a later one of `rows` (round to the start),
 * and locks it. Returns what is to be said of it, "" for a plain step.
 * @param {number[]} [rows] row indices; else those listed, in the order of the list
 */
export function jump(strip, wanted, rows = strip.model.listed ?? strip.model.rowsOfSet) {
  const { model } = strip;
  const here = model.view.focus ?? model.view.locked;
  // From the end of what is shown as one: the next token of the same word would be no step.
  const from = here === null ? model.row.first - 1 : tokensAt(model, here).at(-1);
  const found = nextToken(
    rows.map((row) => model.payload.rows[row]),
    rows.indexOf(model.view.row),
    from,
    wanted,
  );
  if (found === null) return NONE_LISTED;
  model.lockAt(found.index);
  return found.wrapped ? "From the first listed row again" : "";
}

/**
 * Returns the first wanted token after `from`, which lies in the row at place `at` of `rows`, going round;
 * null where there is none. With `at` −1 the search begins at the first row.
 * @param {{first: number, count: number}[]} rows
 * @returns {{index: number, wrapped: boolean}|null}
 */
export function nextToken(rows, at, from, wanted) {
  const start = Math.max(at, 0);
  for (let step = 0; step <= rows.length && rows.length > 0; step += 1) {
    const { first, count } = rows[(start + step) % rows.length];
    const low = step === 0 && at >= 0 ? from + 1 : first;
    const high = step === rows.length ? (at >= 0 ? from + 1 : first) : first + count;
    for (let index = low; index < high; index += 1) {
      if (wanted(index)) return { index, wrapped: start + step >= rows.length };
    }
  }
  return null;
}
