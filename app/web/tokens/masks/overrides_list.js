/**
 * The dialog that lists the overrides and notes of the set: each can be gone to, or given back to the rule.
 */

import { button, node, refill, setHidden, setText, tableHead } from "../../dom/dom.js";
import { timeWords } from "../../dom/note_field.js";
import { shortened } from "../../text/strip_marks.js";
import { FORCED } from "../../text/why.js";

const MOST_LINES = 200;

/**
 * Returns `{element, show, update}`.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 * @param {(index: number) => void} goTo locks a token
 */
export function overridesList(model, goTo) {
  const body = node("tbody");
  const table = node(
    "table",
    { class: "tu-masks-list" },
    tableHead(["Row", "Token", "Decision", "Note", "When", ""]),
    body,
  );
  const words = node("p", { class: "tu-note", attributes: { role: "status" } });
  const element = node(
    "dialog",
    { class: "tu-help tu-masks", attributes: { "aria-label": "Overrides" } },
    node("h2", { text: "Overrides and notes" }),
    words,
    table,
    button("Close", () => element.close(), { class: "tu-button" }),
  );
  const go = (index) => {
    element.close();
    goTo(index);
  };
  const clear = (index) => {
    model.override([{ index, state: null, note: "" }]);
    update();
  };
  const update = () => {
    if (!element.open) return;
    const entries = model.overrides.entries().filter(({ index }) => model.inSet(index));
    setText(words, listWords(entries.length));
    setHidden(table, entries.length === 0);
    refill(
      body,
      entries.slice(0, MOST_LINES).map((entry) => line(model, entry, go, clear)),
    );
  };
  const show = () => {
    element.showModal();
    update();
  };
  return { element, show, update };
}

/** Returns how many there are, in words, and how many of them are listed. */
export function listWords(count) {
  if (count === 0)
    return "There are none in this set. Space or Shift+Space on a token forces it, c writes a note.";
  const listed = count > MOST_LINES ? `; the first ${MOST_LINES} are listed` : "";
  return `${count} in this set${listed}. Undo takes a change back.`;
}

function line(model, entry, go, clear) {
  const row = model.payload.rows[model.columns.row[entry.index]];
  const token = shortened(model.tokenText(entry.index).trim()) || "␣";
  const act = (label, work) =>
    button(label, () => work(entry.index), {
      class: "tu-toggle",
      attributes: { "aria-label": `${label} ${token} in ${row.id}`, "data-key": `${label} ${entry.index}` },
    });
  return node(
    "tr",
    {},
    node("td", {}, node("bdi", { text: shortened(row.subject) || row.id })),
    node("th", { attributes: { scope: "row" } }, node("bdi", { text: token })),
    node("td", { text: FORCED[entry.state] ?? "by rule" }),
    node("td", {}, node("bdi", { text: entry.note })),
    node("td", { text: timeWords(entry) }),
    node("td", {}, act("Show", go), act("Clear", clear)),
  );
}
