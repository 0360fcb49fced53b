/**
 * The fold above the rows that forces tokens of all listed rows at once: chosen, gold, overridden, or every
 * word like the locked one; the count stands there before.
 */

import { button, node, setAble, setAttributes, setText } from "../../dom/dom.js";
import { wordAt } from "../../model/shown_unit.js";
import { same } from "../../score/memoise.js";
import { plural } from "../../text/numbers.js";

const ACTS = [
  ["in", "Force in"],
  ["out", "Force out"],
  [null, "Clear"],
];

/** Returns `{element, update}`; `rows()` gives the row indices that are listed. */
export function bulkPanel(model, rows) {
  const options = TARGETS.map(([value, text]) => node("option", { text, attributes: { value } }));
  const what = node(
    "select",
    { attributes: { "aria-label": "Which tokens of the listed rows" } },
    ...options,
  );
  const count = node("p", { class: "tu-note", attributes: { role: "status" } });
  const acts = ACTS.map(([state, label]) => ({
    state,
    label,
    element: button(label, () => act(state, label), { class: "tu-button" }),
  }));
  const summary = node("summary", { text: "Change the listed rows" });
  const element = node(
    "details",
    { class: "tu-bulk" },
    summary,
    what,
    count,
    node(
      "div",
      { class: "tu-bulk-acts", attributes: { role: "group", "aria-label": "Change them" } },
      ...acts.map((each) => each.element),
    ),
  );
  // What was done is said until something else has happened: another step, another target, another list of
  // rows.
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
      setAttributes(each, {
        title: changed === 0 ? "Nothing would change" : `${label}: ${changed} of these tokens change`,
      });
    }
    const before = what.value === "words" && !word ? "Lock a token first." : `${countWords(model, targets)}.`;
    setText(count, done && same(done.after, now()) ? done.words : before);
  };
  what.addEventListener("change", update);
  element.addEventListener("toggle", update);
  return { element, update };
}

/** The targets as the menu lists them. */
export const TARGETS = [
  ["chosen", "the chosen tokens"],
  ["gold", "the tokens of the fact"],
  ["forced", "the overridden tokens"],
  ["words", "words like the locked one"],
];

/**
 * Returns the token indices in `rows` (row indices) that `what` names, in order.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 * @param {number[]} rows
 * @param {string} what one of TARGETS
 */
export function bulkTargets(model, rows, what) {
  const wanted = what === "words" ? wordAt(model, model.view.locked) : "";
  if (what === "words" && wanted === "") return [];
  return [...rows]
    .sort((a, b) => a - b)
    .flatMap((at) => {
      const row = model.payload.rows[at];
      return what === "words" ? likeWord(model, row, wanted) : within(row, TAKES[what](model));
    });
}

const TAKES = {
  chosen: (model) => (index) => model.mask.selected[index] === 1,
  gold: (model) => (index) => model.columns.gold?.[index] === 1,
  forced: (model) => (index) => model.overrides.state(index) !== null,
};

function within({ first, count }, takes) {
  const found = [];
  for (let index = first; index < first + count; index += 1) if (takes(index)) found.push(index);
  return found;
}

function likeWord({ columns }, row, wanted) {
  // Most rows do not hold the word at all: those need not be cut into characters.
  if (!row.answer.includes(wanted)) return [];
  const characters = Array.from(row.answer);
  const found = [];
  for (let low = row.first, high = low; low < row.first + row.count; low = high + 1) {
    for (high = low; high + 1 < row.first + row.count && columns.word[high + 1] === columns.word[low]; )
      high += 1;
    if (characters.slice(columns.start[low], columns.end[high]).join("").trim() !== wanted) continue;
    for (let index = low; index <= high; index += 1) found.push(index);
  }
  return found;
}

/** Returns the tokens among `targets` that forcing to `state` would change. */
export function wouldChange(model, targets, state) {
  return targets.filter((index) => model.overrides.state(index) !== state);
}

/** Returns what is told before an act: "12 tokens in 3 rows". */
export function countWords(model, targets) {
  const rows = new Set(targets.map((index) => model.columns.row[index])).size;
  return `${plural(targets.length, "token")} in ${plural(rows, "row")}`;
}
