/** The card that lists the keys. */

import { button, node } from "../../dom/dom.js";
import { KEYS, MARK_KEYS } from "./keyboard.js";

/** Returns `{element, show}`; a native dialog, so Esc closes it and focus returns. */
export function helpCard() {
  const lines = (keys) =>
    keys.map(([key, meaning]) =>
      node(
        "tr",
        {},
        node("th", { attributes: { scope: "row" } }, node("kbd", { text: key })),
        node("td", { text: meaning }),
      ),
    );
  const marks = [
    ["●", "chosen by the rule"],
    ["+", "forced in"],
    ["−", "forced out"],
    ["○", "left out: name, punctuation, stop word"],
    ["◐", "a word whose tokens differ: only some are chosen or forced"],
  ].map(([glyph, meaning]) =>
    node("tr", {}, node("th", { text: glyph, attributes: { scope: "row" } }), node("td", { text: meaning })),
  );
  const element = node(
    "dialog",
    { class: "tu-help", attributes: { "aria-label": "Keys and marks" } },
    // The focus lies here, not on the button at the end: the card opens at its beginning.
    node("h2", {
      text: "Keys, while the answer has the focus",
      attributes: { tabindex: -1, autofocus: true },
    }),
    node("table", {}, node("tbody", {}, ...lines(KEYS))),
    node("h2", { text: "Keys, while facts are marked" }),
    node("table", {}, node("tbody", {}, ...lines(MARK_KEYS))),
    node("h2", { text: "Marks under a token" }),
    node("table", {}, node("tbody", {}, ...marks)),
    button("Close", () => element.close(), { class: "tu-button" }),
  );
  return { element, show: () => element.showModal() };
}
