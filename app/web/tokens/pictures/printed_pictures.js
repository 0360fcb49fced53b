/** The histogram and the plane as figures of Plotly's, to be saved for slides and papers. Pure. */

import { tickWords } from "./scatter_paint.js";
import { axisTicks, share } from "./scatter_points.js";

const COUNTS = [1, 2, 5];
const PALE = 0.3;
const MARKS = {
  other: { name: "not chosen", marker: { size: 4, opacity: 0.45 } },
  chosen: { name: "chosen", marker: { size: 9 } },
  mixed: { name: "chosen in part", marker: { size: 9, symbol: "circle-open" } },
  in: { name: "forced in", marker: { size: 12, symbol: "cross-thin", line: { width: 3 } } },
  out: { name: "forced out", marker: { size: 12, symbol: "line-ew", line: { width: 3 } } },
  gold: { name: "the fact", marker: { size: 15, symbol: "square-open", line: { width: 1.5 } } },
};

/** Returns round counts up to `most` for an axis by square root: 0, 1, 2, 5, 10 …, those that keep their distance. */
export function rootTicks(most) {
  const ticks = [0];
  for (let power = 1; power <= most; power *= 10)
    for (const each of COUNTS)
      if (each * power <= most && Math.sqrt(each * power) - Math.sqrt(ticks.at(-1)) >= Math.sqrt(most) / 8)
        ticks.push(each * power);
  return ticks;
}

/**
 * Returns the histogram as a figure: all tokens pale, the chosen ones solid, the cut as a line.
 * @param {{all: number[], chosen: number[], cut: number|null}} counts by equal bins from 0 to 1
 * @param {{ink: string, muted: string, line: string, fused: string, font: string}} theme
 */
export function histogramFigure({ all, chosen, cut }, theme) {
  const most = Math.max(1, ...all);
  const x = all.map((_, at) => (at + 0.5) / all.length);
  const bars = (name, counts, opacity) => ({
    type: "bar",
    name,
    x,
    y: counts.map(Math.sqrt),
    width: x.map(() => 0.85 / all.length),
    opacity,
    marker: { color: theme.fused },
  });
  const ticks = rootTicks(most);
  const axis = { gridcolor: theme.line, zeroline: false };
  return {
    data: [bars("all answer tokens", all, PALE), bars("chosen", chosen, 1)],
    layout: {
      font: { family: theme.font, color: theme.muted },
      barmode: "overlay",
      xaxis: { ...axis, range: [0, 1], title: { text: "fused score" } },
      yaxis: {
        ...axis,
        range: [0, Math.sqrt(most) * 1.05],
        tickvals: ticks.map(Math.sqrt),
        ticktext: ticks.map(tickWords),
        title: { text: "tokens (square-root scale)", standoff: 16 },
      },
      shapes: cut === null ? [] : [cutShape(cut, theme)],
      annotations: cut === null ? [] : [cutNote(cut, theme)],
    },
  };
}

const cutShape = (cut, { ink }) => ({
  type: "line",
  x0: cut,
  x1: cut,
  yref: "paper",
  y0: 0,
  y1: 1,
  line: { color: ink, width: 2 },
});

const cutNote = (cut, { ink }) => ({
  x: cut,
  yref: "paper",
  y: 1,
  text: ` cut ${cut.toFixed(2)} `,
  showarrow: false,
  xanchor: cut > 0.8 ? "right" : "left",
  yanchor: "top",
  font: { color: ink },
});

/**
 * Returns the plane of knowledge and entropy as a figure: each kind of dot a line of the legend, the cut-off dashed.
 * @param {{points: ReturnType<typeof import("./scatter_points.js").pointsOf>, line: [number, number][],
 *   kindOf: (index: number) => string, isGold: ((index: number) => boolean)|null,
 *   labels: {x: string, y: string}}} shown
 * @param {{ink: string, muted: string, line: string, accent: string, fused: string, font: string}} theme
 */
export function planeFigure({ points, line, kindOf, isGold, labels }, theme) {
  const colours = {
    other: theme.muted,
    chosen: theme.fused,
    mixed: theme.fused,
    in: theme.accent,
    out: theme.ink,
    gold: theme.ink,
  };
  const places = Array.from(points.indices, (index, at) => ({ index, x: points.x[at], y: points.y[at] }));
  const dots = (kind, of) => {
    const { name, marker } = MARKS[kind];
    const colour = colours[kind];
    return {
      type: "scatter",
      mode: "markers",
      name,
      x: of.map(({ x }) => x),
      y: of.map(({ y }) => y),
      marker: {
        color: colour,
        ...marker,
        ...(marker.line ? { line: { ...marker.line, color: colour } } : {}),
      },
    };
  };
  const kinds = ["other", "chosen", "mixed", "in", "out"].map((kind) =>
    dots(
      kind,
      places.filter(({ index }) => (MARKS[kindOf(index)] ? kindOf(index) : "other") === kind),
    ),
  );
  const gold = dots(
    "gold",
    places.filter(({ index }) => isGold?.(index)),
  );
  const cut = {
    type: "scatter",
    mode: "lines",
    name: "cut-off",
    x: line.map(([knowledge]) => share(knowledge, points.xAxis)),
    y: line.map(([, entropy]) => share(entropy, points.yAxis)),
    line: { color: theme.fused, width: 1.5, dash: "dash" },
  };
  const axis = (of, text, wanted) => {
    const ticks = axisTicks(of, wanted);
    return {
      range: [-0.02, 1.02],
      gridcolor: theme.line,
      zeroline: false,
      tickvals: ticks.map((value) => share(value, of)),
      ticktext: ticks.map(tickWords),
      title: { text, standoff: 16 },
    };
  };
  return {
    data: [...kinds, gold, cut].filter(({ x }) => x.length > 0),
    layout: {
      font: { family: theme.font, color: theme.muted },
      xaxis: axis(points.xAxis, labels.x, 6),
      yaxis: axis(points.yAxis, labels.y, 4),
    },
  };
}
