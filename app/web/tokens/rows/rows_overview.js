/**
 * The list of rows: search, four orders, an act on all that are listed; a card with a sparkline of φ each.
 */

import { button, node, segmented, setHidden, setText } from "../../dom/dom.js";
import { atRest } from "../../dom/later.js";
import { same } from "../../score/memoise.js";
import { countWhile } from "../../score/ranks.js";
import { knownCounts, setKnownWords } from "../../text/known.js";
import { bulkPanel } from "./bulk_panel.js";
import { leftOutNote } from "./left_out_note.js";
import { rowCard } from "./row_card.js";
import { rowsDrawer } from "./rows_drawer.js";
import { firstOrder, holds, ORDERS, orderedRows, shownWords } from "./rows_order.js";

// Only cards in view, and a little beyond, are filled and redrawn, found by halving: an observer of a
// thousand cards would compute in each frame of a slider. While a slider moves they wait their turn. The
// order, once made, stays while overrides are made, and while more scores come to whoever has scrolled or is
// in the list: what one looks at must not move away.

const FILLED_AT_ONCE = 16;
const MARGIN = 300; // pixels

/** Returns `{element, update(kinds)}`. */
export function rowsOverview(model) {
  const list = node("div", { class: "tu-rows", attributes: { role: "listbox", "aria-label": "Rows" } });
  const none = node("p", { class: "tu-note", attributes: { hidden: true }, text: "No row holds that." });
  const cards = cardsIn(list, model);
  const drawer = rowsDrawer(model, () => element);
  const head = listHead(model, cards, (shown) => {
    none.hidden = shown > 0;
    drawer.update();
  });
  const leftOut = leftOutNote(model);
  const known = node("p", { class: "tu-note tu-known-set" });
  const element = node(
    "aside",
    { class: "tu-left", attributes: { "aria-label": "Rows" } },
    drawer.element,
    head.element,
    leftOut.element,
    known,
    list,
    none,
  );
  list.addEventListener("click", drawer.close);
  list.addEventListener("keydown", (event) => walk(event, model, cards.shown()));

  const { later } = atRest(() => {
    cards.refresh();
    head.bulk.update();
  });
  const update = (kinds) => {
    if (kinds.has("data")) {
      head.build();
      leftOut.update();
    }
    head.sets?.update(model.set);
    setText(known, setKnownWords(knownCounts(model.rowsOfSet.map((at) => model.payload.rows[at]))));
    if (kinds.has("data") || kinds.has("row")) drawer.update();
    if (["data", "rule", "marks"].some((kind) => kinds.has(kind))) cards.stale();
    if (kinds.has("rule")) head.moved();
    if (kinds.has("data") || kinds.has("row")) cards.mark();
    if (kinds.has("data")) cards.refresh();
    later();
  };
  return { element, update };
}

/**
 * Keeps the cards of the current set: made once per set, put in order, hidden by the search, filled near the
 * view.
 */
function cardsIn(list, model) {
  const cards = new Map();
  let inOrder = [];
  let marked = null;
  const refresh = () => {
    for (const card of nearView(list, shown())) if (card.stale) card.update();
  };
  list.addEventListener("scroll", refresh, { passive: true });
  new ResizeObserver(refresh).observe(list);
  const build = () => {
    cards.clear();
    for (const at of model.rowsOfSet) cards.set(at, rowCard(model, at));
  };
  const arrange = (order) => {
    const focused = inOrder.find((card) => card.element === document.activeElement)?.at;
    inOrder = order.map((at) => cards.get(at));
    list.replaceChildren(...inOrder.map((card) => card.element));
    cards.get(focused)?.element.focus({ preventScroll: true });
  };
  const filter = (typed) => {
    for (const card of inOrder) card.element.hidden = !holds(card.text, typed);
    model.listed = shown().map((card) => card.at);
  };
  const shown = () => inOrder.filter((card) => !card.element.hidden);
  const mark = () => {
    const wanted = cards.get(model.view.row) ?? null;
    wanted?.show(list);
    if (marked !== wanted) marked?.mark(false);
    wanted?.mark(true);
    marked = wanted;
  };
  const stale = () => {
    for (const card of cards.values()) card.stale = true;
  };
  const toTop = () => {
    list.scrollTop = 0;
  };
  /** Returns the order as it stands if it is of these rows and looked at, else null. */
  const held = (rows) => {
    const looked = list.scrollTop > 0 || list.contains(document.activeElement);
    const known = new Set(inOrder.map(({ at }) => at));
    return looked && rows.length === known.size && rows.every((at) => known.has(at)) ? [...known] : null;
  };
  return { build, arrange, held, toTop, filter, shown, mark, stale, refresh };
}

