/** Says which overrides found no token in the scores that are shown now, until somebody has read it. */

import { button, node, setText } from "./dom.js";

const NAMED = 3;

/** Returns `{element, update}`; hidden while every override has its place. @param {import("./tokens_model.js").TokensModel} model */
export function lostNote(model) {
  const words = node("span");
  const dismiss = () => {
    model.lost = [];
    update();
  };
  const element = node("div", { class: "tu-alarm", attributes: { role: "status", hidden: true } }, words,
    button("Dismiss", dismiss, { class: "tu-button" }));
  const update = () => {
    setText(words, lostWords(model.lost));
    element.hidden = model.lost.length === 0;
  };
  return { element, update };
}

/** Returns which overrides could not be placed, the first ones by name. Pure. @param {{row: string, text: string}[]} lost */
export function lostWords(lost) {
  if (lost.length === 0) return "";
  const named = lost.slice(0, NAMED).map(({ row, text }) => `“${text.trim()}” in ${row}`);
  const more = lost.length > NAMED ? [`${lost.length - NAMED} more`] : [];
  const count = lost.length === 1 ? "1 override" : `${lost.length} overrides`;
  return `${count} could not be placed, as the text is another one now: ${[...named, ...more].join(", ")}.`;
}
