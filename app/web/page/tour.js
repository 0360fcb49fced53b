/**
 * The tour: on the first visit it leads through the tabs, brings what it speaks of into sight, lights it up, and
 * does the real thing. It stands above the strip, and at the foot of the window where it speaks of anything else.
 */

import { button, node, setText } from "../dom/dom.js";
import { storageOf } from "../draft/browser_storage.js";
import { keepTour, readTour } from "../draft/tab_storage.js";
import { onTabOpened, openTab, openTabId } from "./tabs.js";

/**
 * Each step says what to do, which part of the page it is done with, and what has to be seen in it. `tab` is
 * where, the Tokens tab if nothing is said; `far` says that the part is not beside the strip; `press` is a
 * button of the page that the tour offers to press. `known` begins it where the model knows most rows, `gold`
 * ends it where facts are marked.
 * @typedef {{title: string, words: string, part: string, known?: string, gold?: string, tab?: string,
 *   far?: boolean, press?: {label: string, part: string}}} Step
 * @type {Step[]}
 */
export const STEPS = [
  {
    title: "Read the colour",
    known: "The model has learned these facts.",
    words:
      "The stronger a token’s colour, the more it depends on the fact. Outlined tokens will be unlearned. Select one to see why.",
    part: ".tu-strips",
  },
  {
    title: "Set the cut",
    words: "Move the share, or drag the line in the histogram, to choose more tokens or fewer.",
    part: ".tu-hist, .tu-choose[aria-label=Choose]",
    far: true,
  },
  {
    title: "Decide yourself",
    words: "Disagree? Select a token and choose In or Out.",
    gold: "Underlined words are the fact as it was marked.",
    part: ".tu-strips, .tu-override",
  },
  {
    title: "Hand them over",
    words:
      "Make the model forget only the outlined tokens. Then see what it forgot, what it kept, and whether random tokens would have done as well.",
    part: ".tu-mask-bar",
    press: { label: "Unlearn these", part: ".tu-mask-bar .tu-button.is-first" },
  },
  {
    tab: "unlearn",
    title: "Start it",
    words:
      "Tick “random, same count” to train as many random tokens afterwards: that shows whether your choice mattered. Then start. It trains a small add-on (a LoRA adapter); the model’s own weights stay as they are.",
    part: ".tx-start, .tx-controls",
    press: { label: "Start unlearning", part: "button.tx-start" },
  },
  {
    tab: "unlearn",
    title: "Watch it",
    words:
      "The probability of the fact should fall; other tokens of these answers and the facts to keep should not. Pause or stop it when you like: what is trained so far is kept.",
    part: ".block.curves-view",
  },
  {
    tab: "probe",
    title: "Read the answers",
    words:
      "What does the model say now? Only “forgot, fluent” is a success: broken text is no forgetting. Retain and World show what else was lost. Or ask a question of your own.",
    part: ".block.probe-view, .tx-ask",
  },
  {
    tab: "compare",
    title: "Hold it against the control",
    words:
      "Did the random tokens do as well? Then choosing was worth nothing. One run can be luck: the setting Seeds says how many it takes until a sentence here can say what is shown.",
    part: ".block.compare-view",
  },
];

/** How often, and after how many milliseconds, it looks for what is not there yet. */
const LOOKS = 50;
const LOOK_AGAIN = 100;

/**
 * Returns the button that a step offers to press; null where there is none that can be pressed now.
 * @param {Step} step
 */
function pressable({ press }) {
  const part = press && document.querySelector(press.part);
  return part instanceof HTMLButtonElement && !part.disabled ? part : null;
}

/**
 * Returns `{element, start, show, away}`. `element` is its place on the Tokens tab; `showGold()` underlines the
 * fact and returns whether the set has one, `knows()` whether the model knows most rows. Left at any step it goes
 * on there. `away()` takes it off the page with the view that it belongs to: a card that floats is not inside.
 */
