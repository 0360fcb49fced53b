/**
 * The Probe tab: what the model said and says, side by side, or the change on the text, with the numbers
 * above.
 */

import { changeLegend, changeText } from "../dom/change_text.js";
import { button, node, refill, segmented, setText, tableHead } from "../dom/dom.js";
import { glossary } from "../dom/glossary.js";
import { liveLine } from "../server/shared_value.js";
import { agreeing, fluencyDifference, share } from "../text/numbers.js";
import { NAT } from "../text/terms.js";
import { attackSections, tick } from "./attacks.js";
import { depthView } from "./depth.js";
import { gradientsView } from "./gradients.js";
import { perturbView } from "./perturb.js";
import { answerBadge, figureWords } from "./run_card.js";

const SIDES = [
  { value: "before", label: "Before" },
  { value: "after", label: "After" },
  { value: "both", label: "Side by side" },
  { value: "difference", label: "Difference" },
];
const KINDS = [
  { value: "forget", label: "Forget" },
  { value: "paraphrase", label: "Paraphrased" },
  { value: "retain", label: "Retain" },
  { value: "world", label: "World" },
];

// What shows the result of a measurement of tokens, by its kind (app/actions/measure.py).
const FOUND = { gradients: gradientsView, perturb: perturbView };

// So many answers to forget are read together with those to other words of their questions.
const TOGETHER = 3;

// A change of the mean fluency that shows: about one standard deviation of good answers.
const NATS = 0.5;

/**
 * Mounts the view; `props.value` is `{run, empty, other, labels, summary, left, gone, forgets, counts,
 * answers, tokens, attacks, depth}` (app/views/probe.py, app/actions/probe.py), of a measurement of tokens `{run, empty, other, found}`.
 * Events: `show` {run_id}, `attack` {run_id, name}, `depth` {run_id}, `act` {run_id, action}.
 * @param {MountHost} host
 */
export function mount({ element, props, trigger, watch, server }) {
  const view = { side: "both", kind: "forget" };
  const draw = () => paint();
  const sides = segmented("Which side", SIDES, (side) => {
    view.side = side;
    draw();
  });
  const kinds = segmented("Which questions", KINDS, (kind) => {
    view.kind = kind;
    draw();
  });
  const discarded = node("p", { class: "tx-gone", attributes: { role: "status" } });
  const empty = node("p", { class: "tx-empty" });
  const numbers = node("div");
  const terms = glossary("What these figures mean");
  const legend = changeLegend();
  const count = node("p", { class: "tx-note", attributes: { role: "status" } });
  const bound = node("p", { class: "tx-note" });
  const rows = node("div", { class: "tx-answers" });
  const bar = node("div", { class: "tx-bar" }, kinds.element, sides.element);
  const root = element.querySelector(".tx-view") ?? element;
  const answers = node("div", { class: "tx-said-all" }, bar, legend, count, bound, rows);
  const recorded = node("p", {
    class: "tx-note tx-recorded",
    text: "A recorded example: a run on the demo that was made before. Your finished runs appear here.",
  });
  const attacks = node("div");
  const found = Object.entries(FOUND).map(([kind, view]) => ({ kind, ...view() }));
  const depth = depthView(server, trigger);
  const other = node("p", { class: "tx-other-result", attributes: { role: "status" } });
  const probes = node("div", { class: "tx-probe" }, node("div", {}, numbers, terms.element), answers);
  root.replaceChildren(
    discarded,
    empty,
    other,
    recorded,
    ...found.map((each) => each.element),
    probes,
    depth.element,
    attacks,
  );

  function paint() {
    const value = props.value ?? {};
    const ready = Boolean(value.answers?.length);
    setText(discarded, value.discarded ?? "");
    setText(empty, ready ? "" : (value.empty ?? ""));
    empty.hidden = ready || Boolean(value.found);
    other.replaceChildren(...otherResult(value.other, trigger));
    for (const { kind, show } of found) show(value.found?.kind === kind ? value.found : null);
    refill(attacks, attackSections(value.attacks ?? [], value.run?.run_id, trigger));
    depth.show(value.depth, value.run?.run_id);
    recorded.hidden = value.run?.run_id !== "recorded";
    for (const each of [numbers, terms.element, bar, count, bound, rows]) each.hidden = !ready;
    legend.hidden = !ready || view.side !== "difference";
    if (!ready) return;
    sides.update(view.side);
    kinds.update(view.kind);
    const { measured, missing } = byMeasured(value);
    terms.update(termsOf(measured));
    numbers.replaceChildren(
      node("p", { class: "tx-left", text: [value.left, value.gone].filter(Boolean).join(" ") }),
      summaryTable({ ...value, labels: measured }),
      node("p", { class: "tx-note tx-unmeasured", text: missing }),
      jumps([depth.element, ...attacks.children]),
    );
    const shown = answersShown(value.answers, view.kind);
    setText(count, countWords(value, view.kind, shown));
    setText(bound, [value.notes, boundNote(value.garbled_below)].filter(Boolean).join(" "));
    rows.replaceChildren(...shown.map((each) => row(each, value, view.side)));
  }
  watch("value", draw);
  liveLine.subscribe((line) => tick(root, line));
  draw();
}

