/**
 * The line above the strip while facts are marked: what a click marks, reviewed and next, whether it is kept.
 */

import { button, node, segmented, setAttributes, setHidden, setText } from "../../dom/dom.js";
import { keptWords } from "../../draft/mask_keeper.js";
import { clockTime } from "../../text/numbers.js";

const BRUSHES = [
  { value: "fact", label: "✓ Fact", title: "A click or a drag marks words as the fact (key f)" },
  { value: "other", label: "✗ Not the fact", title: "A click or a drag marks words as not the fact (key x)" },
  { value: "clear", label: "Clear", title: "A click or a drag takes marks away (key Delete)" },
];

/**
 * Returns `{element, toggle, banner, update, mark}`: the line, the switch of the mode, the question after a
 * conflict; `mark()` is what a pointer marks now; `showDialog` opens the dialog of marks.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 * @param {import("../../draft/marks_desk.js").MarksDesk} desk
 */
export function marksBar(model, desk, showDialog) {
  let brush = "fact";
  const brushes = segmented("A click marks", BRUSHES, (value) => {
    brush = value;
    brushes.update(brush);
  });
  brushes.update(brush);
  const toggle = button("Mark facts", () => model.setMarking(!model.view.marking), {
    class: "tu-button tu-mark-switch",
    attributes: { title: "Say what is true, so that the learned signal can learn from it (m)" },
  });
  const looked = button("Reviewed, next row", () => desk.looked(), {
    class: "tu-button is-first",
    attributes: { title: "Every word without a mark is not the fact (Enter)" },
  });
  const seen = node("input", {
    attributes: { type: "checkbox" },
    on: { change: () => model.lookThrough(seen.checked) },
  });
  const seenLabel = node(
    "label",
    { class: "tu-check", attributes: { title: "Every word without a mark in this row is not the fact" } },
    seen,
    node("span", { text: "Row reviewed" }),
  );
  const state = node("span", { class: "tu-quiet tu-marks-kept", attributes: { role: "status" } });
  const note = node("p", {
    class: "tu-note",
    text: "Click or drag over words to mark them. Marks teach the learned signal; your selection stays as it is.",
  });
  const element = node(
    "section",
    { class: "tu-marks-bar", attributes: { "aria-label": "Mark facts", hidden: true } },
    node("div", { class: "tu-marks-line" }, brushes.element, looked, seenLabel),
    node(
      "div",
      { class: "tu-marks-line tu-marks-quiet" },
      note,
      state,
      button("Marks…", showDialog, {
        class: "tu-toggle tu-remote",
        attributes: { title: "Save, import, export, compare two annotators" },
      }),
    ),
  );
  const bannerText = node("span");
  const banner = node(
    "div",
    { class: "tu-alarm", attributes: { role: "alert", hidden: true } },
    bannerText,
    button("Keep mine", () => desk.keeper.takeOver(), {
      class: "tu-button",
      attributes: { title: "Save the marks that are shown here over the others" },
    }),
    button("Load the other", () => desk.keeper.reload(), {
      class: "tu-button",
      attributes: { title: "Undo brings back the marks that are shown now" },
    }),
  );
  const update = () => {
    setAttributes(toggle, { "aria-pressed": model.view.marking });
    setHidden(element, !model.view.marking);
    setHidden(banner, desk.state.kind !== "conflict");
    if (desk.state.kind === "conflict") {
      const at = desk.state.at ? ` at ${clockTime(desk.state.at)}` : "";
      setText(
        bannerText,
        `A row that you marked was marked in another way elsewhere${at}. Your marks are not saved.`,
      );
    }
    if (!model.view.marking || !model.row) return;
    seen.checked = model.marks.of(model.row.id).seen;
    setText(state, desk.damage || keptWords(desk.state, clockTime, "marks"));
    setAttributes(state, { "data-kind": desk.damage ? "failed" : desk.state.kind });
  };
  /** @returns {import("../../model/marks.js").Mark} */
  const mark = () => (brush === "clear" ? null : brush === "other" ? "other" : "fact");
  return { element, toggle, banner, update, mark };
}