export function tour({ showGold, knows }, storage = storageOf("localStorage")) {
  let step = 0;
  const title = node("strong");
  const words = node("p", {}, title, " ");
  const text = node("span");
  words.append(text);
  const back = button("Back", () => go(step - 1), { class: "tu-toggle" });
  const next = button("", () => (step + 1 < STEPS.length ? go(step + 1) : leave(0)), {
    class: "tu-toggle tu-tour-next",
  });
  const press = button("", () => pressPart(), { class: "tu-toggle tu-tour-next" });
  const end = button("Leave the tour", () => leave(step), { class: "tu-toggle" });
  const card = node(
    "section",
    { class: "tu-tour", attributes: { "aria-label": "Tour", hidden: true } },
    words,
    node("div", { class: "tu-jumps" }, back, press, next, end),
  );
  const element = node("div", {}, card);
  let looking = 0;
  /** Whether the parts of the step are still to be brought into sight. */
  let unseen = false;
  const bringIntoSight = (parts) => {
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
    const floats = card.classList.contains("is-floating");
    for (const part of floats ? parts : [card]) part.scrollIntoView({ block: "nearest", behavior });
    unseen = false;
  };
  /** Lights up the parts of the step; those of a tab that was just opened come a moment later. */
  const point = (looks = LOOKS) => {
    clearTimeout(looking);
    for (const lit of document.querySelectorAll(".is-pointed")) lit.classList.remove("is-pointed");
    if (card.hidden) return;
    const parts = document.querySelectorAll(STEPS[step].part);
    for (const part of parts) part.classList.add("is-pointed");
    if (unseen && parts.length > 0) bringIntoSight(parts);
    press.hidden = !pressable(STEPS[step]);
    if ((parts.length === 0 || STEPS[step].press) && looks > 1)
      looking = setTimeout(() => point(looks - 1), LOOK_AGAIN);
  };
  /** Puts the card where the step is, keeping the focus of its buttons. */
  const place = () => {
    const { tab, far = false } = STEPS[step];
    const floats = Boolean(tab) || far;
    const host = floats ? (document.querySelector(".gradio-container") ?? document.body) : element;
    const focused = card.contains(document.activeElement) ? document.activeElement : null;
    if (card.parentElement !== host) host.append(card);
    card.classList.toggle("is-floating", floats);
    card.classList.toggle("is-over-bar", far);
    if (focused instanceof HTMLElement) focused.focus();
  };
  const pressPart = () => {
    pressable(STEPS[step])?.click();
    go(step + 1);
  };
  const go = (wanted, opens = true) => {
    step = Math.min(Math.max(0, wanted), STEPS.length - 1);
    const { title: heading, words: said, known, gold, press: offered, tab = "tokens" } = STEPS[step];
    if (opens && openTabId() !== tab) openTab(tab);
    setText(title, `${step + 1} of ${STEPS.length} · ${heading}.`);
    setText(text, [known && knows() && known, said, gold && showGold() && gold].filter(Boolean).join(" "));
    back.hidden = step === 0;
    setText(press, offered?.label ?? "");
    setText(next, step + 1 < STEPS.length ? "Next" : "Done");
    keepTour(storage, { step, left: false });
    place();
    unseen = opens;
    point();
  };
  const leave = (at) => {
    card.hidden = true;
    keepTour(storage, { step: at, left: true });
    point();
  };
  const show = (opens = true) => {
    card.hidden = false;
    go(readTour(storage).step ?? 0, opens);
  };
  // Whoever goes on by the page's own buttons is led on from there.
  const unhear = onTabOpened((id) => {
    if (!card.hidden && STEPS[step + 1]?.tab === id && (STEPS[step].tab ?? "tokens") !== id) go(step + 1);
    else point();
  });
  /** Shows it to whoever has not left it yet. */
  const start = () => {
    if (!readTour(storage).left) show(false);
  };
  const away = () => {
    unhear();
    card.hidden = true;
    point();
    card.remove();
  };
  return { element, start, show, away };
}
