/** Words of a question as a subject: what a selection means, which rows name it, which names were typed. Pure. */

const INNER = /[\p{L}\p{N}\p{M}'’.-]/u;
const EDGE = /^[\s\p{P}]+|[\s\p{P}]+$/gu;

/**
 * Returns the whole words that a selection touches, without white space and punctuation round them.
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
  while (from > 0 && INNER.test(characters[from]) && INNER.test(characters[from - 1])) from -= 1;
  while (to < characters.length && INNER.test(characters[to - 1]) && INNER.test(characters[to])) to += 1;
  return characters.slice(from, to).join("").replace(EDGE, "");
}

/** Returns the other rows of the current set whose question or answer has `name` as whole words. @returns {number[]} */
export function rowsNaming(model, name) {
  if (name.trim() === "") return [];
  const here = model.view.row;
  return model.rowsOfSet.filter((at) => at !== here && names(model.payload.rows[at], name.trim()));
}

function names({ question, answer }, name) {
  return [question, answer].some((text) => {
    for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
      if (!inWord(text[at - 1]) && !inWord(text[at + name.length])) return true;
    }
    return false;
  });
}

function inWord(character) {
  return character !== undefined && /[\p{L}\p{N}]/u.test(character);
}

/** Returns the names typed one a line, each once, without empty lines. @returns {string[]} */
export function namesTyped(text) {
  return [...new Set(text.split("\n").map((line) => line.trim()).filter((line) => line !== ""))];
}
