/** Tells screen readers politely what changed, merged over 300 ms. */

import { node } from "./dom.js";

/** Returns `{element, say(text)}`. */
export function liveRegion() {
  const element = node("div", { class: "tu-unseen", attributes: { role: "status", "aria-live": "polite" } });
  let timer = null;
  const say = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => { element.textContent = text; }, 300);
  };
  return { element, say };
}
