/** The strips on show: one signal, or all three with the same breaks, below one another. */

import { node, setText } from "../../dom/dom.js";
import { STRIP_ID } from "../../dom/strip_focus.js";
import { logProbOf, shownIndex, textAt, tokensAt } from "../../model/shown_unit.js";
import { entryOf, sourceIn } from "../../model/signal_entry.js";
import { shortened, shortNumber } from "../../text/strip_marks.js";
import { whySentence } from "../../text/why.js";
import { stripMap } from "./strip_map.js";
import { TokenStrip } from "./token_strip.js";

const ALL = ["knowledge", "entropy", "fused"];

/** Returns `{element, update, first, why, emptyWords}`. */
export function stripStack(model, onKey, mark) {
  const strips = Object.fromEntries(
    ALL.map((signal) => [signal, new TokenStrip(model, signal, onKey, mark)]),
  );
  const names = Object.fromEntries(
    ALL.map((signal) => [
      signal,
      node("p", { class: "tu-strip-name", style: { "--tu-hue": `var(--tu-${signal})` } }),
    ]),
  );
  const map = stripMap(model);
  const list = node("div");
  const element = node(
    "div",
    { class: "tu-strips", attributes: { id: STRIP_ID, tabindex: -1 } },
    map.element,
    list,
  );
  let shown = [];
  const update = () => {
    const wanted = model.view.signal === "all" ? ALL : [model.view.signal];
    if (wanted.join() !== shown.join()) show(wanted);
    shown.forEach((signal) => strips[signal].update());
    if (shown.length > 1) shown.forEach((signal) => setText(names[signal], nameWords(model, signal)));
    map.update();
    if (model.revealed !== null) first().reveal(model.revealed);
    model.revealed = null;
  };
  const show = (wanted) => {
    const hadFocus = element.contains(document.activeElement);
    shown = wanted;
    element.classList.toggle("is-all", wanted.length > 1);
    list.replaceChildren(
      ...wanted.flatMap((signal) =>
        wanted.length > 1 ? [names[signal], strips[signal].element] : [strips[signal].element],
      ),
    );
    strips[wanted[0]].update();
    if (hadFocus) strips[wanted[0]].focusToken(model.view.focus ?? model.view.locked);
  };
  const first = () => strips[shown[0]];
  return { element, update, first, why: () => sentence(model), emptyWords: () => emptyWords(model) };
}

/** Returns the name of a strip among others, and what its colours say: one legend cannot be that of three. */
function nameWords(model, signal) {
  const name = signal.charAt(0).toUpperCase() + signal.slice(1);
  if (signal === "fused") return `${name}, 0 to 1`;
  return `${name}, 0 to ${shortNumber(model.scaleOf(signal).limit)} ${model.unitOf(signal)} (p99)`;
}

/** Returns the sentence on the token, or the word, that the details show; else what to do. */
export function sentence(model) {
  const index = shownIndex(model);
  if (index === null || !model.row) return "Hover a token to see why it scores as it does; click to keep it.";
  const { columns, row, rule } = model;
  if (row.scored === false)
    return row.failure
      ? "The row could not be scored, so this token has no score."
      : "This row has no scores yet.";
  const tokens = tokensAt(model, index);
  return whySentence({
    text: shortened(textAt(model, index), 60),
    count: tokens.length,
    subject: tokens.some((each) => columns.subject[each] === 1),
    value: model.valuesOf("knowledge")[index],
    entry: entryOf(model.payload, sourceIn(model, row, rule.knowledge)),
    plain: row.question === "",
    logProb: logProbOf(model, tokens),
    entropy: model.valuesOf("entropy")[index],
  });
}

function emptyWords(model) {
  if (!model.row) return "";
  const { first, count, scored, failure } = model.row;
  if (failure) return "";
  if (scored === false) return "This row has no scores yet.";
  for (let index = first; index < first + count; index += 1) if (model.mask.selected[index]) return "";
  return `0 of ${count} here: this row will not be trained. Lower the cut, or force a token in.`;
}
