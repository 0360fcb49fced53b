/** Deletion and insertion: what is shown and what is not, a table of areas and the curves of each wording. */

import { node } from "../dom/dom.js";
import { picture } from "../dom/picture.js";
import { figuresTable } from "./figures_table.js";

/** Returns `{element, show(found)}`; `{says, note, wordings}` of app/actions/measure.py, or null. */
export function perturbView() {
  const label = "Deletion and insertion";
  const element = node("section", { class: "tx-found", attributes: { "aria-label": label } });
  element.hidden = true;
  let shown = "";
  return {
    element,
    show(found) {
      element.hidden = !found;
      const key = JSON.stringify(found ?? null);
      if (!found || key === shown) return;
      shown = key;
      element.replaceChildren(
        node("h2", { class: "tx-heading", text: label }),
        node("ul", {}, ...found.says.map((text) => node("li", { text }))),
        ...found.wordings.flatMap(({ caption, heads, lines, svg }) => [
          node("p", { class: "tx-question", text: caption }),
          figuresTable(caption, heads, lines),
          picture(svg, `Curves, ${caption}`),
        ]),
        node("p", { class: "tx-note", text: found.note }),
      );
    },
  };
}
