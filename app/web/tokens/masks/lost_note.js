/**
 * Names the overrides that found no token in the scores that are shown now; each is placed by hand, or
 * dropped.
 */

import { button, node, setText } from "../../dom/dom.js";
import { FORCED } from "../../text/why.js";

const NAMED = 3;

/**
 * Returns `{element, update}`; hidden while every override has its place. The buttons act on the first one.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 * @param {(index: number) => void} show goes to a token
 */
export function lostNote(model, show) {
  const words = node("span");
  const rowOf = ({ row }) => model.payload.rows.find(({ id }) => id === row);
  const next = () => {
    model.lost = model.lost.slice(1);
    update();
  };
  const place = () => {
    const [{ state, note }] = model.lost;
    model.override([{ index: model.view.locked, state, note }]);
    next();
  };
  const go = button("Show the row", () => show(rowOf(model.lost[0]).first), { class: "tu-button" });
  const put = button("Place on the locked token", place, { class: "tu-button" });
  const drop = button("Drop it", next, { class: "tu-button" });
  const element = node(
    "div",
    { class: "tu-alarm tu-lost", attributes: { role: "status", hidden: true } },
    words,
    go,
    put,
    drop,
  );
  const update = () => {
    element.hidden = model.lost.length === 0;
    if (element.hidden) return;
    setText(words, lostWords(model.lost));
    go.disabled = !rowOf(model.lost[0]);
    put.disabled = model.view.locked === null;
  };
  return { element, update };
}

/**
 * Returns which overrides could not be placed, the first ones by name. Pure.
 * @param {{row: string, text: string, state: string|null}[]} lost
 */
export function lostWords(lost) {
  if (lost.length === 0) return "";
  const named = lost
    .slice(0, NAMED)
    .map(({ row, text, state }) => `“${text.trim()}” in ${row} (${FORCED[state] ?? "a note"})`);
  const more = lost.length > NAMED ? [`${lost.length - NAMED} more`] : [];
  const count = lost.length === 1 ? "1 override" : `${lost.length} overrides`;
  return `${count} could not be placed, as the text is another one now: ${[...named, ...more].join(", ")}.`;
}
