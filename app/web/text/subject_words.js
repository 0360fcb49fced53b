/**
 * Words of a question as a subject: what a selection means, which rows name it, which names were typed. Pure.
 */

import { folded } from "./folding.js";

const INNER = /[\p{L}\p{N}\p{M}'’.-]/u;
const LETTER = "\\p{L}\\p{N}_";
// Scripts in which a word may follow another without a space, as tokenunlearn/text/spans.py has them.
const UNSPACED =
  "\\u0e00-\\u0fff\\u1000-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u2e80-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff\\uff66-\\uffdc\\u{20000}-\\u{3ffff}";
const ALONE = new RegExp(`[${UNSPACED}]`, "u");
const SPACED_LETTER = new RegExp(`^(?![${UNSPACED}])[${LETTER}]`, "u");
const EDGE = /^[\s\p{P}]+|[\s\p{P}]+$/gu;

/**
 * Returns the whole words that a selection touches, without white space and punctuation round them. In a
 * script that puts no space between words it is what is selected.
 * @param {string} text
 * @param {number} start in UTF-16 units, as the browser counts
 * @param {number} end exclusive
 * @returns {string} "" where the selection touches no word
 */
export function wordsTouched(text, start, end) {
  const characters = Array.from(text);
  const places = [0];
  for (const character of characters) places.push(places.at(-1) + character.length);
  let from = places.findLastIndex((place) => place <= start);
  let to = places.findIndex((place) => place >= end);
  if (to < 0) to = characters.length;
  if (from >= to) return "";
  while (from > 0 && joined(characters[from - 1], characters[from])) from -= 1;
  while (to < characters.length && joined(characters[to - 1], characters[to])) to += 1;
  return characters.slice(from, to).join("").replace(EDGE, "");
}

function joined(left, right) {
  if (!INNER.test(left) || !INNER.test(right)) return false;
  return /\p{M}/u.test(right) || !(ALONE.test(left) || ALONE.test(right));
}

/**
 * Returns the other rows of the current set whose question or answer has `name` as whole words.
 * @returns {number[]}
 */
export function rowsNaming(model, name) {
  if (name.trim() === "") return [];
  const here = model.view.row;
  const named = ({ question, answer }) =>
    wholeWords(question, name).length > 0 || wholeWords(answer, name).length > 0;
  return model.rowsOfSet.filter((at) => at !== here && named(model.payload.rows[at]));
}

/**
 * Returns where `name` stands as whole words, [start, end] in characters, by the server's rule (whole_words
 * in tokenunlearn/text/spans.py): it refuses a row that does not name it.
 * @param {string} text
 * @param {string} name
 * @returns {[number, number][]}
 */
export function wholeWords(text, name) {
  const here = folded(text);
  const wanted = folded(folded(name).text.replace(/^ | $/g, ""));
  const size = wanted.text.length;
  if (size === 0) return [];
  const anyCase = wanted.text.includes(" ") || here.text === here.lower;
  const characters = Array.from(wanted.text);
  const [first, last] = [characters[0], characters.at(-1)].map((each) => ALONE.test(each));
  const found = [];
  let start = here.lower.indexOf(wanted.lower);
  while (start >= 0) {
    const end = start + size;
    const before = Array.from(here.text.slice(Math.max(start - 2, 0), start)).at(-1) ?? "";
    const after = here.text.slice(end, end + 2);
    const begins = first || !SPACED_LETTER.test(before);
    const ends = last ? !/^\p{M}/u.test(after) : !SPACED_LETTER.test(after);
    const whole = begins && ends && (anyCase || hasCapitals(here, start, wanted.text));
    if (whole) found.push([here.starts[start], here.ends[end - 1]]);
    start = here.lower.indexOf(wanted.lower, whole ? end : start + 1);
  }
  return found;
}

/**
 * Returns whether the capitals of `name` are capitals in the text at `start`, where it stands but for letter
 * case.
 */
function hasCapitals({ text, lower }, start, name) {
  return [...name.split("").keys()].every(
    (at) => name[at] === text[start + at] || name[at] === lower[start + at],
  );
}

/**
 * Returns the names typed one a line, each once, without empty lines.
 * @returns {string[]}
 */
export function namesTyped(text) {
  return [
    ...new Set(
      text
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== ""),
    ),
  ];
}
