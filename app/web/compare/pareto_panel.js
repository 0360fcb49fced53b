/** The plot of forgetting against what was kept, of the lines that the table shows; a click opens the run. */

import { node, refill, setText, tableHead } from "../dom/dom.js";
import { chartTheme, drawFigure, onThemeOrSize } from "../dom/plotly.js";
import { plotSaver } from "../dom/save_picture.js";
import { lookOf, runColours } from "../runs/looks.js";
import { measuredKeys } from "./columns.js";
import { benches, drawnGroup, leftOutWords, unmeasuredWords } from "./lines.js";
import { axesOf, paretoFigure, pointsOf, tableOf } from "./pareto.js";

/**
 * Returns `{element, update}`; `change(values)` takes the figures that a person chose for the axes, `open(id)` the
 * line whose mark was pressed.
 */
export function paretoPanel(change, open) {
  /** @type {any} Plotly gives it `on` */
  const chart = node("div", { class: "tx-chart", attributes: { role: "img" } });
  const menus = node("div", { class: "tx-table-bar" });
  const table = node("div", { class: "tx-scroll" });
  const left = node("p", { class: "tx-note", attributes: { role: "status" } });
  const save = plotSaver(() => ({
    title: `Forgetting against what was kept: ${shown.of}`,
    figure: (place) => paretoFigure(shown.points, themeOf(place), shown.titles, false),
  }));
  const element = node(
    "section",
    { class: "tx-pareto", attributes: { "aria-label": "Forgetting against what was kept" } },
    node("h2", { class: "tx-heading", text: "Forgetting against what was kept" }),
    chart,
    node("p", {
      class: "tx-note",
      text: "Up and to the right is better. Select a mark to open its run; small dots are the seeds of an arm, lines its 95 % interval over seeds.",
    }),
    left,
    save,
    menus,
    node("details", {}, node("summary", { text: "The plot as a table" }), table),
  );
  let shown = null;
  let drawn = "";
  let offered = "";
  const draw = () => {
    if (!shown || element.hidden || chart.clientWidth === 0) return;
    const narrow = chart.clientWidth < 560;
    const wanted = JSON.stringify([shown, chart.clientWidth, document.body.className]);
    if (wanted === drawn) return;
    drawn = wanted;
    drawFigure(chart, paretoFigure(shown.points, themeOf(chart), shown.titles, narrow)).then((stands) => {
      if (!stands) {
        drawn = "";
        return;
      }
      chart.removeAllListeners("plotly_click");
      chart.on("plotly_click", ({ points }) => points[0]?.customdata && open(points[0].customdata));
    });
  };
  onThemeOrSize(chart, draw);
  const update = ({ lines: every, ticked, value, view }) => {
    const measuredNow = every.filter(({ unmeasured }) => !unmeasured);
    const groups = benches(measuredNow);
    const group = drawnGroup(groups, view.bench, ticked);
    const lines = group?.lines ?? [];
    const others = measuredNow.filter(({ bench }) => bench !== group?.key);
    setText(left, [leftOutWords(others, group), unmeasuredWords(every)].filter(Boolean).join(" "));
    const measured = measuredKeys(lines);
    const { forgotten, kept } = axesOf((value.figures ?? []).filter(({ key }) => measured.has(key)));
    const [x, y] = [chosen(forgotten, view.forgotten, "fact_joint"), chosen(kept, view.kept, "kept")];
    const points = x && y ? pointsOf(lines, x.key, y.key) : [];
    element.hidden = points.length === 0;
    if (element.hidden) return;
    const titles = { x: `Forgotten: 1 − ${plainLabel(x)}`, y: plainLabel(y) };
    shown = { points, titles, of: group.words };
    chart.setAttribute(
      "aria-label",
      `${titles.y} against ${titles.x}, ${points.length} marks; as a table below`,
    );
    const axes = JSON.stringify([
      ...[forgotten, kept].map((each) => each.map(({ key }) => key)),
      ...[x.key, y.key, group.key],
      groups.map(({ words }) => words),
    ]);
    // Not while they stay the same: a list that is open would close.
    if (axes !== offered)
      refill(menus, [
        axisMenu("Forgotten", forgotten, x.key, (key) => change({ forgotten: key })),
        axisMenu("Kept", kept, y.key, (key) => change({ kept: key })),
        ...(groups.length > 1 ? [benchMenu(groups, group, (bench) => change({ bench }))] : []),
      ]);
    offered = axes;
    refill(table, [asTable(tableOf(points), titles)]);
    draw();
  };
  return { element, update };
}

function chosen(figures, key, usual) {
  return figures.find((each) => each.key === key) ?? figures.find((each) => each.key === usual) ?? figures[0];
}

const plainLabel = ({ label }) => label.replace(/ [↑↓]$/, "");

function themeOf(element) {
  const colours = runColours(element);
  return {
    ...chartTheme(element),
    colour: (hue) => colours[lookOf(hue).colour],
    symbol: (hue, kind) => lookOf(hue, kind).symbol,
  };
}

function axisMenu(label, figures, value, choose) {
  return selectOf(
    label,
    figures.map(({ key, name }) => [key, name]),
    value,
    choose,
  );
}

function benchMenu(groups, { key: value }, choose) {
  const entries = groups.map(({ key, words, lines }) => [key, `${words} (${lines.length})`]);
  return selectOf("Rows, model, measuring", entries, value, choose);
}

function selectOf(label, entries, value, choose) {
  const select = node(
    "select",
    { attributes: { "data-key": `axis:${label}` }, on: { change: () => choose(select.value) } },
    ...entries.map(([key, text]) => node("option", { text, attributes: { value: key } })),
  );
  select.value = value;
  return node("label", { class: "tx-menu" }, node("span", { text: label }), select);
}

function asTable(rows, titles) {
  const cell = (text) => node("td", { text });
  return node(
    "table",
    { class: "tx-table" },
    tableHead(["Run", titles.x, titles.y, "Seeds"]),
    node(
      "tbody",
      {},
      ...rows.map(([name, ...cells]) =>
        node("tr", {}, node("th", { text: name, attributes: { scope: "row" } }), ...cells.map(cell)),
      ),
    ),
  );
}
