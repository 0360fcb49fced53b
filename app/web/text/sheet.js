/** A table as text that a spreadsheet reads: as a CSV file, or with tabs, for the clipboard. Pure. */

// What a spreadsheet takes for the beginning of a formula, as in tokenunlearn/table.py.
const FORMULA = /^(?:[\s\0\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠]|[\t\r\n])/u;

/** Returns a text with a leading quote where a spreadsheet would run it as a formula. */
const safe = (value) => (typeof value === "string" && FORMULA.test(value) ? `'${value}` : value);

const cellOf = (value) => (value === null || value === undefined ? "" : safe(value));

/**
 * Returns CSV; every text stands in quotes, as a line break in it would begin a new line.
 * @param {(string|number|null)[][]} lines the names of the columns first
 */
export function csvOf(lines) {
  const quoted = (value) => (typeof value === "string" ? `"${value.replaceAll('"', '""')}"` : String(value));
  return lines.map((line) => `${line.map((value) => quoted(cellOf(value))).join(",")}\n`).join("");
}

/**
 * Returns the same with tabs, as a spreadsheet pastes it; a tab or a line break in a text becomes a blank.
 * @param {(string|number|null)[][]} lines
 */
export function tabbed(lines) {
  const flat = (value) => (typeof value === "string" ? value.replace(/[\t\r\n]+/g, " ") : String(value));
  return lines.map((line) => `${line.map((value) => flat(cellOf(value))).join("\t")}\n`).join("");
}
