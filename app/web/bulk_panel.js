/** The fold above the rows that forces tokens of all listed rows at once; the count stands there before. */

import { button, node, setAble, setAttributes, setText } from "./dom.js";
import { same } from "./memory.js";
import { TARGETS, bulkTargets, countWords, wordAt, wouldChange } from "./rows_bulk.js";

const ACTS = [["in", "Force in"], ["out", "Force out"], [null, "Clear"]];

/** Returns `{element, update}`; `rows()` gives the row indices that are listed. */
export function bulkPanel(model, rows) {
  const options = TARGETS.map(([value, text]) => node("option", { text, attributes: { value } }));
  const what = node("select", { attributes: { "aria-label": "Which tokens of the listed rows" } }, ...options);
  const count = node("p", { class: "tu-note", attributes: { role: "status" } });
  const acts = ACTS.map(([state, label]) => ({ state, label, element: button(label, () => act(state, label), { class: "tu-button" }) }));
  const summary = node("summary", { text: "Change the listed rows" });
  const element = node("details", { class: "tu-bulk" }, summary, what, count,
    node("div", { class: "tu-bulk-acts", attributes: { role: "group", "aria-label": "Change them" } }, ...acts.map((each) => each.element)));
  // What was done is said until something else has happened: another step, another target, another list of rows.
  let done = null;
  const now = () => [model.history.present, what.value, ...rows()];
  const act = (state, label) => {
    const changed = wouldChange(model, bulkTargets(model, rows(), what.value), state);
    if (changed.length === 0) return;
    const words = `${label}: ${countWords(model, changed)}. Undo takes it back.`;
    model.force(changed, state);
    done = { words, after: now() };
    update();
  };
  const update = () => {
    if (!element.open) return;
    const word = wordAt(model, model.view.locked);
    setText(options.at(-1), word ? `every “${word.slice(0, 24)}”` : TARGETS.at(-1)[1]);
    const targets = bulkTargets(model, rows(), what.value);
    for (const { state, label, element: each } of acts) {
      const changed = wouldChange(model, targets, state).length;
      setAble(each, changed > 0);
      setAttributes(each, { title: changed === 0 ? "Nothing would change" : `${label}: ${changed} of these tokens change` });
    }
    const before = what.value === "words" && !word ? "Lock a token first." : `${countWords(model, targets)}.`;
    setText(count, done && same(done.after, now()) ? done.words : before);
  };
  what.addEventListener("change", update);
  element.addEventListener("toggle", update);
  return { element, update };
}
