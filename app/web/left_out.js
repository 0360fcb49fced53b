/** Says which rows take no part because the model cannot score them, and why. */

import { node, setText } from "./dom.js";

/** Returns `{element, update}`; hidden while every row takes part. @param {import("./tokens_model.js").TokensModel} model */
export function leftOut(model) {
  const title = node("summary");
  const reasons = node("ul");
  const element = node("details", { class: "tu-left-out", attributes: { hidden: true } }, title, reasons);
  const update = () => {
    const words = Object.values(model.payload.left_out ?? {});
    element.hidden = words.length === 0;
    setText(title, `! ${words.length} ${words.length === 1 ? "row takes" : "rows take"} no part`);
    reasons.replaceChildren(...words.map((text) => node("li", { text })));
  };
  return { element, update };
}
