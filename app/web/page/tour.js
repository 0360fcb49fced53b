/**
 * The tour: on the first visit a line above the strip leads through the page and lights up what it speaks of.
 */

import { button, node, setText } from "../dom/dom.js";
import { keepTour, readTour } from "../draft/tab_storage.js";

/** Each step says what to do, which part of the view it is done with, and what has to be seen in it. */
export const STEPS = [
  {
    title: "Read the colour",
    words: "Darker tokens depend more on the fact. Outlined tokens will be unlearned. Select one to see why.",
    part: ".tu-strips",
  },
  {
    title: "Set the cut",
    words: "Move the share, or drag the cut in the histogram, to choose more tokens or fewer.",
    part: ".tu-choose, .tu-hist",
  },
  {
    title: "Decide yourself",
    words: "Disagree? Select a token and choose In or Out.",
    gold: "Underlined words are the fact as an annotator marked it.",
    part: ".tu-strips, .tu-override",
  },
  {
    title: "Unlearn these",
    words:
      "Make the model forget only the outlined tokens. Then see what it forgot, what it kept, and whether random tokens would have done as well.",
    part: ".tu-mask-bar",
  },
];

/**
 * Returns `{element, start, show}`; `root()` is the element that holds the parts, `showGold()` underlines the
 * fact and returns whether the set has one. Left at any step it goes on there.
 */
export function tour(root, showGold, storage = globalThis.localStorage) {
  let step = 0;
  const title = node("strong");
  const words = node("p", {}, title, " ");
  const text = node("span");
  words.append(text);
  const back = button("Back", () => go(step - 1), { class: "tu-toggle" });
  const next = button("", () => (step + 1 < STEPS.length ? go(step + 1) : leave(0)), {
    class: "tu-toggle tu-tour-next",
  });
  const end = button("Leave the tour", () => leave(step), { class: "tu-toggle" });
  const element = node(
    "section",
    { class: "tu-tour", attributes: { "aria-label": "Tour", hidden: true } },
    words,
    node("div", { class: "tu-jumps" }, back, next, end),
  );
  const point = () => {
    for (const lit of root().querySelectorAll(".is-pointed")) lit.classList.remove("is-pointed");
    if (!element.hidden)
      for (const part of root().querySelectorAll(STEPS[step].part)) part.classList.add("is-pointed");
  };
  const go = (wanted) => {
    step = Math.min(Math.max(0, wanted), STEPS.length - 1);
    const { title: heading, words: said, gold } = STEPS[step];
    setText(title, `${step + 1} of ${STEPS.length} · ${heading}.`);
    setText(text, gold && showGold() ? `${said} ${gold}` : said);
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
  const start = () => {
    if (!readTour(storage).left) show();
  };
  return { element, start, show };
}
