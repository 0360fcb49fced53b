/**
 * Parts of a run's card: head with progress and buttons, the answer as it changes, numbers before and now.
 * Which buttons there are is decided by state.json alone, in Python.
 */

import { button, node, setText } from "../dom/dom.js";
import { share } from "../text/numbers.js";
import { NAT } from "../text/terms.js";
import { markedParts } from "../text/units.js";
import { hueDot } from "./looks.js";

/** @type {[string, string, string][]} key, label and help of each number */
const NUMBERS = [
  [
    "fact_joint",
    "Fact ↓",
    "Joint probability of the whole fact when the taught words before it are given, mean over rows",
  ],
  ["paraphrased", "Paraphrased fact ↓", "The same fact when the question is asked in other words"],
  ["other", "Other tokens ↑", "Mean probability of the other tokens of the same answers"],
  ["retain", "Retained ↑", "Mean token probability on the rows that must stay"],
  ["world", "World ↑", "Mean token probability on real-world questions"],
  [
    "fluency",
    "Fluency ↑",
    "Mean log-probability per token of the answers under the untouched base, in nats; measured before and at the end",
  ],
];

/** What the tiles and curves of a run show, in plain words. */
export const TERMS = [
  ...NUMBERS.map(([, label, help]) => [label, `${help}.`]),
  [
    "Training loss",
    "What training makes smaller, in nats: how far the model is from forgetting these tokens while it keeps the others.",
  ],
  NAT,
];

/** Returns name, state, progress bar and the buttons that this state allows. */
export function runHead(run, trigger) {
  const bar = node("div", {
    class: "tx-progress",
    attributes: {
      role: "progressbar",
      "aria-valuemin": 0,
      "aria-valuemax": run.steps,
      "aria-label": "Steps",
    },
  });
  const element = node(
    "div",
    { class: "tx-run-head" },
    node(
      "div",
      { class: "tx-run-title" },
      hueDot(run.hue),
      node("span", { class: `tx-dot tx-state-${run.state}` }),
      node("strong", { text: run.name }),
      node("span", { class: "tx-note" }),
    ),
    isLive(run.state) ? bar : null,
    node(
      "div",
      { class: "tx-actions" },
      ...runButtons(run.buttons ?? []).map((each) => actButton(each, run, trigger)),
    ),
  );
  moveHead(element, run);
  return element;
}

/** Says in the head of a run how far it has come; name, state and buttons stay as they are. */
export function moveHead(element, run) {
  setText(element.querySelector(".tx-run-title .tx-note"), run.text);
  const bar = element.querySelector(".tx-progress");
  bar?.style.setProperty("--share", String(run.steps > 0 ? Math.min(1, run.step / run.steps) : 0));
  bar?.setAttribute("aria-valuenow", String(run.step));
}

/**
 * Returns one button; where `sure` is set the first click asks, the second acts, leaving it takes the
 * question back.
 */
export function actButton(spec, run, trigger) {
  const act = () => {
    if (spec.action === "copy") navigator.clipboard?.writeText(run.message ?? "");
    else trigger("act", { run_id: run.run_id, action: spec.action });
  };
  const element = button(
    spec.label,
    () => {
      if (!spec.sure || element.dataset.asking) {
        delete element.dataset.asking;
        act();
      } else {
        element.dataset.asking = "yes";
        element.textContent = spec.sure;
      }
    },
    { class: `tx-button tx-${spec.kind}`, attributes: { "data-key": `${run.run_id}:${spec.action}` } },
  );
  element.addEventListener("blur", () => {
    delete element.dataset.asking;
    element.textContent = spec.label;
  });
  return element;
}

/** Returns `{element, show(text)}`: the end of a run's log, folded; hidden without a text. */
export function runLog() {
  const lines = node("pre", { attributes: { tabindex: 0, role: "region", "aria-label": "Log of the run" } });
  const element = node(
    "details",
    { class: "tx-log", attributes: { hidden: true } },
    node("summary", { text: "Log" }),
    lines,
  );
  const show = (text) => {
    setText(lines, text);
    element.hidden = text === "";
  };
  return { element, show };
}

/** Returns the badge of an answer after the run, `{badge, badge_words, tone}`. */
export function answerBadge({ badge, badge_words: words, tone }) {
  return node("span", { class: `tx-badge tx-badge-${badge} ${tone ? `tx-${tone}` : ""}`, text: words });
}

/**
 * Returns the fluency and the probability of the fact of an answer, each with what the answer does not bear out
 * (`fluency_said`, `fact_said`), and which words of the fact are gone. Pure.
 */
export function figureWords({ fluency, fluency_said: unsound, fact_joint: fact, fact_said: unsaid, gone }) {
  const words = [[`fluency ${share(fluency)}`, unsound]];
  if (Number.isFinite(fact)) words.push([`fact ${share(fact)}`, unsaid, gone]);
  return words.map((each) => each.filter(Boolean).join("; "));
}

/** Returns the heading of the newest answer; `after` is set where the probe after the run was told it. Pure. */
export function saidHeading(now) {
  if (!now) return "It says";
  return now.after ? `It says after step ${now.step}` : `It says at step ${now.step}`;
}