/** Returns the cards within the margin of what the list shows; before it is laid out, the first ones. */
function nearView(list, cards) {
  const frame = list.getBoundingClientRect();
  if (!frame.height) return cards.slice(0, FILLED_AT_ONCE);
  const startsBefore = (limit) => (card) => card.element.getBoundingClientRect().top < limit;
  return cards.slice(
    countWhile(cards, startsBefore(frame.top - MARGIN)),
    countWhile(cards, startsBefore(frame.bottom + MARGIN)),
  );
}

/**
 * What stands above the cards: sets, search, order, count, the act on all; `told(shown)` hears how many are
 * listed.
 */
function listHead(model, cards, told) {
  const search = node("input", {
    class: "tu-search",
    attributes: { type: "search", placeholder: "Find a subject or word", "aria-label": "Find rows" },
  });
  const order = node(
    "select",
    { attributes: { "aria-label": "Order of the rows" } },
    ...ORDERS.map(([value, text]) => node("option", { text, attributes: { value } })),
  );
  const again = button("Sort again", () => sort(), {
    class: "tu-toggle",
    attributes: { title: "The mask has changed since", hidden: true },
  });
  const count = node("span", { attributes: { role: "status" } });
  const bulk = bulkPanel(model, () => model.listed ?? []);
  const element = node("div", { class: "tu-rows-head" });
  const head = { element, bulk, sets: null };
  const filter = () => {
    cards.filter(search.value);
    setText(count, shownWords(model.listed.length, model.rowsOfSet.length));
    told(model.listed.length);
    bulk.update();
    cards.refresh();
  };
  const arrange = (held = null) => {
    again.hidden = held === null || order.value === "file";
    cards.arrange(held ?? orderedRows(model, order.value));
    filter();
    cards.mark();
  };
  const sort = () => {
    arrange();
    cards.toTop();
  };
  const line = node("div", { class: "tu-rows-line" }, order, again, count);
  let [set, sets] = [null, null];
  head.build = () => {
    // More scores of the same sets leave all that stands here, and the focus, where it is.
    if (!same(sets, model.sets)) {
      sets = model.sets;
      head.sets =
        sets.length > 1
          ? segmented(
              "Set",
              sets.map((each) => ({ value: each, label: setWords(each) })),
              (each) => model.goToSet(each),
            )
          : null;
      element.replaceChildren(...[head.sets?.element, search, line, bulk.element].filter(Boolean));
    }
    const other = set !== model.set;
    if (other) order.value = firstOrder(model);
    set = model.set;
    const held = other ? null : cards.held(model.rowsOfSet);
    cards.build();
    if (other) sort();
    else arrange(held);
  };
  head.moved = () => setHidden(again, order.value === "file");
  search.addEventListener("input", filter);
  order.addEventListener("change", sort);
  return head;
}

/** Returns a set's name for people: "one_off" → "One-off". */
export function setWords(set) {
  const words = set.replace(/_/g, "-") || "all";
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function walk(event, model, shown) {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const next = shown[shown.findIndex((card) => card.at === model.view.row) + step];
  if (!next) return;
  model.goTo(next.at);
  next.element.focus({ preventScroll: true });
}
