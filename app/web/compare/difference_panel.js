/** Two ticked lines of the Compare tab side by side: their figures, and the settings in which they differ. */

import { node, refill, tableHead } from "../dom/dom.js";
import { agreeing, fluencyDifference } from "../text/numbers.js";
import { benches, LAST, unmeasuredWords } from "./lines.js";

/** Returns `{element, update}`; `choose(ids)` takes the two that are to stand here. */
export function differencePanel(choose) {
  const element = node("section", { attributes: { "aria-label": "Difference of two runs" } });
  const update = (context) => {
    const [first, second] = context.pair;
    element.hidden = !second;
    refill(element, second ? parts(first, second, context, choose) : []);
  };
  return { element, update };
}

function parts(first, second, { ticked, columns, moments, view }, choose) {
  const figures = columns.filter(({ figure }) => figure);
  const alike = first.bench === second.bench;
  return [
    node("h2", { class: "tx-heading", text: headText(first, second, moments, view.moment) }),
    ticked.length > 2 ? pairMenus(first, second, ticked, choose) : null,
    node(
      "div",
      { class: "tx-columns" },
      alike
        ? numbers(first, second, figures, view.moment)
        : node("p", { class: "tx-note", text: notAlike(first, second) }),
      settings(first, second),
    ),
  ].filter(Boolean);
}

/** Returns what is held against what, and at which moment where there are several. Pure. */
export function headText(first, second, moments, moment) {
  const at = moments.length > 1 ? `, ${moment}` : "";
  return `${second.title} against ${first.title}${at}`;
}

/** Returns what the differences of two lines are: no statistics, which a verdict has. Pure. */
export function noStatistics(first, second) {
  const verdict = first.kind === "arm" && first.runId === second.runId;
  const of = `${second.title} − ${first.title}, one figure each`;
  return `${of}, no statistics${verdict ? ": see the verdict" : ""}.`;
}

/** Returns why there is no difference of two lines' figures. Pure. */
export function notAlike(first, second) {
  const [is, was] = benches([second, first]).map(({ words }) => words);
  return `Their figures cannot be held against each other: one is of “${is}”, the other of “${was}”. Tick two of the same rows and the same starting model that were measured in the same way.`;
}

function pairMenus(first, second, ticked, choose) {
  const menu = (label, value, change) => {
    const select = node(
      "select",
      { attributes: { "data-key": `pair:${label}` }, on: { change: () => change(select.value) } },
      ...ticked.map(({ id, title }) => node("option", { text: title, attributes: { value: id } })),
    );
    select.value = value;
    return node("label", { class: "tx-menu" }, node("span", { text: label }), select);
  };
  return node(
    "div",
    { class: "tx-table-bar" },
    menu("This", second.id, (id) => choose([first.id, id])),
    menu("against", first.id, (id) => choose([id, second.id])),
  );
}

function numbers(first, second, figures, moment) {
  const without = unmeasuredWords([first, second]);
  if (without) return node("p", { class: "tx-note", text: without });
  const known = ({ key }) => first.figures[key]?.now != null || second.figures[key]?.now != null;
  const rows = figures.filter(known).map(({ key, label, help }) => {
    const both = agreeing(first.figures[key]?.now, second.figures[key]?.now);
    const garbled = /** @type {[boolean, boolean]} */ (
      [first, second].map(({ badges }) => Boolean(badges?.garbled))
    );
    const difference =
      key === "fluency"
        ? fluencyDifference(first.figures[key]?.now, second.figures[key]?.now, garbled)
        : both.difference;
    return { head: label, help, cells: [both.first, both.second, difference] };
  });
  if (rows.length === 0) return node("p", { class: "tx-note", text: "Neither is measured yet." });
  return node(
    "div",
    {},
    plainTable([moment === LAST ? "after the run" : moment, ...namesOf(first, second), "difference"], rows),
    node("p", { class: "tx-note", text: noStatistics(first, second) }),
  );
}

function settings(first, second) {
  const rows = differingKeys(first.settings, second.settings).map((key) => ({
    head: (first.settings[key] ?? second.settings[key])[0],
    cells: [first, second].map((line) => line.settings[key]?.[1] ?? "–"),
  }));
  if (rows.length === 0) return node("p", { class: "tx-note", text: "The settings are the same." });
  return plainTable(["settings that differ", ...namesOf(first, second)], rows);
}

function namesOf(first, second) {
  return first.runId === second.runId ? [first.title, second.title] : [first.runId, second.runId];
}

/** Returns the keys whose values differ, whatever their words, in order of first appearance. Pure. */
export function differingKeys(first, second) {
  const keys = [...new Set([...Object.keys(first ?? {}), ...Object.keys(second ?? {})])];
  const own = (settings, key) => settings?.[key]?.[2] ?? settings?.[key]?.[1];
  return keys.filter((key) => own(first, key) !== own(second, key));
}

function plainTable(heads, rows) {
  return node(
    "table",
    { class: "tx-table" },
    tableHead(heads),
    node(
      "tbody",
      {},
      ...rows.map(({ head, help, cells }) =>
        node(
          "tr",
          {},
          node("th", { text: head, attributes: { scope: "row", title: help } }),
          ...cells.map((cell) => node("td", { text: cell })),
        ),
      ),
    ),
  );
}
