/**
 * Whether the model knows a row, and how many of a set, in words: what it never knew cannot be forgotten.
 * Pure.
 */

import { share } from "./numbers.js";

/**
 * Returns "The model knows this row: yes, fact .94", or "" where that was not measured.
 * @param {{word: string, probability: number, of: string}|null|undefined} known
 */
export function rowKnownWords(known) {
  if (!known) return "";
  const figure = `${known.of} ${share(known.probability)}`;
  const never = known.word === "no" ? ": nothing can be forgotten here until it is taught" : "";
  return `The model knows this row: ${known.word}, ${figure}${never}.`;
}

/** Returns what the figure of a row is, for whoever asks. */
export function figureHelp(known) {
  if (!known) return "";
  const what =
    known.of === "fact"
      ? "the joint probability of the fact"
      : "the mean probability of the answer's content words";
  return `Measured: ${what}, given the question. Yes from .50, no below .10.`;
}

/**
 * Returns "The model knows 18 of 20 rows, 1 partly.", or "" where no row says.
 * @param {{yes: number, partly: number, no: number}|null|undefined} counts
 */
export function setKnownWords(counts) {
  if (!counts) return "";
  const all = counts.yes + counts.partly + counts.no;
  return `The model knows ${counts.yes} of ${all} ${all === 1 ? "row" : "rows"}${counts.partly ? `, ${counts.partly} partly` : ""}.`;
}

/** Returns the counts of `setKnownWords` over rows of the payload. */
export function knownCounts(rows) {
  const words = rows.flatMap(({ known }) => (known ? [known.word] : []));
  const count = (word) => words.filter((each) => each === word).length;
  return words.length ? { yes: count("yes"), partly: count("partly"), no: count("no") } : null;
}

/** Returns whether the model knows more than half of those rows of the payload of which it is said. */
export function knowsMost(rows) {
  const counts = knownCounts(rows);
  return counts !== null && counts.yes > counts.partly + counts.no;
}

/**
 * Returns what to say before rows are trained that the model never knew, or "".
 * @param {number} count rows that it never knew
 * @param {number} trained all that are trained
 * @param {boolean} asks whether these are so many that a start is asked about first
 */
export function neverKnownWords(count, trained, asks) {
  if (!count) return "";
  const one = count === 1;
  if (!asks)
    return `${count} of the ${trained} rows ${one ? "was never learned: it is" : "were never learned: they are"} trained along and ${one ? "changes" : "change"} little.`;
  if (count === trained)
    return one
      ? "The model never knew the one row that this trains: there is nothing to forget. Teach it first, then unlearn it."
      : `The model never knew any of the ${count} rows that this trains: there is nothing to forget. Teach them first, then unlearn them.`;
  const others = trained - count;
  return (
    `The model never knew ${count} of the ${trained} rows that this trains: nothing can be forgotten there. ` +
    `${one ? "Teach that one first to unlearn it" : `Teach those ${count} first to unlearn them`}; ` +
    `the other ${others === 1 ? "one" : others} can be forgotten now.`
  );
}

const TWICE = Math.log(2);

/**
 * Returns whether the adapter makes what a row says likelier: its fact, or without gold its content words, at
 * least twice as likely, token by token on average, and no longer unknown. Null where that is not measured.
 */
export function adapterRaises({ columns }, row) {
  if (!columns.contrast || !row.known) return null;
  const places = Array.from({ length: row.count }, (_, at) => row.first + at);
  const fact = places.filter((index) => columns.gold?.[index] === 1);
  const content = places.filter(
    (index) => !columns.subject[index] && !columns.stop[index] && !columns.punctuation[index],
  );
  const asked = fact.length ? fact : content;
  const mean = asked.reduce((sum, index) => sum + columns.contrast[index], 0) / asked.length;
  return Number.isFinite(mean) ? mean >= TWICE && row.known.word !== "no" : null;
}
