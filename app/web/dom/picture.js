/** A picture that the library drew (tokenunlearn/documents/drawing.py), put into the page. */

import { node } from "./dom.js";
import { svgSaver } from "./save_picture.js";

/**
 * Returns a frame with the picture, which scrolls by itself where it is too wide, and what takes it along. The
 * library escapes each text in it, and its colours follow the page.
 * @param {string} svg
 * @param {string} label
 * @param {string} [narrow] the same picture for a phone, where there is one
 */
export function picture(svg, label, narrow = "") {
  const shown = drawn(svg);
  const frame = node(
    "div",
    { class: "tx-scroll tx-picture", attributes: { tabindex: 0, role: "region", "aria-label": label } },
    shown,
    narrow ? drawn(narrow) : null,
  );
  return node(
    "div",
    {},
    frame,
    svgSaver(label, () => shown),
  );
}

function drawn(svg) {
  const read = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  return /** @type {any} */ (document.importNode(read, true));
}
