/** The list of rows: subject, question, chosen of total, gold hits, overrides, a sparkline of φ; with search. */

// Only cards in view, and a little beyond, are filled and redrawn: an observer says which, so that no move
// of a slider has to ask each of a thousand cards for its place. While a slider moves they wait their turn.

import { drawing, node, segmented, setAttributes, setText } from "./dom.js";
import { rowCounts } from "./summary.js";

const SPARK_HEIGHT = 12;
const FILLED_AT_ONCE = 16;
const LATEST_MS = 120;
// Safari has no idle callback.
const whenIdle = globalThis.requestIdleCallback ?? ((act) => setTimeout(act, LATEST_MS / 2));

/** Returns `{element, update(kinds)}`. */
export function rowsOverview(model) {
  const search = node("input", { class: "tu-search", attributes: { type: "search", placeholder: "Find a subject or word", "aria-label": "Find rows" } });
  const list = node("div", { class: "tu-rows", attributes: { role: "listbox", "aria-label": "Rows" } });
  const none = node("p", { class: "tu-note", attributes: { hidden: true }, text: "No row holds that." });
  const head = node("div", { class: "tu-rows-head" });
  const element = node("aside", { class: "tu-left", attributes: { "aria-label": "Rows" } }, head, list, none);
  let cards = [];
  let sets = null;
  const near = new Set();
  const byElement = new WeakMap();
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) near.add(byElement.get(target));
      else near.delete(byElement.get(target));
    }
    refresh();
  }, { root: list, rootMargin: "200px 300px" });

  const build = () => {
    sets = model.sets.length > 1 ? segmented("Set", model.sets.map((set) => ({ value: set, label: setWords(set) })), (set) => model.goToSet(set)) : null;
    head.replaceChildren(...[sets?.element, search].filter(Boolean));
    cards = model.rowsOfSet().map((at) => rowCard(model, at));
    observer.disconnect();
    near.clear();
    // Until the observer has looked, the first ones stand for those in view.
    for (const card of cards.slice(0, FILLED_AT_ONCE)) near.add(card);
    list.replaceChildren(...cards.map((card) => card.element));
    for (const card of cards) {
      byElement.set(card.element, card);
      observer.observe(card.element);
    }
    filter();
  };
  const filter = () => {
    const wanted = search.value.trim().toLocaleLowerCase();
    cards.forEach((card) => { card.element.hidden = wanted !== "" && !card.words.includes(wanted); });
    none.hidden = cards.some((card) => !card.element.hidden);
  };
  const stale = () => cards.forEach((card) => { card.stale = true; });
  const refresh = () => { for (const card of near) if (card.stale) card.update(); };
  let waiting = false;
  const refreshLater = () => {
    if (waiting) return;
    waiting = true;
    whenIdle(() => {
      waiting = false;
      refresh();
    }, { timeout: LATEST_MS });
  };
  search.addEventListener("input", filter);
  list.addEventListener("keydown", (event) => walk(event, model, cards));

  let marked = null;
  const mark = () => {
    const wanted = cards.find((card) => card.at === model.view.row) ?? null;
    wanted?.show(list);
    if (marked !== wanted) marked?.mark(false);
    wanted?.mark(true);
    marked = wanted;
  };
  const update = (kinds) => {
    if (kinds.has("data")) build();
    sets?.update(model.set);
    if (kinds.has("data") || kinds.has("rule")) stale();
    if (kinds.has("data") || kinds.has("row")) mark();
    if (kinds.has("data")) refresh();
    else refreshLater();
  };
  return { element, update };
}

/** Returns a set's name for people: "one_off" → "One-off". */
export function setWords(set) {
  const words = set.replace(/_/g, "-") || "all";
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** An empty card, which its first `update` fills. */
function rowCard(model, at) {
  const row = model.payload.rows[at];
  const element = node("div", {
    class: "tu-row", attributes: { role: "option", tabindex: -1, "aria-selected": false, "aria-label": `${row.subject || "No subject"}: ${row.question}` },
    on: { click: () => model.goTo(at) },
  });
  const card = { at, element, stale: true, words: `${row.subject} ${row.question} ${row.answer}`.toLocaleLowerCase() };
  card.update = () => {
    card.stale = false;
    card.parts ??= fill(element, row);
    drawCard(card, row, model);
  };
  card.mark = (on) => setAttributes(element, { "aria-selected": on, tabindex: on ? 0 : -1 });
  card.show = (list) => scrollWithin(list, element);
  return card;
}

function fill(element, row) {
  const parts = {
    share: node("span", { class: "tu-row-share" }), marks: node("span", { class: "tu-row-marks" }),
    pale: drawing("path", { class: "tu-spark-all" }), solid: drawing("path", { class: "tu-spark-chosen" }),
  };
  const spark = drawing("svg", {
    class: "tu-spark", attributes: { viewBox: `0 0 ${Math.max(1, row.count) * 4} ${SPARK_HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": true },
  }, parts.pale, parts.solid);
  element.append(node("span", { class: "tu-row-subject", text: row.subject || "No subject" }), parts.share,
    node("span", { class: "tu-row-question", text: row.question }), parts.marks, spark);
  return parts;
}

function drawCard({ element, parts }, row, model) {
  const { mask } = model;
  const counts = rowCounts(row, mask, model.columns, model.overrides);
  setText(parts.share, `${counts.chosen} of ${counts.total}`);
  setText(parts.marks, markWords(counts));
  setAttributes(element, { "aria-label": `${row.subject || "No subject"}: ${row.question} ${counts.chosen} of ${counts.total} tokens chosen. ${spokenMarks(counts)}` });
  setAttributes(parts.pale, { d: sparkPath(row, mask.fused, () => true) });
  setAttributes(parts.solid, { d: sparkPath(row, mask.fused, (index) => mask.selected[index] === 1) });
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
