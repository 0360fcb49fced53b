/**
 * Says in the header that something is wrong with disk, assets or runs; it opens to each with how to mend it.
 */

import { node, setText } from "../dom/dom.js";

/** @typedef {{name: string, found: string, fix: string}} Ailment */

/** Returns `{element, show(ailments)}`; nothing is seen while there are none. */
export function ailmentsChip() {
  const summary = node("summary", { class: "tx-chip", attributes: { "data-state": "error" } });
  const list = node("ul");
  const more = node("p", { text: "python -m tokenunlearn doctor looks over the rest." });
  const element = node("details", { class: "tx-ailments" }, summary, node("div", {}, list, more));
  element.hidden = true;
  let shown = "";
  /** @param {Ailment[]} ailments */
  const show = (ailments) => {
    const key = JSON.stringify(ailments);
    if (key === shown) return;
    shown = key;
    element.hidden = ailments.length === 0;
    setText(summary, ailmentsWords(ailments.length));
    list.replaceChildren(...ailments.map((each) => node("li", { text: ailmentText(each) })));
  };
  return { element, show };
}

/** Returns what the chip says of a number of ailments. Pure. */
export function ailmentsWords(count) {
  return count === 1 ? "1 thing is wrong" : `${count} things are wrong`;
}

/**
 * Returns an ailment and how to mend it, in sentences. Pure.
 * @param {Ailment} ailment
 */
export function ailmentText({ name, found, fix }) {
  const sentence = (text) => (text && !/[.!?]$/.test(text) ? `${text}.` : text);
  return [`${name}: ${sentence(found)}`, sentence(fix)].filter(Boolean).join(" ");
}
