/**
 * One spelling for names, with the way back to what is written; the rules of tokenunlearn/text/folding.py.
 * Pure.
 */

const SPACES = "[\\t\\n\\v\\f\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
// White space, or a character with the marks after it: composes with nothing beside it.
const UNITS = new RegExp(`${SPACES}|[^](?:\\p{M}|[\\u1160-\\u11ff])*`, "gu");
const SPACE = new RegExp(`^${SPACES}$`);
const APOSTROPHES = /[‘’ʼ＇]/g;
const HYPHENS = /[\u2010\u2011]/g;

/**
 * Returns the text as it is compared, and for each of its UTF-16 units between which characters of the
 * written text it stands.
 * @param {string} written
 * @returns {{text: string, lower: string, starts: number[], ends: number[]}}
 */
export function folded(written) {
  const found = { text: "", lower: "", starts: [], ends: [] };
  let at = 0;
  for (const [unit] of written.matchAll(UNITS)) {
    const piece = SPACE.test(unit)
      ? " "
      : unit.normalize("NFC").replace(APOSTROPHES, "'").replace(HYPHENS, "-");
    const end = at + Array.from(unit).length;
    found.text += piece;
    found.lower += Array.from(piece, small).join("");
    for (let each = 0; each < piece.length; each += 1) {
      found.starts.push(at);
      found.ends.push(end);
    }
    at = end;
  }
  return found;
}

/** Returns the small letter, where it is one character: places must stay. */
function small(letter) {
  const lower = letter.toLowerCase();
  return lower.length === letter.length ? lower : letter;
}
