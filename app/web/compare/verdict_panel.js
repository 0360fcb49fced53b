/**
 * What a sweep shows: on top of the Compare tab in a sentence, how it stands, and its buttons; below the plot each
 * comparison, and the earlier sweeps.
 */

import { node, refill } from "../dom/dom.js";
import { actButton, runButtons } from "../runs/run_card.js";
import { titleOf } from "./lines.js";

/**
 * Returns `{head, rest, update}`: the sentence, and all that it stands on. `more(sweep)` gives further parts of a
 * sweep, below its comparisons.
 * @param {(name: string, data: object) => void} trigger
 * @param {(sweep: Record<string, any>, context: object) => (Node|null)[]} more
 */
export function verdictPanel(trigger, more = () => []) {
  const head = node("div", { class: "tx-verdicts" });
  const rest = node("div");
  const update = (context) => {
    const { sweeps = [], verdict = "", empty = "" } = context.value;
    const none = verdict || (sweeps.length === 0 && empty);
    const [newest, ...earlier] = sweeps;
    refill(
      head,
      [
        none ? node("p", { class: verdict ? "tx-verdict" : "tx-empty", text: none }) : null,
        newest ? headSection(newest, trigger) : null,
      ].filter(Boolean),
    );
    refill(
      rest,
      [
        newest ? restSection(newest, more(newest, context)) : null,
        earlier.length
          ? earlierSweeps(
              earlier.map((sweep) => () => [
                headSection(sweep, trigger),
                restSection(sweep, more(sweep, context)),
              ]),
            )
          : null,
      ].filter(Boolean),
    );
  };
  return { head, rest, update };
}

function earlierSweeps(sections) {
  const title = `${sections.length} earlier ${sections.length === 1 ? "sweep" : "sweeps"}`;
  return folding("earlier", title, () => sections.flatMap((make) => make()));
}

/** The name of a sweep, its first sentence, how it stands, and its buttons. */
function headSection(sweep, trigger) {
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
    ...firstWords(sweep).map((text) => node("p", { class: "tx-verdict", text })),
    node(
      "p",
      { class: "tx-note", attributes: { role: "status" } },
      node("span", { text: `${sweep.text} ` }),
      ...runButtons((sweep.buttons ?? []).filter((label) => label !== "Compare")).map((each) =>
        actButton(each, sweep, trigger),
      ),
    ),
  );
}

/**
 * Returns the sentences that a sweep is for: of what was named beforehand, where anything was, else of the last
 * step. Pure.
 */
export function firstWords({ planned, verdicts }) {
  const first = planned ?? verdicts[0];
  return first ? [first.headline || first.text] : [];
}

/** Each comparison of a sweep, at each moment, and what else there is of it. */
function restSection(sweep, further) {
  const { planned } = sweep;
  return node(
    "section",
    { class: "tx-sweep", attributes: { "aria-label": `What it stands on: ${titleOf(sweep)}` } },
    node("h2", { class: "tx-heading", text: "What it stands on" }),
    ...plannedParts(planned),
    ...sweep.verdicts.flatMap((each, at) => verdictParts(each, Boolean(planned), at === 0 && !planned)),
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
    headline ? node("p", { class: "tx-note", text }) : null,
    node(
      "ul",
      { class: "tx-against tx-planned" },
      ...lines.map((line) => node("li", { class: plannedTone(line), text: line.text })),
    ),
  ];
}

const plannedTone = ({ shown, better }) => (shown ? (better ? "tx-good-words" : "tx-bad-words") : "tx-note");

/** `explored`: others were named beforehand; `said`: its first sentence stands on top already. */
function verdictParts({ headline, text, against }, explored, said) {
  return [
    said
      ? null
      : node("p", { class: explored ? "tx-verdict tx-explored" : "tx-verdict", text: headline || text }),
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
