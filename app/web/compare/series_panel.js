/** Score bins and doses of a sweep: a curve each, the sentence about its ends, and the same as a table. */

import { node, tableHead } from "../dom/dom.js";
import { chartTheme, drawFigure, onThemeOrSize } from "../dom/plotly.js";
import { plotSaver } from "../dom/save_picture.js";
import { runColours } from "../runs/looks.js";
import { changeWords, seriesFigure } from "./series_figure.js";

const drawn = new Map();

/** Returns the parts of a sweep's section that are about its series; none where it has none. */
export function seriesParts(sweep) {
  return (sweep.series ?? []).map((series) => {
    const key = `${sweep.run_id}:${series.title}`;
    const text = JSON.stringify(series);
    const known = drawn.get(key);
    // A chart is kept while its numbers are the same, as the page draws anew with each pulse.
    if (known?.text === text) return known.element;
    const element = part(series, key);
    drawn.set(key, { text, element });
    return element;
  });
}

function part(series, key) {
  const chart = node("div", {
    class: "tx-series-chart",
    attributes: { role: "img", "aria-label": series.title },
  });
  const element = node(
    "section",
    { class: "tx-series", attributes: { "aria-label": series.title } },
    node("h3", { class: "tx-heading", text: series.title }),
    node("p", { class: "tx-note", text: series.note }),
    chart,
    plotSaver(() => ({
      title: series.title,
      figure: (place) => seriesFigure(series, chartTheme(place), runColours(place), false),
    })),
    series.headline ? node("p", { class: "tx-verdict", text: series.headline }) : null,
    node(
      "details",
      {},
      node("summary", { text: "The same in numbers", attributes: { "data-key": `${key}:numbers` } }),
      table(series),
      ...series.ends.map((text) => node("p", { class: "tx-note", text })),
    ),
  );
  const draw = () => {
    if (chart.clientWidth === 0) return;
    const colours = runColours(chart);
    drawFigure(chart, seriesFigure(series, chartTheme(chart), colours, chart.clientWidth < 640));
  };
  onThemeOrSize(chart, draw);
  return element;
}

function table(series) {
  return node(
    "div",
    {
      class: "tx-scroll",
      attributes: { tabindex: 0, role: "region", "aria-label": `${series.title} in numbers` },
    },
    node(
      "table",
      { class: "tx-table" },
      tableHead(["", ...series.places]),
      node(
        "tbody",
        {},
        ...series.figures.map(({ label, changes }) =>
          node(
            "tr",
            {},
            node("th", { text: label, attributes: { scope: "row" } }),
            ...changes.map((change) => node("td", { text: changeWords(change) })),
          ),
        ),
      ),
    ),
  );
}
