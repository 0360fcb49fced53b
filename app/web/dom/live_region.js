/** Tells screen readers politely what changed, merged over 300 ms. */

import { node } from "./dom.js";

/**
 * Returns `{element, say(text), add(text)}`: `say` takes the place of what still waits, `add` comes behind
 * it.
 */
export function liveRegion() {
  const element = node("div", { class: "tu-unseen", attributes: { role: "status", "aria-live": "polite" } });
  let timer = null;
  let waiting = "";
  const say = (text) => {
    clearTimeout(timer);
    waiting = text;
    timer = setTimeout(() => {
      element.textContent = waiting;
      waiting = "";
    }, 300);
  };
  const add = (text) => say([waiting, text].filter(Boolean).join(". "));
  return { element, say, add };
}
