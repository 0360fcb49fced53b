/**
 * Gives the focus to the strip: where what had it has gone, the next key must not begin at the top of the
 * page.
 */

/** The id of the place of the strip, which the link past the page's frame leads to. */
export const STRIP_ID = "tu-strip-place";

/** Focuses the token of the strip that Tab reaches. Returns whether there is one. */
export function focusStrip() {
  /** @type {HTMLElement|null} */
  const token = document.querySelector(".tu-strip .tu-token[tabindex='0']");
  token?.focus({ preventScroll: true });
  return Boolean(token);
}

/** Does so when what was just changed has been drawn: until then the strip shows the tokens of before. */
export function focusStripWhenDrawn() {
  requestAnimationFrame(focusStrip);
}
