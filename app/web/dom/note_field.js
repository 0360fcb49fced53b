/** A small field for the note on a token's override: why it was forced, or what to ask about it. */

import { noteOf } from "../text/strip_marks.js";
import { node, setText } from "./dom.js";
import { focusStrip } from "./strip_focus.js";

export const MOST_NOTE = 280;
// Made once: toLocaleString makes one each time
const CLOCK = new Intl.DateTimeFormat([], { dateStyle: "short", timeStyle: "short" });

/**
 * Returns `{element, update}`. `tokens()` gives the token indices that the details show; what is typed
 * belongs to those shown when the field got the focus, and is one step of undo when it is left or Enter is
 * pressed.
 */
export function noteField(model, tokens) {
  const input = node("input", {
    class: "tu-note-field",
    attributes: {
      type: "text",
      maxlength: MOST_NOTE,
      placeholder: "Why? (c)",
      "aria-label": "Note on this token",
      autocomplete: "off",
    },
  });
  const time = node("span", { class: "tu-note-time" });
  const element = node("div", { class: "tu-noting" }, input, time);
  const noteOn = (indices) => noteOf({ tokens: indices }, model.overrides);
  let noted = null;
  const keep = () => {
    const [indices, words] = [noted, input.value.trim()];
    noted = null;
    // A field that was only visited changes nothing: the tokens of a word may have notes of their own.
    if (indices?.length && words !== noteOn(indices)) model.annotate(indices, words);
  };
  input.addEventListener("focus", () => {
    noted = tokens();
    model.view.noting = false;
    input.value = noteOn(noted);
  });
  input.addEventListener("blur", keep);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") noted = null;
    if (!focusStrip()) input.blur();
    update();
  });
  const update = () => {
    const shown = tokens();
    if (document.activeElement !== input && shown.length) {
      const words = noteOn(shown);
      if (input.value !== words) input.value = words;
      const entries = shown.map((index) => model.overrides.current.get(index));
      setText(time, timeWords(entries.find((entry) => entry?.note) ?? entries.find(Boolean)));
    }
    if (!model.view.noting) return;
    model.view.noting = false;
    input.focus();
    input.select();
  };
  return { element, update };
}

/** Returns when an override or note was made, or "" where that is not known. */
export function timeWords(entry) {
  return entry?.time > 0 ? CLOCK.format(entry.time) : "";
}
