/**
 * Carries out the keyboard acts of the strip on the model. Arrows preview the token they reach, as the
 * pointer does the one under it.
 */

import { markWords, nextMark, sharedMark } from "../../model/mark_words.js";
import { jump, release, stepRow } from "../../model/moves.js";
import { actFor } from "./keyboard.js";

/**
 * Handles one keydown of a strip.
 * @param {KeyboardEvent} event
 * @param {import("./token_strip.js").TokenStrip} strip
 * @param {{showHelp: () => void, chooseSignal: (signal: string) => void, say: (words: string) => void,
 *   looked: () => void}} host
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
  "next-chosen": (strip, _act, host) =>
    host.say(jump(strip, (index) => strip.model.mask.selected[index] === 1)),
  "next-differing": (strip, _act, host) => host.say(jump(strip, (index) => strip.model.differs(index))),
  signal: (_strip, act, host) => host.chooseSignal(act.signal),
  toggle: (strip, act) => strip.model.setView({ [act.name]: !strip.model.view[act.name] }),
  undo: (strip) => strip.model.undo(),
  redo: (strip) => strip.model.redo(),
  help: (_strip, _act, host) => host.showHelp(),
  marking: (strip) => strip.model.setMarking(!strip.model.view.marking),
  "end-marking": (strip) =>
    strip.model.view.anchor === null ? strip.model.setMarking(false) : release(strip),
  mark: (strip, act, host) => host.say(markUnits(strip.model, strip.targets(), act.mark)),
  "mark-cycle": (strip, _act, host) =>
    host.say(markUnits(strip.model, strip.targets(), nextMark(sharedMark(strip.model, strip.targets())))),
  looked: (_strip, _act, host) => host.looked(),
};

/**
 * Marks tokens, which lose the mark where all of them have it already. Returns what is to be said of it.
 * @param {number[]} tokens
 * @param {import("../../model/marks.js").Mark} mark
 */
export function markUnits(model, tokens, mark) {
  const wanted = mark !== null && sharedMark(model, tokens) === mark ? null : mark;
  const changed = model.markTokens(tokens, wanted);
  model.setView({ anchor: null });
  return changed ? markWords(model, tokens, wanted) : "";
}

/**
 * Undo and redo by key anywhere on the view, except where text is typed or in a dialog. Returns what ends it.
 */
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
  const anchor = extend ? (model.view.anchor ?? units[strip.focusUnit()].tokens[0]) : null;
  model.setView({ focus: next, anchor, hovered: next });
  strip.focusToken(next);
}

function lockFocused(strip) {
  const unit = strip.units[strip.focusUnit()];
  if (!unit) return;
  const same = unit.tokens.includes(strip.model.view.locked);
  strip.model.setView({
    locked: same ? null : unit.tokens[0],
    focus: unit.tokens[0],
    anchor: null,
    hovered: null,
  });
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
