/** What stands in the Tokens view while there are no rows. */

import { button, node } from "../dom/dom.js";

/**
 * Returns the sentence with what can be done about it.
 * @param {{demo: () => void, show: (part: string) => void}} panel see `openPanel`
 * @param {string} [message] of the server
 */
export function emptyState(panel, message) {
  const words = message || "There are no rows yet: load the demo, or open a file of questions and answers.";
  return node(
    "div",
    { class: "tu-view tu-nothing" },
    node("p", { text: words, attributes: { role: "status" } }),
    node(
      "div",
      { class: "tu-masks-acts" },
      button("Load demo", panel.demo, { class: "tu-button is-first" }),
      button("Open file", () => panel.show("data"), { class: "tu-button" }),
      button("Open a model", () => panel.show("model"), { class: "tu-button" }),
    ),
  );
}
