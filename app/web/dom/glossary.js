/** What the words and units of a place mean, folded below it: what a pointer alone is told, no finger finds. */

import { node } from "./dom.js";

/**
 * Returns `{element, update(terms)}`; terms are `[word, meaning]`.
 * @param {string} title
 */
export function glossary(title) {
  const list = node("dl", { class: "tu-terms" });
  const element = node("details", { class: "tu-glossary" }, node("summary", { text: title }), list);
  let shown = "";
  const update = (terms) => {
    const key = JSON.stringify(terms);
    if (key === shown) return;
    shown = key;
    element.hidden = terms.length === 0;
    list.replaceChildren(
      ...terms.map(([word, meaning]) =>
        node("div", {}, node("dt", { text: word }), node("dd", { text: meaning })),
      ),
    );
  };
  return { element, update };
}
