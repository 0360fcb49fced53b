/** Reads the payload's columns into typed arrays, and cuts out one set. Pure. */

const FLAGS = ["subject", "stop", "punctuation"];
const WHOLE = ["row", "start", "end", "word"];
const REAL = ["gold", "random_key"];

/**
 * Returns the payload with its columns as arrays; they cross the wire as one JSON text.
 * @param {Payload} payload
 */
export function readPayload(payload) {
  return typeof payload.columns === "string" ? { ...payload, columns: JSON.parse(payload.columns) } : payload;
}

/**
 * Returns whether two payloads have a row in common, so that what was decided on the one can move to the
 * other.
 */
export function shareRows(before, after) {
  const known = new Map(before.rows.map(({ id, answer }) => [id, answer]));
  return after.rows.some(({ id, answer }) => known.get(id) === answer);
}

/**
 * Returns for each token what names it under any scores: its row's id, its place and its characters, which
 * are counted as code points.
 * @returns {string[]}
 */
export function placesOf({ rows, columns }) {
  const answers = rows.map(({ answer }) => Array.from(answer));
  return Array.from(columns.row, (row, index) => {
    const [start, end] = [columns.start[index], columns.end[index]];
    return `${rows[row].id} ${start} ${end} ${answers[row].slice(start, end).join("")}`;
  });
}

/**
 * Returns typed columns; null (how NaN crosses the wire) becomes NaN.
 * @param {Payload} payload
 */
export function readColumns(payload) {
  const columns = {};
  for (const [name, values] of Object.entries(payload.columns)) {
    if (FLAGS.includes(name)) columns[name] = Uint8Array.from(values, Number);
    else if (WHOLE.includes(name)) columns[name] = Int32Array.from(values);
    else if (typeof values[0] !== "string") columns[name] = realColumn(values);
  }
  return columns;
}

/** Returns a Float64Array with NaN for null. */
export function realColumn(values) {
  return Float64Array.from(values, (value) => (value === null || value === undefined ? NaN : value));
}

/**
 * Returns the names of the columns that are signals.
 * @returns {string[]}
 */
export function signalNames(columns) {
  const known = [...FLAGS, ...WHOLE, ...REAL];
  return Object.keys(columns).filter((name) => !known.includes(name));
}

/**
 * Returns the sets of a payload in order of appearance.
 * @returns {string[]}
 */
export function setsOf(rows) {
  return [...new Set(rows.map((row) => row.set ?? ""))];
}

/**
 * Returns the indices of all tokens whose row is in `set`.
 * @returns {Int32Array}
 */
export function indicesOfSet(rows, set) {
  const indices = [];
  for (const row of rows) {
    if ((row.set ?? "") !== set) continue;
    for (let index = row.first; index < row.first + row.count; index += 1) indices.push(index);
  }
  return Int32Array.from(indices);
}

/** Returns the columns cut to `indices`, in that order. */
export function pick(columns, indices) {
  const cut = {};
  for (const [name, column] of Object.entries(columns)) {
    const values = new column.constructor(indices.length);
    for (let at = 0; at < indices.length; at += 1) values[at] = column[indices[at]];
    cut[name] = values;
  }
  return cut;
}
