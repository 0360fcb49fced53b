/** Forgetting against what was kept, as a Plotly figure: a mark a run, small dots for the seeds of an arm. Pure. */

import { share } from "../text/numbers.js";

/** Returns which figures may stand on each axis: what should fall, as its rest to one, and what should rise. */
export function axesOf(figures) {
  return {
    forgotten: figures.filter(({ wanted, unit }) => wanted === "down" && isShare(unit)),
    kept: figures.filter(({ wanted }) => wanted === "up"),
  };
}

const isShare = (unit) => unit === "probability" || unit.startsWith("share");

/**
 * Returns a point a line that has both figures: `{id, title, kind, hue, x, y, low, high, seeds, before}`, each of
 * `low` and `high` and of the seeds `[x, y]`; forgotten is one minus the figure.
 * @param {import("./lines.js").Line[]} lines
 * @param {string} forgotten
 * @param {string} kept
 */
export function pointsOf(lines, forgotten, kept) {
  return lines.flatMap((line) => {
    const [falls, rises] = [line.figures[forgotten], line.figures[kept]];
    if (!known(falls?.now) || !known(rises?.now)) return [];
    const bounded = known(falls.low) && known(rises.low);
    return [
      {
        id: line.id,
        title: line.group && !line.run.recorded ? `${line.title} (${line.runId})` : line.title,
        kind: line.kind,
        hue: line.hue,
        x: 1 - falls.now,
        y: rises.now,
        low: bounded ? [1 - falls.high, rises.low] : null,
        high: bounded ? [1 - falls.low, rises.high] : null,
        seeds: seedPoints(falls.values, rises.values),
        before: known(falls.before) && known(rises.before) ? [1 - falls.before, rises.before] : null,
      },
    ];
  });
}

const known = (value) => value !== null && value !== undefined && Number.isFinite(value);

function seedPoints(falls = [], rises = []) {
  return falls.flatMap((value, at) => (known(value) && known(rises[at]) ? [[1 - value, rises[at]]] : []));
}

/** Returns the points that no other one beats in both: from the least forgotten to the most. */
export function frontOf(points) {
  const beaten = (point) =>
    points.some(
      (other) => other.x >= point.x && other.y >= point.y && (other.x > point.x || other.y > point.y),
    );
  return points.filter((point) => !beaten(point)).sort((a, b) => a.x - b.x);
}

/** With more marks than these there is no legend: a mark says its name, and so does the table. */
const MOST_NAMED = 12;
const NAME = 30; // pixels of a name in the legend
const NARROWEST = 0.02;
const MOST_LETTERS = 38; // of a name in the legend, on a phone

/**
 * Returns `{data, layout}` for Plotly; each mark has its line's id as `customdata`.
 * @param {ReturnType<typeof pointsOf>} points
 * @param {{colour: (hue: number) => string, symbol: (hue: number, kind: any) => string, ink: string, muted: string, line: string,
 *   page: string, font: string}} theme
 * @param {{x: string, y: string}} titles of the axes
 * @param {boolean} narrow
 */
export function paretoFigure(points, theme, titles, narrow) {
  const front = frontOf(points);
  const named = points.length > MOST_NAMED ? 0 : points.length + 2;
  const data = [
    {
      ...scatter(
        front.map(({ x }) => x),
        front.map(({ y }) => y),
      ),
      name: "not beaten in both",
      mode: "lines",
      line: { color: theme.muted, width: 1, dash: "dot" },
      hoverinfo: "skip",
      showlegend: front.length > 1,
    },
    ...beforeMark(points, theme),
    ...points.map((point) => seedDots(point, theme)),
    ...points.map((point) => mark(point, theme, narrow)),
  ];
  const axis = {
    gridcolor: theme.line,
    zeroline: false,
    linecolor: theme.line,
    fixedrange: true,
    nticks: narrow ? 4 : 6,
    automargin: true,
  };
  return {
    data,
    layout: {
      height: narrow ? 320 + named * NAME : Math.max(360, 80 + named * NAME),
      margin: { l: 48, r: 12, t: 12, b: 44 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: theme.font, size: 12, color: theme.muted },
      hovermode: "closest",
      hoverlabel: { bgcolor: theme.page, font: { color: theme.ink, family: theme.font } },
      showlegend: points.length <= MOST_NAMED,
      legend: narrow
        ? { orientation: "h", x: 0, y: -0.22, yanchor: "top", font: { color: theme.ink } }
        : { font: { color: theme.ink } },
      xaxis: { ...axis, ...rangeOf(points, 0), title: { text: titles.x, standoff: 8 } },
      yaxis: { ...axis, ...rangeOf(points, 1), title: { text: titles.y, standoff: 8 } },
    },
  };
}

