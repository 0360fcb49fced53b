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

/** Δ and log-probability add up over the tokens of a word; it is as uncertain, and as chosen, as its highest token. */
const HOW = { knowledge: 'sum', log_prob: 'sum', loss: 'sum', entropy: 'max', fused: 'max', other: 'max' };

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
 * @param {'sum'|'max'} how
 * @returns {Float64Array}
 */
export function aggregate(values, words, how) {
  if (how !== 'sum' && how !== 'max') throw new RangeError(`A word has a sum or a max, not '${how}'.`);
  const result = new Float64Array(words.length).fill(NaN);
  words.forEach(({ first, last }, at) => {
    for (let index = first; index <= last; index++) {
      const value = values[index];
      if (Number.isNaN(value) || value === null) continue;
      if (Number.isNaN(result[at])) result[at] = value;
      else result[at] = how === 'sum' ? result[at] + value : Math.max(result[at], value);
    }
  });
  return result;
}

/**
 * One value per word of a signal: the sum for knowledge and log-probability, the maximum for entropy, fused and others.
 * @param {ArrayLike<number>} values @param {Word[]} words @param {string} name of the signal
 * @param {'knowledge'|'entropy'|'fused'|'other'} [kind] of the signal
 */
export function aggregateSignal(values, words, name, kind = 'other') {
  return aggregate(values, words, /** @type {'sum'|'max'} */ (HOW[name] ?? HOW[kind] ?? HOW.other));
}
