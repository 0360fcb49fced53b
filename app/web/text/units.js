/** Cuts an answer into the pieces the strip shows: one per token, or one per word. Pure. */

// Neither white space nor a character that only steers others, such as U+200F or NUL.
const SEEN = /[^\s\p{Cf}\p{Cc}]/u;
const PICTURE = /\p{Extended_Pictographic}|\p{Regional_Indicator}/u;
const MOST_SPACES = 8;
const CLUSTERS = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * @typedef {object} Unit
 * @property {number[]} tokens indices into the payload's columns, in order
 * @property {string} before text in front of the piece that belongs to no chip (white space, skipped text)
 * @property {string} text what the chip shows; "␣", "↵" or "·" where the piece has nothing to show
 * @property {string} after a line break behind the chip, with the indentation that follows it, or ""
 * @property {number} end the character behind the piece
 * @property {boolean} hollow true where `text` stands for an invisible piece
 */

/**
 * Returns the units of one row.
 * Offsets count code points, as Python does, so an emoji in the answer moves nothing.
 * @param {string} answer
 * @param {Columns} columns
 * @param {number} first index of the row's first token
 * @param {number} count tokens in the row
 * @param {boolean} byWord one unit per word
 * @returns {Unit[]}
 */
export function unitsOf(answer, columns, first, count, byWord) {
  const characters = Array.from(answer);
  const units = [];
  let shownTo = 0;
  let word = null;
  for (let index = first; index < first + count; index += 1) {
    const start = Math.max(shownTo, columns.start[index]);
    const end = Math.max(start, columns.end[index]);
    const piece = {
      skipped: characters.slice(shownTo, start).join(""),
      raw: characters.slice(start, end).join(""),
      end,
    };
    shownTo = end;
    const last = units[units.length - 1];
    if (byWord && last && columns.word[index] === word) join(last, piece, index);
    else units.push(open(piece, index));
    word = columns.word[index];
  }
  if (!byWord && PICTURE.test(answer)) for (const cluster of picturesIn(answer)) showWhole(cluster, units);
  return units.map(finish);
}

/** Returns the pictures made of several characters, such as a family or a flag, as `{text, from, to}`. */
function picturesIn(answer) {
  const found = [];
  let from = 0;
  for (const { segment } of CLUSTERS.segment(answer)) {
    const to = from + Array.from(segment).length;
    if (to > from + 1 && PICTURE.test(segment)) found.push({ text: segment, from, to });
    from = to;
  }
  return found;
}

/**
 * Shows a picture whole in the first chip that holds a part of it; the chips of its other parts stand for
 * them.
 */
function showWhole({ text, from, to }, units) {
  const first = units.findIndex((unit) => unit.end > from);
  if (first < 0 || units[first].end >= to) return;
  let last = first;
  while (last + 1 < units.length && units[last + 1].end <= to) last += 1;
  if (units[last].end !== to) return; // The last token holds more than the rest of it.
  units[first].text =
    Array.from(units[first].text)
      .slice(0, from - units[first].end)
      .join("") + text;
  for (const unit of units.slice(first + 1, last + 1)) unit.text = "";
}

function open({ skipped, raw, end }, index) {
  const space = raw.match(/^\s*/)[0];
  if (space === raw && raw !== "") return { tokens: [index], before: skipped, text: raw, end };
  return { tokens: [index], before: skipped + space, text: raw.slice(space.length), end };
}

function join(unit, { skipped, raw, end }, index) {
  unit.tokens.push(index);
  unit.end = end;
  unit.text += skipped + raw;
}

function finish(whole) {
  const unit = { after: "", ...withoutBreaks(whole) };
  if (unit.text === "") return { ...unit, text: "·", hollow: true };
  if (/^↵+$/.test(unit.text)) return { ...unit, hollow: whole.text.trim() === "" };
  if (SEEN.test(unit.text)) return { ...unit, hollow: false };
  if (unit.text.trim() !== "") return { ...unit, text: "·", hollow: true };
  return { ...unit, text: "␣".repeat(Math.min(unit.text.length, MOST_SPACES)), hollow: true };
}

/**
 * A chip is one piece of a line: a line break in it becomes a sign and breaks the line outside, as space
 * before its word stands there.
 */
function withoutBreaks(unit) {
  const space = unit.text.match(/^\s*/)[0];
  if (!unit.text.includes("\n")) {
    if (space === "" || space === unit.text) return unit;
    return { ...unit, before: unit.before + space, text: unit.text.slice(space.length) };
  }
  const text = unit.text.replace(/[^\S\n]*\n/g, "↵");
  const ends = /\n([^\S\n]*)$/.exec(unit.text);
  if (ends) return { ...unit, text: text.slice(0, text.length - ends[1].length), after: `\n${ends[1]}` };
  const signs = /^↵*/.exec(text)[0];
  if (signs === "") return { ...unit, text };
  // A word that begins with breaks stands behind them, at its indentation.
  return {
    ...unit,
    before: `${unit.before}\n${space.split("\n").at(-1)}`,
    text: signs + text.slice(signs.length).trimStart(),
  };
}

/**
 * Returns the text outside all chips after the last token.
 * @returns {string}
 */
export function textAfter(answer, columns, first, count) {
  if (count === 0) return answer;
  return Array.from(answer)
    .slice(columns.end[first + count - 1])
    .join("");
}

/** Returns a text cut into `{text, marked}` parts by code-point spans `[start, end)` in any order. */
export function markedParts(text, spans) {
  const characters = Array.from(text);
  const parts = [];
  let at = 0;
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0])) {
    if (start > at) parts.push({ text: characters.slice(at, start).join(""), marked: false });
    if (end > Math.max(at, start))
      parts.push({ text: characters.slice(Math.max(at, start), end).join(""), marked: true });
    at = Math.max(at, end);
  }
  if (at < characters.length) parts.push({ text: characters.slice(at).join(""), marked: false });
  return parts;
}

/** Returns a range for people: `[3:7] "lives in the"`, positions counted from 1 within the row. */
export function rangeWords(units, from, to, first) {
  const [low, high] = from <= to ? [from, to] : [to, from];
  const chosen = units.slice(low, high + 1);
  const text = chosen.map((unit, at) => (at ? unit.before : "") + unit.text).join("");
  const start = chosen[0].tokens[0] - first + 1;
  const end = chosen[chosen.length - 1].tokens.at(-1) - first + 1;
  return `[${start}:${end}] “${text}”`;
}
