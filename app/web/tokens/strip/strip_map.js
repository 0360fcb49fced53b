/**
 * Above a long answer: a map of all of it (what is painted, what is chosen, where the lock is), and a button
 * that opens all.
 */

import { button, drawing, node, setAttributes, setHidden, setText } from "../../dom/dom.js";
import { countText } from "../../text/numbers.js";
import { MOST_SHOWN, openAround, shownCount, unitPlace } from "../../text/strip_windows.js";

const CELLS = 240;

/**
 * Returns `{element, update}`; hidden while all of the answer is painted.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 */
export function stripMap(model) {
  const painted = drawing("path", { class: "tu-map-painted" });
  const chosen = drawing("path", { class: "tu-map-chosen" });
  const locked = drawing("path", { class: "tu-map-locked" });
  const picture = drawing(
    "svg",
    { attributes: { viewBox: `0 0 ${CELLS} 16`, preserveAspectRatio: "none", "aria-hidden": true } },
    painted,
    chosen,
    locked,
  );
  const plot = node(
    "div",
    { class: "tu-map-plot", attributes: { role: "img" }, on: { click: (event) => goTo(placeAt(event)) } },
    picture,
  );
  const all = button(
    "",
    () => {
      const { units } = model.windows;
      model.windows.list = openAround(units.length, unitPlace(units, model.view.focus ?? model.view.locked));
      model.tell("view");
    },
    { class: "tu-toggle" },
  );
  const element = node("div", { class: "tu-map", attributes: { hidden: true } }, plot, all);
  const placeAt = (event) => {
    const { left, width } = plot.getBoundingClientRect();
    return Math.floor(((event.clientX - left) / width) * model.windows.units.length);
  };
  const goTo = (at) => {
    const index = model.windows.units[at]?.tokens[0];
    if (index !== undefined) model.setView({ locked: index, focus: index, anchor: null });
  };
  const update = () => {
    const { units, list } = model.windows;
    const shown = shownCount(list);
    setHidden(element, shown === units.length);
    if (element.hidden) return;
    const cells = chosenCells(units, model.mask.selected, CELLS);
    const x = (at) => ((CELLS * at) / units.length).toFixed(2);
    setAttributes(painted, { d: list.map(([from, to]) => `M${x(from)} 0H${x(to)}V16H${x(from)}z`).join("") });
    setAttributes(chosen, { d: cells.map((count, cell) => (count ? `M${cell} 4h1v8h-1z` : "")).join("") });
    const place = unitPlace(units, model.view.locked);
    setAttributes(locked, { d: place < 0 ? "" : `M${x(place)} 0v16` });
    setAttributes(plot, {
      "aria-label": mapWords(
        units.length,
        shown,
        cells.reduce((sum, count) => sum + count, 0),
      ),
    });
    const most = Math.min(MOST_SHOWN, units.length);
    setText(all, `Show ${most === units.length ? "all " : ""}${countText(most)}`);
    setHidden(all, shown >= most);
    setAttributes(all, {
      title: most === units.length ? null : "The others stay folded: more at once would make the page slow",
    });
  };
  return { element, update };
}

/**
 * Returns how many chosen units each of `cells` equal parts of the answer holds.
 * @returns {number[]}
 */
export function chosenCells(units, selected, cells) {
  const counts = Array(cells).fill(0);
  units.forEach(({ tokens }, at) => {
    if (tokens.some((index) => selected[index] === 1)) counts[Math.floor((cells * at) / units.length)] += 1;
  });
  return counts;
}

/** Returns what the map shows, in words. */
export function mapWords(count, shown, chosen) {
  return `Map of the answer: ${countText(shown)} of ${countText(count)} shown, ${countText(chosen)} chosen; click to go there`;
}
