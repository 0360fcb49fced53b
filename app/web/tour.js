/** The tour: on the first visit a line above the strip leads through the page and lights up what it speaks of. */

import { button, node, setText } from "./dom.js";
import { keepTour, readTour } from "./session.js";

/** Each step says what to do and which part of the view it is done with. */
export const STEPS = [
  ["Read the colour", "The fuller a token’s colour, the more the answer hangs on what the model would have to forget. Hover one to look, click to lock it: its numbers are at the right.", ".tu-strips"],
  ["Set the cut", "Move the share or drag the cut in the histogram: outlined tokens are chosen, and nothing else is trained.", ".tu-choose, .tu-hist"],
  ["Disagree", "With a token locked, Space forces it in, then out, then back to the rule. g shows the gold words, u the next disagreement, ? all keys.", ".tu-strips"],
  ["Unlearn these", "Trains LoRA on the chosen tokens alone; Probe and Compare then show what was lost and what was kept, beside controls. It needs the live model.", ".tu-mask-bar"],
];

/** Returns `{element, start, show}`; `root()` is the element that holds the parts. Left at any step it goes on there. */
export function tour(root, storage = globalThis.localStorage) {
  let step = 0;
  const title = node("strong");
  const words = node("p", {}, title, " ");
  const text = node("span");
  words.append(text);
  const back = button("Back", () => go(step - 1), { class: "tu-toggle" });
  const next = button("", () => (step + 1 < STEPS.length ? go(step + 1) : leave(0)), { class: "tu-toggle tu-tour-next" });
  const end = button("Leave the tour", () => leave(step), { class: "tu-toggle" });
  const element = node("section", { class: "tu-tour", attributes: { "aria-label": "Tour", hidden: true } }, words, node("div", { class: "tu-jumps" }, back, next, end));
  const point = () => {
    for (const lit of root().querySelectorAll(".is-pointed")) lit.classList.remove("is-pointed");
    if (!element.hidden) for (const part of root().querySelectorAll(STEPS[step][2])) part.classList.add("is-pointed");
  };
  const go = (wanted) => {
    step = Math.min(Math.max(0, wanted), STEPS.length - 1);
    setText(title, `${step + 1} of ${STEPS.length} · ${STEPS[step][0]}.`);
    setText(text, STEPS[step][1]);
    back.hidden = step === 0;
    setText(next, step + 1 < STEPS.length ? "Next" : "Done");
    keepTour(storage, { step, left: false });
    point();
  };
  const leave = (at) => {
    element.hidden = true;
    keepTour(storage, { step: at, left: true });
    point();
  };
  const show = () => {
    element.hidden = false;
    go(readTour(storage).step ?? 0);
  };
  /** Shows it to whoever has not left it yet. */
  const start = () => { if (!readTour(storage).left) show(); };
  return { element, start, show };
}
