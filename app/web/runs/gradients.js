/** Gradients of the chosen tokens: what is shown and what is not, a table of groups, a plot by layer. */

import { node } from "../dom/dom.js";
import { chartTheme, drawFigure, onThemeOrSize } from "../dom/plotly.js";
import { plotSaver } from "../dom/save_picture.js";
import { figuresTable } from "./figures_table.js";

const GROUPS = [
  { key: "chosen", label: "Chosen" },
  { key: "gold", label: "Marked facts" },
  { key: "unchosen", label: "Unchosen" },
  { key: "all", label: "All tokens" },
];
const DRAWN = [
  { key: "random", label: "Random tokens" },
  { key: "words", label: "Random words" },
];

/** Returns `{element, show(report)}`; a report is that of `gradient_view`, with `says`, or null. */
export function gradientsView() {
  const chart = node("div", {
    class: "tx-chart",
    attributes: {
      role: "img",
      "aria-label": "Signal to noise by layer; the table below has the same numbers",
    },
  });
  const element = node("section", { class: "tx-found", attributes: { "aria-label": "Gradients" } });
  element.hidden = true;
  let shown = null;
  const draw = () => {
    if (!shown || chart.clientWidth === 0) return;
    drawFigure(chart, layersFigure(shown.layers, chartTheme(chart)));
  };
  onThemeOrSize(element, draw);
  return {
    element,
    show(report) {
      element.hidden = !report;
      if (JSON.stringify(report ?? null) === JSON.stringify(shown)) return;
      shown = report ?? null;
      element.replaceChildren(...(report ? parts(report, chart) : []));
      draw();
    },
  };
}

function parts(report, chart) {
  return [
    node("h2", { class: "tx-heading", text: "Gradients of the chosen tokens" }),
    node("ul", {}, ...report.says.map((text) => node("li", { text }))),
    figuresTable(
      "Signal to noise by group",
      ["Tokens", "Count", "Signal to noise", "95 % over rows", "Across rows"],
      [...groupLines(report.whole)],
    ),
    node("p", {
      class: "tx-note",
      text: "Signal to noise of one token's gradient: ‖mean‖² over the mean squared distance from it, both unbiased. Across rows: its signal from pairs of tokens of different rows alone. p, below: two-sided rank among the random choices.",
    }),
    chart,
    plotSaver(() => ({
      title: "Signal to noise of the chosen tokens' gradients, by layer",
      figure: (place) => layersFigure(report.layers, chartTheme(place)),
    })),
    node(
      "details",
      {},
      node("summary", { text: "Layer by layer" }),
      figuresTable(
        "Layers",
        ["Layer", "Chosen", "Random", "Words", "Unchosen", "p, random", "Cosine, chosen", "Cosine, unchosen"],
        [...report.layers.map((each) => layerLine(String(each.layer), each)), layerLine("all", report.whole)],
      ),
    ),
  ];
}

/** Returns a line a group of tokens and a line a control, as texts. Pure. */
export function groupLines(whole) {
  const measured = GROUPS.filter(({ key }) => whole.groups[key]).map(({ key, label }) => {
    const { tokens, ratio, low, high, across, why } = whole.groups[key];
    if (ratio === null) return [label, String(tokens), `not measured: ${why}`, "–", "–"];
    return [label, String(tokens), small(ratio), between(low, high), small(across)];
  });
  const drawn = DRAWN.map(({ key, label }) => {
    const { mean, low, high, count } = spreadOf(whole.draws[key].ratios);
    return [`${label}, ${count} draws`, "as chosen", small(mean), `drawn: ${between(low, high)}`, "–"];
  });
  return [...measured, ...drawn];
}

function layerLine(name, { groups, draws, cosines }) {
  return [
    name,
    small(groups.chosen.ratio),
    small(spreadOf(draws.random.ratios).mean),
    small(spreadOf(draws.words.ratios).mean),
    small(groups.unchosen.ratio),
    small(draws.random.p, 3),
    small(cosines.chosen.median, 3),
    small(cosines.unchosen.median, 3),
  ];
}

/** Returns mean, lowest, highest and count of the draws that have a ratio; null without any. Pure. */
export function spreadOf(ratios) {
  const known = ratios.filter((each) => each !== null);
  if (!known.length) return { mean: null, low: null, high: null, count: 0 };
  const mean = known.reduce((sum, each) => sum + each, 0) / known.length;
  return { mean, low: Math.min(...known), high: Math.max(...known), count: known.length };
}

function between(low, high) {
  return low === null ? "–" : `${small(low)} to ${small(high)}`;
}

/** Returns ".0018" or "−.0015", "–" for what was not measured. Pure. */
export function small(value, digits = 4) {
  if (!Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(digits).replace(/^0\./, ".");
  return (value < 0 && Number(text) !== 0 ? "−" : "") + text;
}

/**
 * Returns `{data, layout, config}` for Plotly: the chosen tokens' ratio by layer, over the range and mean of the
 * random choices. Pure.
 */
export function layersFigure(layers, theme) {
  const x = layers.map(({ layer }) => layer);
  const drawn = layers.map(({ draws }) => spreadOf(draws.random.ratios));
  const line = (name, y, colour, more) => ({
    x,
    y,
    name,
    type: "scatter",
    mode: "lines+markers",
    line: { color: colour, width: 2 },
    marker: { size: 5, color: colour },
    hovertemplate: "layer %{x}: %{y:.4f}<extra>%{fullData.name}</extra>",
    ...more,
  });
  const edge = { mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false };
  return {
    data: [
      line(
        "lowest",
        drawn.map(({ low }) => low),
        theme.muted,
        edge,
      ),
      line(
        "random, lowest to highest",
        drawn.map(({ high }) => high),
        theme.muted,
        {
          ...edge,
          fill: "tonexty",
          fillcolor: theme.line,
          showlegend: true,
        },
      ),
      line(
        "random, mean",
        drawn.map(({ mean }) => mean),
        theme.muted,
        {
          line: { color: theme.muted, width: 1.75, dash: "dot" },
        },
      ),
      line(
        "chosen",
        layers.map(({ groups }) => groups.chosen.ratio),
        theme.accent,
        {},
      ),
    ],
    layout: {
      height: 280,
      margin: { l: 56, r: 12, t: 44, b: 40 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: theme.font, size: 12, color: theme.muted },
      legend: { orientation: "h", x: 0, y: 1, yref: "container", yanchor: "top", font: { color: theme.ink } },
      xaxis: { title: { text: "Layer" }, dtick: 1, gridcolor: theme.line, zeroline: false },
      yaxis: { title: { text: "Signal to noise" }, gridcolor: theme.line, zerolinecolor: theme.muted },
      hovermode: "closest",
    },
  };
}
