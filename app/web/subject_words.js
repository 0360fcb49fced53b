/** Words of a question as a subject: what a selection means, which rows name it, which names were typed. Pure. */

const INNER = /[\p{L}\p{N}\p{M}'’.-]/u;
const LETTER = "\\p{L}\\p{N}_";
// Scripts in which a word may follow another without a space, as tokenunlearn/text/spans.py has them.
const UNSPACED = "\\u0e00-\\u0fff\\u1000-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u2e80-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff\\uff66-\\uffdc\\u{20000}-\\u{3ffff}";
const ALONE = new RegExp(`[${UNSPACED}]`, "u");
const SPACED_LETTER = `(?![${UNSPACED}])[${LETTER}]`;
const EDGE = /^[\s\p{P}]+|[\s\p{P}]+$/gu;

/**
 * Returns the whole words that a selection touches, without white space and punctuation round them. In a script
 * that puts no space between words it is what is selected.
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

/** Returns the other rows of the current set whose question or answer has `name` as whole words. @returns {number[]} */
export function rowsNaming(model, name) {
  if (name.trim() === "") return [];
  const here = model.view.row;
  const pattern = wholeWords(name.trim());
  return model.rowsOfSet.filter((at) => at !== here && names(model.payload.rows[at], pattern));
}

function names({ question, answer }, pattern) {
  return pattern.test(question) || pattern.test(answer);
}

/** Returns what finds `name` as whole words, by the server's rule (whole_words): it refuses a row that does not name it. */
function wholeWords(name) {
  const characters = Array.from(name);
  const before = ALONE.test(characters[0]) ? "" : `(?<!${SPACED_LETTER})`;
  const after = ALONE.test(characters.at(-1)) ? "(?!\\p{M})" : `(?!${SPACED_LETTER})`;
  return new RegExp(before + name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&") + after, "u");
}

/** Returns the names typed one a line, each once, without empty lines. @returns {string[]} */
export function namesTyped(text) {
  return [...new Set(text.split("\n").map((line) => line.trim()).filter((line) => line !== ""))];
}