/** An axis no shorter than NARROWEST, else it tells apart what no figure of the table does; Plotly picks a longer one. */
function rangeOf(points, at) {
  const values = points
    .flatMap(({ x, y, low, high, before, seeds }) => [[x, y], low, high, before, ...seeds])
    .flatMap((place) => (place ? [place[at]] : []));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const reach = NARROWEST / 2;
  const middle = (low + high) / 2;
  return high - low < NARROWEST ? { range: [middle - reach, middle + reach] } : {};
}

const scatter = (x, y) => ({ x, y, type: "scatter" });

/** The target before any step, once where the lines agree on it. */
function beforeMark(points, theme) {
  const places = new Map(
    points
      .filter(({ before }) => before)
      .map(({ before }) => [before.map((each) => each.toFixed(3)).join(), before]),
  );
  if (places.size === 0) return [];
  const all = [...places.values()];
  return [
    {
      ...scatter(
        all.map(([x]) => x),
        all.map(([, y]) => y),
      ),
      name: "before any step",
      mode: "markers",
      marker: { symbol: "x-thin", size: 9, line: { color: theme.ink, width: 2 } },
      hovertemplate: "before any step: %{x:.3f}, %{y:.3f}<extra></extra>",
    },
  ];
}

function seedDots(point, theme) {
  return {
    ...scatter(
      point.seeds.map(([x]) => x),
      point.seeds.map(([, y]) => y),
    ),
    name: `${point.title}, each seed`,
    mode: "markers",
    legendgroup: point.id,
    showlegend: false,
    marker: { size: 6, color: theme.colour(point.hue), opacity: 0.6 },
    customdata: point.seeds.map(() => point.id),
    hovertemplate: "one seed: %{x:.3f}, %{y:.3f}<extra>%{fullData.name}</extra>",
  };
}

/** Returns a name that fits a line of the legend on a phone; the mark says it in full. Pure. */
export function clipped(name) {
  return name.length > MOST_LETTERS ? `${name.slice(0, MOST_LETTERS - 1).trimEnd()}…` : name;
}

function mark(point, theme, narrow) {
  const colour = theme.colour(point.hue);
  const bar = (at, value) =>
    point.low && {
      type: "data",
      symmetric: false,
      array: [point.high[at] - value],
      arrayminus: [value - point.low[at]],
      color: colour,
      thickness: 1.5,
      width: 4,
    };
  return {
    ...scatter([point.x], [point.y]),
    name: narrow ? clipped(point.title) : point.title,
    text: [point.title],
    mode: "markers",
    legendgroup: point.id,
    marker: {
      size: 12,
      color: colour,
      symbol: theme.symbol(point.hue, point.kind),
      line: { color: theme.page, width: 1.5 },
    },
    ...(point.low ? { error_x: bar(0, point.x), error_y: bar(1, point.y) } : {}),
    customdata: [point.id],
    hovertemplate: "%{x:.3f}, %{y:.3f}<extra>%{text}</extra>",
  };
}

/** Returns the figure as lines of a table: name, forgotten and kept, with the interval over seeds where there is one. */
export function tableOf(points) {
  const bounds = (point, at) => (point.low ? ` [${share(point.low[at])}, ${share(point.high[at])}]` : "");
  return points.map((point) => [
    point.title,
    `${share(point.x)}${bounds(point, 0)}`,
    `${share(point.y)}${bounds(point, 1)}`,
    point.seeds.length || 1,
  ]);
}
