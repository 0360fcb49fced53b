/** Which pieces of a long answer are painted: windows round chosen and locked tokens, gaps between. Pure. */

import { countText } from "./numbers.js";

// A window is [from, to) in units. What is open stays open while the rule moves: text must not jump under a
// slider. A gap says how many tokens it holds and how many of them are chosen.

const MOST_WHOLE = 300;
const MOST_AT_FIRST = 240;
const MARGINS = [40, 20, 10, 5, 2];
const AROUND = 100;
const AT_ONCE = 400;
export const MOST_SHOWN = 2000;
const LEAST_GAP = 8;

/**
 * Returns the windows of the row on show, made at its first drawing; focus and lock are always inside one.
 * @param {{windows?: {units: import("./units.js").Unit[], list: number[][]},
 *   view: {focus: number|null, locked: number|null}}} model keeps them, so that strips are aligned
 * @param {import("./units.js").Unit[]} units
 * @param {(index: number) => boolean} telling whether a token is worth a window
 * @returns {number[][]} the same array again while nothing has opened
 */
export function currentWindows(model, units, telling) {
  const places = [model.view.focus, model.view.locked]
    .filter((index) => index !== null)
    .map((index) => unitPlace(units, index))
    .filter((at) => at >= 0);
  if (model.windows?.units !== units) {
    const wanted = units.flatMap((unit, at) => (unit.tokens.some(telling) ? [at] : []));
    model.windows = { units, list: firstWindows(units.length, wanted, places) };
  }
  for (const at of places) {
    if (!isOpen(model.windows.list, at))
      model.windows.list = opened(
        model.windows.list,
        [at - MARGINS[0], at + MARGINS[0] + 1],
        units.length,
        at,
      );
  }
  return model.windows.list;
}

/**
 * Returns the windows of a row when it is entered: all of it up to 300 units, else round `wanted` as far as
 * 240 go.
 */
export function firstWindows(count, wanted, places = []) {
  if (count <= MOST_WHOLE) return [[0, count]];
  const keys = [...wanted, ...places];
  for (const margin of keys.length ? MARGINS : []) {
    const list = merged(
      keys.map((at) => [at - margin, at + margin + 1]),
      count,
    );
    if (shownCount(list) <= MOST_AT_FIRST) return list;
  }
  const middle = places[0] ?? wanted[0] ?? 0;
  return merged([[middle - AROUND, middle + AROUND + 1]], count);
}

/**
 * Returns the windows with a click on the gap that starts at `from`: up to 400 of its units more, in reading
 * order.
 */
export function openGap(list, from, count) {
  const end = list.find(([start]) => start > from)?.[0] ?? count;
  return opened(list, [from, Math.min(end, from + AT_ONCE)], count, from);
}

/** Returns the windows with all units open, or the 2,000 round the place `at`. */
export function openAround(count, at) {
  return capped([[0, count]], Math.max(0, at));
}

function opened(list, window, count, at) {
  return capped(merged([...list, window], count), at);
}

/** Returns the windows, those farthest from `at` closed again, so that at most 2,000 units are painted. */
function capped(list, at) {
  const kept = [...list];
  const far = ([from, to]) => (at < from ? from - at : at >= to ? at - to + 1 : 0);
  while (kept.length > 1 && shownCount(kept) > MOST_SHOWN)
    kept.splice(kept.indexOf(kept.reduce((most, each) => (far(each) > far(most) ? each : most))), 1);
  if (shownCount(kept) <= MOST_SHOWN) return kept;
  const [from, to] = kept[0];
  const start = Math.min(Math.max(from, at - MOST_SHOWN / 2), to - MOST_SHOWN);
  return [[start, start + MOST_SHOWN]];
}

function merged(list, count) {
  const result = [];
  for (const [from, to] of [...list].sort((a, b) => a[0] - b[0])) {
    const window = [from < LEAST_GAP ? 0 : from, to > count - LEAST_GAP ? count : to];
    const last = result.at(-1);
    if (last && window[0] - last[1] < LEAST_GAP) last[1] = Math.max(last[1], window[1]);
    else result.push(window);
  }
  return result;
}

/** Returns how many units the windows hold. */
export function shownCount(list) {
  return list.reduce((sum, [from, to]) => sum + to - from, 0);
}

function isOpen(list, at) {
  return list.some(([from, to]) => at >= from && at < to);
}

/** Returns the gaps `[from, to)` before, between and after the windows. */
export function gapsOf(list, count) {
  const gaps = [];
  let end = 0;
  for (const [from, to] of list) {
    if (from > end) gaps.push([end, from]);
    end = to;
  }
  if (end < count) gaps.push([end, count]);
  return gaps;
}

/** Returns what a gap says: "… 1,240 tokens, 3 chosen …". */
export function gapWords(tokens, chosen) {
  return `… ${countText(tokens)} ${tokens === 1 ? "token" : "tokens"}${chosen ? `, ${countText(chosen)} chosen` : ""} …`;
}

/** Returns the place of the unit that holds a token index, or −1; units are in the order of their tokens. */
export function unitPlace(units, index) {
  if (index === null || index === undefined) return -1;
  let [low, high] = [0, units.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (units[middle].tokens[0] <= index) low = middle;
    else high = middle - 1;
  }
  return units[low]?.tokens.includes(index) ? low : -1;
}
