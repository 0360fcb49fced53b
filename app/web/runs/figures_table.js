/** A table of figures that scrolls by itself where it is too wide, by keyboard as well. */

import { node, tableHead } from "../dom/dom.js";

/**
 * Returns the table; the first cell of a line heads it.
 * @param {string} label what it shows, for who cannot see it
 * @param {string[]} heads
 * @param {string[][]} lines
 */
export function figuresTable(label, heads, lines) {
  const row = (head, ...cells) =>
    node(
      "tr",
      {},
      node("th", { text: head, attributes: { scope: "row" } }),
      ...cells.map((text) => node("td", { text })),
    );
  return node(
    "div",
    { class: "tx-scroll", attributes: { tabindex: 0, role: "region", "aria-label": label } },
    node(
      "table",
      { class: "tx-table" },
      tableHead(heads),
      node("tbody", {}, ...lines.map((line) => row(...line))),
    ),
  );
}
