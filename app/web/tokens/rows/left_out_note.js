/** The rows of the file that could not be scored: how many they are, and the reason of each. */

import { node, setText } from "../../dom/dom.js";
import { leftOutWords } from "../../model/untrained_rows.js";

const OPEN_AT_FIRST = 3;

/** Returns `{element, update}`: a fold above the rows, hidden while every row takes part. */
export function leftOutNote(model) {
  const words = node("span", { attributes: { role: "status" } });
  const mark = node("strong", { class: "tu-left-out-mark", text: "!", attributes: { "aria-hidden": true } });
  const reasons = node("ul");
  const element = node(
    "details",
    { class: "tu-left-out", attributes: { hidden: true } },
    node("summary", {}, mark, " ", words),
    reasons,
  );
  const update = () => {
    const rows = model.payload.left_out ?? [];
    if (words.textContent === leftOutWords(rows.length)) return;
    setText(words, leftOutWords(rows.length));
    reasons.replaceChildren(...rows.map(({ reason }) => node("li", { text: reason })));
    Object.assign(element, { hidden: rows.length === 0, open: rows.length <= OPEN_AT_FIRST });
  };
  return { element, update };
}
