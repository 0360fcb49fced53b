/** Groups token columns into words and gives a word one number. Pure. */

/**
 * @typedef {object} Word
 * @property {number} row
 * @property {number} word
 * @property {number} first index of its first token
 * @property {number} last index of its last token
 * @property {number} [start] offset of its first character in the answer, where the columns have offsets
 * @property {number} [end] offset behind its last character
 */

/**
 * The words in order: runs of tokens with the same row and word number, as in selection.js.
 * @param {Record<string, ArrayLike<number>>} columns
 * @returns {Word[]}
 */
export function groupWords({ row, word, start, end }) {
  const words = [];
  let last = null;
  for (let index = 0; index < row.length; index++) {
    if (last === null || last.row !== row[index] || last.word !== word[index]) {
      last = { row: row[index], word: word[index], first: index, last: index };
      if (start && end) Object.assign(last, { start: start[index] });
      words.push(last);
    }
    last.last = index;
    if (start && end) Object.assign(last, { end: end[index] });
  }
  return words;
}

/**
 * One value per word. Tokens without score (NaN) take no part; a word without any scored token is NaN.
 * @param {ArrayLike<number>} values one per token
 * @param {Word[]} words
 * @param {'sum'|'mean'|'max'} how what a signal's entry says of words
 * @returns {Float64Array}
 */
export function aggregate(values, words, how) {
  if (!["sum", "mean", "max"].includes(how))
    throw new RangeError(`A word has a sum, a mean or a max, not '${how}'.`);
  return Float64Array.from(words, ({ first, last }) => ofTokens(values, first, last, how));
}

/**
 * @param {ArrayLike<number>} values
 * @param {number} first
 * @param {number} last
 * @param {string} how
 * @returns {number}
 */
function ofTokens(values, first, last, how) {
  let [result, count] = [NaN, 0];
  for (let index = first; index <= last; index++) {
    const value = values[index];
    if (Number.isNaN(value) || value === null) continue;
    if (count === 0) result = value;
    else result = how === "max" ? Math.max(result, value) : result + value;
    count += 1;
  }
  return how === "mean" ? result / count : result;
}