/** Returns the question with its answer at step 0 and now, the fact underlined, and the texts in between. */
export function answerBlock(answer) {
  const texts = answer.texts ?? [];
  const now = texts[texts.length - 1];
  const fact = (text, spans) =>
    node(
      "p",
      { class: "tx-answer" },
      ...markedParts(text, spans).map((part) => node(part.marked ? "mark" : "span", { text: part.text })),
    );
  return node(
    "section",
    { class: "tx-live", attributes: { "aria-label": "One answer as it changes" } },
    node("p", { class: "tx-question", text: answer.question }),
    node(
      "div",
      { class: "tx-columns" },
      node(
        "div",
        {},
        node("h2", { class: "tx-heading", text: "It was taught" }),
        fact(answer.expected, answer.gold ?? []),
      ),
      node(
        "div",
        {},
        node("h2", { class: "tx-heading", text: saidHeading(now) }),
        node("p", { class: "tx-answer", text: now ? now.text || "(nothing)" : "not asked yet" }),
        now?.after ? answerBadge(now.after) : null,
      ),
    ),
    texts.length > 2 ? history(texts) : null,
  );
}

function history(texts) {
  const lines = texts
    .slice(0, -1)
    .reverse()
    .map((each) =>
      node(
        "li",
        {},
        node("span", { class: "tx-step", text: String(each.step) }),
        node("span", { text: each.text || "(nothing)" }),
      ),
    );
  return node(
    "details",
    { class: "tx-history" },
    node("summary", { text: `${lines.length} earlier answers` }),
    node("ol", {}, ...lines),
  );
}

/**
 * Returns the numbers: each as it is now, or what it waits for, and what it was before the run; below, what
 * the guard looks at.
 */
export function numbersRow(series, live) {
  const cell = ([key, label, help]) => {
    const { now, note } = numberNow(series, key, live);
    return node(
      "div",
      { class: "tx-number", attributes: { title: help } },
      node("span", { class: "tx-note", text: label }),
      node("strong", { text: now }),
      node("span", { class: "tx-note", text: note }),
    );
  };
  return node(
    "div",
    {},
    node("div", { class: "tx-numbers" }, ...NUMBERS.map(cell)),
    node("p", { class: "tx-note", text: retainWords(series.retain_loss) }),
  );
}

/** Returns the retain loss in nats, `{now, start}`, as a sentence; nothing where none was measured. Pure. */
export function retainWords(loss) {
  if (!Number.isFinite(loss?.now)) return "";
  const start = Number.isFinite(loss.start) ? `, ${loss.start.toFixed(2)} at the start` : "";
  return `Loss on the rows to keep: ${loss.now.toFixed(2)} nats a token${start}.`;
}

/**
 * Returns `{now, note}` of one number: the full probe after the run, else the newest live point, else "–". A
 * value of before the run is never shown as the present one. Pure.
 */
export function numberNow(series, key, live) {
  const { probed = {}, eval_steps: steps = [] } = series;
  const points = series[key] ?? [];
  const known = (value) => value !== null && value !== undefined;
  const was = probed.before?.[key];
  const before = known(was) ? `before ${share(was)}` : "";
  if (probed.after) {
    const beside = [before, key === "fluency" ? series.garbled : ""].filter(Boolean).join(" · ");
    return { now: share(probed.after[key]), note: known(probed.after[key]) ? beside : "not measured" };
  }
  const at = points.findLastIndex(known);
  const noted = (words) => [words, before].filter(Boolean).join(" · ");
  if (at >= 0) return { now: share(points[at]), note: noted(`${live ? "live" : "last"}, step ${steps[at]}`) };
  const measurable = !probed.before || known(was);
  return { now: "–", note: live && measurable ? noted("measured at the end") : noted("not measured") };
}

const ACTS = {
  Cancel: { action: "discard", kind: "plain" },
  "Pause and save": { action: "pause", kind: "plain" },
  "Stop and keep": { action: "stop", kind: "plain" },
  "Force stop": { action: "force", kind: "plain", sure: "Stop without saving?" },
  "Discard…": { action: "discard", kind: "quiet", sure: "Discard it?" },
  Resume: { action: "resume", kind: "leading" },
  "Keep as is": { action: "keep", kind: "plain" },
  Probe: { action: "probe", kind: "leading" },
  "Open the taught model": { action: "open", kind: "leading" },
  Compare: { action: "compare", kind: "plain" },
  "Run again with changes": { action: "again", kind: "quiet" },
  "Edit settings": { action: "again", kind: "plain" },
  "Copy error": { action: "copy", kind: "quiet" },
};

/**
 * Returns `{label, action, kind, sure?}` for each label that tokenunlearn/runs/states.py offers;
 * `sure` is the question of a button that asks before it acts. Unknown labels are left out.
 * @param {string[]} labels
 */
export function runButtons(labels) {
  return labels.flatMap((label) => {
    const act = label.startsWith("Resume from") ? ACTS.Resume : ACTS[label];
    return act ? [{ label, ...act }] : [];
  });
}

/** Returns whether the run may still change by itself. */
export function isLive(state) {
  return ["queued", "running", "pausing", "stopping"].includes(state);
}

/** Returns a run with the words of its newest line, where that is of the same step. Pure. */
export function withSeconds(run, line) {
  const same = ["run_id", "state", "step"].every((name) => run[name] === line?.[name]);
  return same ? { ...run, text: line.text } : run;
}
