/** The list of rows: subject, question, chosen of total, gold hits, overrides, a sparkline of φ; with search. */

import { drawing, node, segmented, setAttributes, setText } from "./dom.js";
import { rowCounts } from "./summary.js";

const SPARK_HEIGHT = 12;

/** Returns `{element, update(kinds)}`. Only the cards in view are redrawn when the rule changes. */
export function rowsOverview(model) {
  const search = node("input", { class: "tu-search", attributes: { type: "search", placeholder: "Find a subject or word", "aria-label": "Find rows" } });
  const list = node("div", { class: "tu-rows", attributes: { role: "listbox", "aria-label": "Rows" } });
  const none = node("p", { class: "tu-note", attributes: { hidden: true }, text: "No row holds that." });
  const head = node("div", { class: "tu-rows-head" });
  const element = node("aside", { class: "tu-left", attributes: { "aria-label": "Rows" } }, head, list, none);
  let cards = [];
  let sets = null;

  const build = () => {
    sets = model.sets.length > 1 ? segmented("Set", model.sets.map((set) => ({ value: set, label: setWords(set) })), (set) => model.goToSet(set)) : null;
    head.replaceChildren(...[sets?.element, search].filter(Boolean));
    cards = model.rowsOfSet().map((at) => rowCard(model, at));
    list.replaceChildren(...cards.map((card) => card.element));
    filter();
  };
  const filter = () => {
    const wanted = search.value.trim().toLocaleLowerCase();
    cards.forEach((card) => { card.element.hidden = wanted !== "" && !card.words.includes(wanted); });
    none.hidden = cards.some((card) => !card.element.hidden);
  };
  const stale = () => cards.forEach((card) => { card.stale = true; });
  const refresh = () => {
    const frame = list.getBoundingClientRect();
    // All places are read before anything is written: else each card would force a layout of its own.
    const due = cards.filter((card) => card.stale && !card.element.hidden && inView(card.element.getBoundingClientRect(), frame));
    due.forEach((card) => card.update());
  };
  search.addEventListener("input", () => { filter(); refresh(); });
  list.addEventListener("scroll", () => refresh(), { passive: true });
  list.ownerDocument.defaultView.addEventListener("resize", refresh, { passive: true });
  list.addEventListener("keydown", (event) => walk(event, model, cards));

  const update = (kinds) => {
    if (kinds.has("data")) build();
    sets?.update(model.set);
    if (kinds.has("data") || kinds.has("rule")) stale();
    if (kinds.has("data") || kinds.has("row")) cards.forEach((card) => card.mark());
    if (kinds.has("row")) cards.find((card) => card.at === model.view.row)?.show(list);
    refresh();
  };
  return { element, update };
}

function inView(box, frame) {
  return box.bottom > frame.top - 200 && box.top < frame.bottom + 200 && box.right > frame.left - 300 && box.left < frame.right + 300;
}

/** Returns a set's name for people: "one_off" → "One-off". */
export function setWords(set) {
  const words = set.replace(/_/g, "-") || "all";
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function rowCard(model, at) {
  const row = model.payload.rows[at];
  const share = node("span", { class: "tu-row-share" });
  const marks = node("span", { class: "tu-row-marks" });
  const pale = drawing("path", { class: "tu-spark-all" });
  const solid = drawing("path", { class: "tu-spark-chosen" });
  const spark = drawing("svg", {
    class: "tu-spark", attributes: { viewBox: `0 0 ${Math.max(1, row.count) * 4} ${SPARK_HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": true },
  }, pale, solid);
  const element = node("div", { class: "tu-row", attributes: { role: "option", tabindex: -1 }, on: { click: () => model.goTo(at) } },
    node("span", { class: "tu-row-subject", text: row.subject || "No subject" }), share,
    node("span", { class: "tu-row-question", text: row.question }), marks, spark);
  const card = { at, element, stale: true, words: `${row.subject} ${row.question} ${row.answer}`.toLocaleLowerCase() };
  card.update = () => {
    card.stale = false;
    const counts = rowCounts(row, model.mask, model.columns, model.overrides);
    setText(share, `${counts.chosen} of ${counts.total}`);
    setText(marks, markWords(counts));
    setAttributes(element, { "aria-label": `${row.subject || "No subject"}: ${row.question} ${counts.chosen} of ${counts.total} tokens chosen. ${spokenMarks(counts)}` });
    const { mask } = model;
    setAttributes(pale, { d: sparkPath(row, mask.fused, () => true) });
    setAttributes(solid, { d: sparkPath(row, mask.fused, (index) => mask.selected[index] === 1) });
  };
  card.mark = () => {
    const on = model.view.row === at;
    setAttributes(element, { "aria-selected": on, tabindex: on ? 0 : -1 });
  };
  card.show = (list) => scrollWithin(list, element);
  return card;
}

/** Scrolls only the list, never the page. */
function scrollWithin(list, element) {
  const [frame, box] = [list.getBoundingClientRect(), element.getBoundingClientRect()];
  if (box.top < frame.top) list.scrollTop += box.top - frame.top - 8;
  else if (box.bottom > frame.bottom) list.scrollTop += box.bottom - frame.bottom + 8;
  if (box.left < frame.left || box.right > frame.right) list.scrollLeft += box.left - frame.left - 16;
}

function markWords({ gold, goldChosen, forced }) {
  const parts = [];
  if (gold) parts.push(`gold ${goldChosen}/${gold}`);
  if (forced) parts.push(`•${forced}`);
  return parts.join("  ");
}

function spokenMarks({ gold, goldChosen, forced }) {
  return `${gold ? `Gold ${goldChosen} of ${gold}. ` : ""}${forced ? `${forced} overrides.` : ""}`;
}

/** Returns the SVG path of the bars for which `wanted` holds; unscored tokens are a hairline. */
export function sparkPath(row, fused, wanted) {
  let path = "";
  for (let at = 0; at < row.count; at += 1) {
    const index = row.first + at;
    if (!wanted(index)) continue;
    const value = Number.isFinite(fused[index]) ? Math.min(1, Math.max(0, fused[index])) : 0;
    const height = Math.max(1, value * SPARK_HEIGHT);
    path += `M${at * 4} ${SPARK_HEIGHT}v${-height.toFixed(1)}h3v${height.toFixed(1)}z`;
  }
  return path;
}

function walk(event, model, cards) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const shown = cards.filter((card) => !card.element.hidden);
  const next = shown[shown.findIndex((card) => card.at === model.view.row) + step];
  if (!next) return;
  model.goTo(next.at);
  next.element.focus({ preventScroll: true });
}