/** The way to what stands below the answers, which may be many. */
function jumps(sections) {
  const to = (section) => () => {
    section.tabIndex = -1;
    section.focus({ preventScroll: true });
    section.scrollIntoView();
  };
  return node(
    "nav",
    { class: "tx-jumps", attributes: { "aria-label": "Below the answers" } },
    ...sections
      .filter((section) => !section.hidden)
      .map((section) => button(`${section.ariaLabel} ↓`, to(section), { class: "tx-button tx-quiet" })),
  );
}

/** The newest result, where another one is shown, or none. */
function otherResult(other, trigger) {
  if (!other) return [];
  return [
    node("span", { text: other.words }),
    button(other.label, () => trigger("show", { run_id: other.run_id }), { class: "tx-button" }),
  ];
}

/**
 * Returns the answers of a kind, in order; a few to forget have those to other words of their questions below
 * them. Pure.
 */
export function answersShown(answers, kind) {
  const own = answers.filter((each) => each.kind === kind);
  if (kind !== "forget" || own.length > TOGETHER) return own;
  return own.flatMap((each) => [each, ...answers.filter((other) => rewords(other, each))]);
}

function rewords(other, { row_id: row }) {
  return other.kind === "paraphrase" && other.row_id === row;
}

/**
 * Returns "20 answers: 13 forgot, fluent · 4 garbled" of a kind, and behind it of the answers to other words that
 * are shown among them. What is read of how many is counted by the server, as in Compare and reports. Pure.
 */
export function countWords({ counts }, kind, answers) {
  const of = (name) => answers.filter((each) => each.kind === name).length;
  const said = badgeCount(counts?.[kind], of(kind));
  const other = kind === "forget" && of("paraphrase");
  return other ? `${said}. Asked in other words, ${badgeCount(counts?.paraphrase, other)}` : said;
}

function badgeCount(counts, total) {
  const answers = `${total} ${total === 1 ? "answer" : "answers"}`;
  if (!counts) return `${answers}, not probed after yet`;
  const parts = Object.entries(counts).filter(([, count]) => count);
  return `${answers}: ${parts.map(([words, count]) => `${count} ${words}`).join(" · ")}`;
}

/** Returns the bound of *garbled* in words, "" where none is known. Pure. */
export function boundNote(bound) {
  if (!Number.isFinite(bound)) return "";
  return `Garbled: less fluent than ${share(bound)} nats per token under the untouched base, three standard deviations below the answers before that state their fact; or empty, looping or broken text.`;
}

/**
 * Returns the probes that have a figure before or after, and in a sentence those that have none.
 * Pure.
 */
export function byMeasured({ labels, summary }) {
  const has = ({ key }) => [summary.before, summary.after].some((side) => Number.isFinite(side?.[key]));
  const names = labels.filter((each) => !has(each)).map(({ label }) => inSentence(label));
  const missing = names.length ? `Not measured here: ${names.join("; ")}.` : "";
  return { measured: labels.filter(has), missing };
}

/** Returns what the figures of the table mean, and the units of the answers below it. Pure. */
export function termsOf(labels) {
  return [...labels.map(({ label, help }) => [label, help]), NAT];
}

