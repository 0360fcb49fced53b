/** A picture that the library drew (tokenunlearn/documents/drawing.py), put into the page. */

import { node } from "./dom.js";

/**
 * Returns a frame with the picture, which scrolls by itself where it is too wide. The library escapes each text
 * in it, and its colours follow the page.
 * @param {string} svg
 * @param {string} label
 */
export function picture(svg, label) {
  const drawn = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  return node(
    "div",
    { class: "tx-scroll tx-picture", attributes: { tabindex: 0, role: "region", "aria-label": label } },
    document.importNode(drawn, true),
  );
}
