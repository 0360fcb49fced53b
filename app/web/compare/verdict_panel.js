/** On top of the Compare tab: what a sweep shows, in sentences; how it stands, and its buttons. */

import { node, refill } from "../dom/dom.js";
import { actButton, runButtons } from "../runs/run_card.js";
import { titleOf } from "./lines.js";

/**
 * Returns `{element, update}`. `more(sweep)` gives further parts of a sweep's section, below its sentences.
 * @param {(name: string, data: object) => void} trigger
 * @param {(sweep: Record<string, any>, context: object) => (Node|null)[]} more
 */
export function verdictPanel(trigger, more = () => []) {
  const element = node("div", { class: "tx-verdicts" });
  const update = (context) => {
    const { sweeps = [], verdict = "", empty = "" } = context.value;
    const none = verdict || (sweeps.length === 0 && empty);
    const [newest, ...earlier] = sweeps.map((sweep) => () => section(sweep, trigger, more(sweep, context)));
    refill(
      element,
      [
        none ? node("p", { class: verdict ? "tx-verdict" : "tx-empty", text: none }) : null,
        newest?.(),
        earlier.length ? earlierSweeps(earlier) : null,
      ].filter(Boolean),
    );
  };
  return { element, update };
}

function earlierSweeps(sections) {
  const title = `${sections.length} earlier ${sections.length === 1 ? "sweep" : "sweeps"}`;
  return folding("earlier", title, () => sections.map((make) => make()));
}

function section(sweep, trigger, further) {
  const name = titleOf(sweep);
  return node(
    "section",
    { class: "tx-sweep", attributes: { "aria-label": name } },
    node(
      "h2",
      { class: "tx-heading" },
      node("span", { text: `Sweep: ${name} ` }),
      node("span", {
        class: sweep.recorded ? "tx-recorded-mark" : "tx-note",
        text: sweep.recorded ? "recorded" : sweep.run_id,
      }),
    ),
    ...plannedParts(sweep.planned),
    ...sweep.verdicts.flatMap((each) => verdictParts(each, Boolean(sweep.planned))),
    node(
      "p",
      { class: "tx-note", attributes: { role: "status" } },
      node("span", { text: `${sweep.text} ` }),
      ...runButtons((sweep.buttons ?? []).filter((label) => label !== "Compare")).map((each) =>
        actButton(each, sweep, trigger),
      ),
    ),
    ...sweep.notes.map((text) => node("p", { class: "tx-note", text })),
    ...further,
    fold(
      "Every difference that was looked at",
      sweep.verdicts.flatMap(({ all }) => all),
      `${sweep.run_id}:all`,
    ),
    fold(
      "What each control rules out, where the chosen tokens do better",
      sweep.controls,
      `${sweep.run_id}:controls`,
    ),
  );
}

/** The comparisons that were named beforehand, each with its p-value; all else below is exploratory. */
function plannedParts(planned) {
  if (!planned) return [];
  const { headline, text, lines } = planned;
  return [
    node("p", { class: "tx-verdict", text: headline || text }),
    headline ? node("p", { class: "tx-note", text }) : null,
    node(
      "ul",
      { class: "tx-against tx-planned" },
      ...lines.map((line) => node("li", { class: plannedTone(line), text: line.text })),
    ),
  ];
}

const plannedTone = ({ shown, better }) => (shown ? (better ? "tx-good-words" : "tx-bad-words") : "tx-note");

function verdictParts({ headline, text, against }, explored) {
  return [
    node("p", { class: explored ? "tx-verdict tx-explored" : "tx-verdict", text: headline || text }),
    headline ? node("p", { class: "tx-note", text }) : null,
    against.length ? node("ul", { class: "tx-against" }, ...against.map(againstLine)) : null,
  ];
}

function againstLine(against) {
  return node(
    "li",
    {},
    node("strong", { text: `Against ${against.control}` }),
    node("span", { class: "tx-note", text: ` (${against.counts}) ` }),
    ...againstWords(against).map(({ text, tone }) => node("span", { class: tone, text: `${text} ` })),
  );
}

/**
 * Returns what is shown against one control, `[{text, tone}]`: better, worse, and what is not shown. Pure.
 * @param {{better: string, worse: string, open: string}} against
 */
export function againstWords({ better, worse, open }) {
  return [
    better && { text: `Better: ${better}.`, tone: "tx-good-words" },
    worse && { text: `Worse: ${worse}.`, tone: "tx-bad-words" },
    open && { text: `Not shown: ${open}.`, tone: "tx-note" },
  ].filter(Boolean);
}

const unfolded = new Set();

/** A fold that stays as it is when what is in it is drawn anew. */
function folding(key, title, parts) {
  const element = node(
    "details",
    { attributes: { open: unfolded.has(key) } },
    node("summary", { text: title, attributes: { "data-key": key } }),
    ...parts(),
  );
  element.addEventListener("toggle", () => (element.open ? unfolded.add(key) : unfolded.delete(key)));
  return element;
}

function fold(title, texts, key) {
  if (texts.length === 0) return null;
  return folding(key, title, () => [node("ul", {}, ...texts.map((text) => node("li", { text })))]);
}
