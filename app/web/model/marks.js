/**
 * What people say is true of each row: the fact, not the fact, reviewed. Spans in characters of the answer;
 * own undo and redo. Pure.
 */

import { History } from "./history.js";

/**
 * @typedef {[number, number]} Span  characters of the answer, end exclusive
 * @typedef {{fact: Span[], other: Span[], seen: boolean}} RowMarks  in a row that was seen, every word
 *   without a mark is not the fact
 * @typedef {"fact"|"other"|null} Mark  null takes marks away
 */

/**
 * What the keeper has to know of marks (`mask_keeper.js`): rows that two people marked are added, one that
 * both changed is asked about.
 */
export const MARKS = {
  get: "kept_marks",
  save: "save_marks",
  name: "marks",
  parts: ["rows"],
  merges: true,
  contentOf: ({ rows = {} }) => ({ rows }),
  collides: (theirs, from, to) =>
    changedRows(from.rows ?? {}, to.rows ?? {}).some((id) => {
      const [before, after, there] = [from, to, theirs].map(({ rows = {} }) => rowText(rows[id]));
      return there !== "" && there !== before && there !== after;
    }),
};

const NONE = Object.freeze({ fact: [], other: [], seen: false });

/** The marks of one text, by row id. Each change is one step of undo. */
export class Marks {
  /** @param {Record<string, RowMarks>} rows as they are kept; they are no step */
  constructor(rows = {}) {
    this.history = new History({ rows });
  }

  /**
   * The rows that have a mark or were reviewed; only to be read.
   * @returns {Record<string, RowMarks>}
   */
  get rows() {
    return this.history.present.rows;
  }

  /**
   * @param {string} id
   * @returns {RowMarks}
   */
  of(id) {
    return this.rows[id] ?? NONE;
  }

  /**
   * Marks spans of a row; returns whether that changed anything.
   * @param {string} id
   * @param {Span[]} spans
   * @param {Mark} mark
   */
  mark(id, spans, mark) {
    const { fact, other, seen } = this.of(id);
    const kept = { fact: without(fact, spans), other: without(other, spans), seen };
    if (mark) kept[mark] = joined([...kept[mark], ...spans]);
    return this.put({ [id]: kept });
  }

  /** Says whether a row was reviewed as a whole; returns whether that changed anything. */
  look(id, seen) {
    return this.put({ [id]: { ...this.of(id), seen } });
  }

  /**
   * Puts these rows in the place of what stood there, in one step; returns whether that changed anything.
   * @param {Record<string, RowMarks>} rows
   */
  put(rows) {
    const next = { ...this.rows };
    for (const [id, marks] of Object.entries(rows)) {
      if (marks.fact.length || marks.other.length || marks.seen) next[id] = marks;
      else delete next[id];
    }
    return this.replace(next);
  }

  /** Puts all of these in the place of all there were, in one step; returns whether that changed anything. */
  replace(rows) {
    if (marksText(rows) === marksText(this.rows)) return false;
    this.history.push({ rows });
    return true;
  }

  /**
   * Adds to the rows, and to each step of undo, what somebody else changed between `from` and `theirs`.
   * Returns the ids of those rows.
   */
  merge(from, theirs) {
    const ids = changedRows(from, theirs);
    this.history.rewrite(({ rows }) => {
      const next = { ...rows };
      for (const id of ids) {
        if (theirs[id]) next[id] = theirs[id];
        else delete next[id];
      }
      return { rows: next };
    });
    return ids;
  }

  /**
   * Takes the last change back; returns the rows that it touched, null where there was none.
   * @returns {string[]|null}
   */
  undo() {
    return this.step(() => this.history.undo());
  }

  /**
   * Makes the change again that was taken back last.
   * @returns {string[]|null}
   */
  redo() {
    return this.step(() => this.history.redo());
  }

  step(move) {
    const before = this.rows;
    return move() ? changedRows(before, this.rows) : null;
  }
}

/**
 * Returns the spans in order, those that touch or overlap as one.
 * @param {Span[]} spans
 * @returns {Span[]}
 */
export function joined(spans) {
  const result = [];
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else if (start < end) result.push([start, end]);
  }
  return result;
}

/**
 * Returns the spans without the characters of `holes`.
 * @param {Span[]} spans
 * @param {Span[]} holes
 * @returns {Span[]}
 */
export function without(spans, holes) {
  let rest = spans;
  for (const [from, to] of holes) {
    rest = rest.flatMap(([start, end]) =>
      /** @type {Span[]} */ ([
        [start, Math.min(end, from)],
        [Math.max(start, to), end],
      ]).filter(([low, high]) => low < high),
    );
  }
  return rest;
}

/**
 * Returns the span of tokens without the white space at its ends; null where there is nothing else.
 * @returns {Span|null}
 */
export function spanOf(answer, columns, tokens) {
  const characters = Array.from(answer);
  let [start, end] = [columns.start[tokens[0]], columns.end[tokens.at(-1)]];
  while (start < end && /\s/.test(characters[start])) start += 1;
  while (start < end && /\s/.test(characters[end - 1])) end -= 1;
  return start < end ? [start, end] : null;
}

/**
 * Returns what is said of a span: "fact" where it meets one, else "other", else null.
 * @param {RowMarks} marks
 * @param {Span|null} span
 * @returns {Mark}
 */
export function markOf({ fact, other }, span) {
  if (!span) return null;
  const meets = ([start, end]) => start < span[1] && span[0] < end;
  return fact.some(meets) ? "fact" : other.some(meets) ? "other" : null;
}

/**
 * Returns the ids of rows that differ.
 * @returns {string[]}
 */
export function changedRows(before, after) {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (id) => rowText(before[id]) !== rowText(after[id]),
  );
}

/** Returns one text for marks, whatever the order of the rows. */
export function marksText(rows) {
  return Object.keys(rows)
    .sort()
    .map((id) => `${JSON.stringify(id)} ${rowText(rows[id])}`)
    .join("\n");
}

function rowText(marks) {
  return marks ? JSON.stringify([marks.fact, marks.other, marks.seen]) : "";
}
