/** Carries out the keyboard acts of the strip on the model. Arrows preview the token they reach, as the pointer does the one under it. */

import { actFor } from "./keyboard.js";
import { markWords, nextMark, sharedMark } from "./mark_words.js";
import { tokensAt } from "./shown_unit.js";

/**
 * Handles one keydown of a strip.
 * @param {KeyboardEvent} event
 * @param {import("./token_strip.js").TokenStrip} strip
 * @param {{showHelp: () => void, chooseSignal: (signal: string) => void, say: (words: string) => void, looked: () => void}} host
 */
export function perform(event, strip, host) {
  const act = actFor(event, strip.model.view.marking);
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  ACTS[act.act](strip, act, host);
}

const TYPED = "dialog, textarea, input:not([type=range], [type=checkbox])";

const ACTS = {
  move: (strip, act) => focusUnit(strip, strip.focusUnit() + act.step, act.extend),
  line: (strip, act) => focusUnit(strip, strip.lineNeighbour(strip.focusUnit(), act.step), act.extend),
  edge: (strip, act) => focusUnit(strip, act.step < 0 ? 0 : strip.units.length - 1, act.extend),
  lock: lockFocused,
  release: release,
  override: (strip, act) => strip.model.cycle(strip.targets(), act.step),
  note: noteFocused,
  row: (strip, act) => stepRow(strip.model, act.step),
  "next-chosen": (strip, _act, host) => host.say(jump(strip, (index) => strip.model.mask.selected[index] === 1)),
  "next-differing": (strip, _act, host) => host.say(jump(strip, (index) => strip.model.differs(index))),
  signal: (_strip, act, host) => host.chooseSignal(act.signal),
  toggle: (strip, act) => strip.model.setView({ [act.name]: !strip.model.view[act.name] }),
  undo: (strip) => strip.model.undo(),
  redo: (strip) => strip.model.redo(),
  help: (_strip, _act, host) => host.showHelp(),
  marking: (strip) => strip.model.setMarking(!strip.model.view.marking),
  "end-marking": (strip) => (strip.model.view.anchor === null ? strip.model.setMarking(false) : release(strip)),
  mark: (strip, act, host) => host.say(markUnits(strip.model, strip.targets(), act.mark)),
  "mark-cycle": (strip, _act, host) => host.say(markUnits(strip.model, strip.targets(), nextMark(sharedMark(strip.model, strip.targets())))),
  looked: (_strip, _act, host) => host.looked(),
};

/** Marks tokens, which lose the mark where all of them have it already. Returns what is to be said of it. @param {number[]} tokens @param {import("./marks.js").Mark} mark */
export function markUnits(model, tokens, mark) {
  const wanted = mark !== null && sharedMark(model, tokens) === mark ? null : mark;
  const changed = model.markTokens(tokens, wanted);
  model.setView({ anchor: null });
  return changed ? markWords(model, tokens, wanted) : "";
}

/** What `jump` says where it finds nothing. */
export const NONE_LISTED = "There is none in the listed rows";

/** Undo and redo by key anywhere on the view, except where text is typed or in a dialog. Returns what ends it. */
export function undoAnywhere(element, model) {
  const hear = (event) => {
    const step = { undo: () => model.undo(), redo: () => model.redo() }[actFor(event)?.act];
    const { target } = event;
    const ours = target === document.body || element.contains(target);
    if (!step || !ours || element.offsetParent === null || target.closest(TYPED)) return;
    event.preventDefault();
    step();
  };
  document.addEventListener("keydown", hear);
  return () => document.removeEventListener("keydown", hear);
}

function focusUnit(strip, at, extend) {
  const { model, units } = strip;
  if (units.length === 0) return;
  const next = units[Math.min(units.length - 1, Math.max(0, at))].tokens[0];
  const anchor = extend ? model.view.anchor ?? units[strip.focusUnit()].tokens[0] : null;
  model.setView({ focus: next, anchor, hovered: next });
  strip.focusToken(next);
}

function lockFocused(strip) {
  const unit = strip.units[strip.focusUnit()];
  if (!unit) return;
  const same = unit.tokens.includes(strip.model.view.locked);
  strip.model.setView({ locked: same ? null : unit.tokens[0], focus: unit.tokens[0], anchor: null, hovered: null });
}

/** Locks the focused token, so that the details show it, and asks their note field to take the focus. */
function noteFocused(strip) {
  const unit = strip.units[strip.focusUnit()];
  if (!unit) return;
  const { locked } = strip.model.view;
  const token = unit.tokens.includes(locked) ? locked : unit.tokens[0];
  strip.model.setView({ locked: token, focus: token, hovered: null, anchor: null, noting: true });
  // At once where it can be seen, so that no letter typed next is lost; else with the next drawing.
  strip.element.closest(".tu-view")?.querySelector(".tu-note-field")?.focus();
}

/** Drops the range; where there is none, lock and preview. */
export function release(strip) {
  const { anchor } = strip.model.view;
  strip.model.setView(anchor === null ? { locked: null, hovered: null } : { anchor: null });
}

/** Goes one row on or back among those listed, in the order of the list. */
export function stepRow(model, step) {
  const rows = model.listed ?? model.rowsOfSet;
  const next = rows[rows.indexOf(model.view.row) + step];
  if (next !== undefined) model.goTo(next);
}

/**
 * Goes to the next token for which `wanted` holds, in this row or a later one of `rows` (round to the start), and
 * locks it. Returns what is to be said of it, "" for a plain step.
 * @param {number[]} [rows] row indices; else those listed, in the order of the list
 */
export function jump(strip, wanted, rows = strip.model.listed ?? strip.model.rowsOfSet) {
  const { model } = strip;
  const here = model.view.focus ?? model.view.locked;
  // From the end of what is shown as one: the next token of the same word would be no step.
  const from = here === null ? model.row.first - 1 : tokensAt(model, here).at(-1);
  const found = nextToken(rows.map((row) => model.payload.rows[row]), rows.indexOf(model.view.row), from, wanted);
  if (found === null) return NONE_LISTED;
  model.lockAt(found.index);
  return found.wrapped ? "From the first listed row again" : "";
}

/**
 * Returns the first wanted token after `from`, which lies in the row at place `at` of `rows`, going round; null where
 * there is none. With `at` −1 the search begins at the first row.
 * @param {{first: number, count: number}[]} rows @returns {{index: number, wrapped: boolean}|null}
 */
export function nextToken(rows, at, from, wanted) {
  const start = Math.max(at, 0);
  for (let step = 0; step <= rows.length && rows.length > 0; step += 1) {
    const { first, count } = rows[(start + step) % rows.length];
    const low = step === 0 && at >= 0 ? from + 1 : first;
    const high = step === rows.length ? (at >= 0 ? from + 1 : first) : first + count;
    for (let index = low; index < high; index += 1) {
      if (wanted(index)) return { index, wrapped: start + step >= rows.length };
    }
  }
  return null;
}
