/**
 * On a narrow page one line stands for the list of rows: which row it is, the ways to its neighbours, and the
 * list on demand.
 */

import { button, node, setAble, setAttributes, setText } from "../../dom/dom.js";
import { focusStripWhenDrawn } from "../../dom/strip_focus.js";
import { stepRow } from "../../model/moves.js";
import { shortened } from "../../text/strip_marks.js";

/**
 * Returns `{element, update, close}`. The style sheet hides the line where there is room for the list, and
 * the rest of `left` where there is not, unless it is open.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 * @param {() => HTMLElement} left what the line opens
 */
export function rowsDrawer(model, left) {
  const open = (wanted) => {
    left().classList.toggle("is-open", wanted);
    setAttributes(toggle, { "aria-expanded": wanted });
  };
  const step = (sign, label, title) =>
    button(label, () => stepRow(model, sign), {
      class: "tu-toggle",
      attributes: { title, "aria-label": title },
    });
  const [before, after] = [step(-1, "‹", "Row before"), step(1, "›", "Next row")];
  const toggle = button("", () => open(!left().classList.contains("is-open")), {
    class: "tu-toggle tu-drawer-toggle",
    attributes: { "aria-expanded": false },
  });
  const element = node(
    "div",
    { class: "tu-drawer", attributes: { role: "group", "aria-label": "Row" } },
    before,
    toggle,
    after,
  );
  const update = () => {
    const rows = model.listed ?? model.rowsOfSet;
    const at = rows.indexOf(model.view.row);
    setText(toggle, drawerWords(model.row, at, rows.length));
    setAble(before, at > 0);
    setAble(after, at >= 0 && at < rows.length - 1);
  };
  const close = () => {
    if (!left().classList.contains("is-open")) return;
    open(false);
    focusStripWhenDrawn(); // What was pressed is hidden with the list.
  };
  return { element, update, close };
}

/** Returns "3 of 20: Ada Moss"; `at` −1 for a row that the filter hides. */
export function drawerWords(row, at, count) {
  const name = shortened(row?.subject || row?.question || row?.answer || "", 40);
  return at < 0 ? `not among the ${count} listed: ${name}` : `${at + 1} of ${count}: ${name}`;
}
