/** What is copied from a strip: the answer's own characters, not its marks, stand-ins and gaps. */

/**
 * Returns the characters of the answer from unit `from` to unit `to`, what a gap hides between them too.
 * Pure.
 */
export function exactText(answer, columns, units, from, to) {
  return Array.from(answer)
    .slice(columns.start[units[from].tokens[0]], columns.end[units[to].tokens.at(-1)])
    .join("");
}

/**
 * Puts the exact text of the marked chips, else of the open range or the focused chip, on the clipboard.
 * @param {import("./token_strip.js").TokenStrip} strip
 */
export function listenToCopy(strip) {
  strip.element.addEventListener("copy", (event) => {
    const bounds = marked(strip);
    if (!bounds) return;
    const { row, columns } = strip.model;
    event.clipboardData.setData("text/plain", exactText(row.answer, columns, strip.units, ...bounds));
    event.preventDefault();
  });
}

/** Returns the first and last unit to copy, or null where the browser knows better. */
function marked(strip) {
  const selection = strip.element.ownerDocument.getSelection();
  if (!selection || selection.isCollapsed) return strip.range() ?? [strip.focusUnit(), strip.focusUnit()];
  if (!strip.element.contains(selection.anchorNode) || !strip.element.contains(selection.focusNode))
    return null;
  const within = strip.shown().filter((at) => selection.containsNode(strip.tokens[at], true));
  // A part of one word: that is copied as it is.
  return within.length > 1 || strip.units[within[0]]?.hollow ? [within[0], within.at(-1)] : null;
}