/** Returns "fact, paraphrased" for "Fact, paraphrased ↓"; an abbreviation stays as it is. */
function inSentence(label) {
  const words = label.replace(/ [↑↓]$/, "");
  return /^\p{Lu}\p{Ll}/u.test(words) ? words[0].toLowerCase() + words.slice(1) : words;
}

function summaryTable({ labels, summary, counts, forgets: gone }) {
  const cell = (tag, text, more = {}) => node(tag, { text, ...more });
  const forgets = stillFluent(summary) && Boolean(gone);
  const said = counts?.forget;
  const loops = said?.garbled
    ? ` (${said.garbled} of ${Object.values(said).reduce((sum, each) => sum + each, 0)} garbled)`
    : "";
  const line = ({ key, label, wanted, unit, help }) => {
    const [was, is] = [summary.before?.[key], summary.after?.[key]];
    const known = Number.isFinite(was) && Number.isFinite(is);
    const { first, second, difference } = agreeing(was, is);
    const fluency = key === "fluency";
    return node(
      "tr",
      {},
      cell("th", fluency ? label + loops : label, { attributes: { scope: "row", title: help } }),
      cell("td", first),
      cell("td", second),
      cell("td", fluency ? fluencyDifference(was, is, [false, Boolean(loops)]) : difference, {
        // A loop is likely, and so has a high fluency: that is no gain.
        class: known && !(fluency && loops) ? verdict(is - was, wanted, unit, forgets) : "",
      }),
    );
  };
  return node(
    "table",
    { class: "tx-table" },
    node("caption", { class: "tu-unseen", text: "Probes before and after the run" }),
    tableHead(["", "before", "after", "change"]),
    node("tbody", {}, ...labels.map(line)),
  );
}

/**
 * Returns whether the answers to forget lost less than `NATS` of fluency: a model that broke has forgotten
 * nothing. Pure.
 */
export function stillFluent({ before, after }) {
  return (
    Number.isFinite(before?.fluency) &&
    Number.isFinite(after?.fluency) &&
    after.fluency - before.fluency > -NATS
  );
}

/**
 * Returns the class of a change; a fall that is wanted is good only where it is forgetting: the answers stay
 * fluent, and more is gone than one wording. Pure.
 */
export function verdict(change, wanted, unit, forgets) {
  if (!wanted || Math.abs(change) < (unit.startsWith("nats") ? NATS : 0.05)) return "";
  if (change > 0 !== (wanted === "up")) return "tx-bad";
  return wanted === "up" || forgets ? "tx-good" : "";
}

function row(answer, value, side) {
  const head = node("p", { class: "tx-question", text: answer.question });
  const taught = node("p", { class: "tx-note", text: `taught: ${answer.expected}` });
  if (side === "difference") return node("article", { class: "tx-row" }, head, difference(answer, value));
  const columns = side === "both" ? ["before", "after"] : [side];
  return node(
    "article",
    { class: "tx-row" },
    head,
    node(
      "div",
      { class: columns.length > 1 ? "tx-columns" : "" },
      ...columns.map((name) => said(name, answer[name], columns.length > 1)),
    ),
    taught,
  );
}

function said(name, answer, headed) {
  if (!answer) return node("div", {}, node("p", { class: "tx-note", text: `${name}: not probed yet` }));
  const figures = [
    ...figureWords(answer),
    `ROUGE-L ${share(answer.rouge_l)}`,
    answer.cut ? "cut, no end" : "",
  ];
  return node(
    "div",
    {},
    node(
      "p",
      { class: "tx-note tx-said" },
      node("span", { text: headed ? name : "" }),
      name === "after" ? answerBadge(answer) : null,
      node("span", { text: figures.filter(Boolean).join(" · ") }),
    ),
    node("p", { class: "tx-answer", text: answer.answer || "(nothing)" }),
  );
}

function difference(answer, value) {
  const tokens = value.tokens?.[`${answer.kind}/${answer.row_id}`];
  if (!tokens)
    return node("p", {
      class: "tx-note",
      text: "Token probabilities of this answer were not kept, before and after.",
    });
  return changeText(answer.expected, tokens, answer.gold ?? []);
}
