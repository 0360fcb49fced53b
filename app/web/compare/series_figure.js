/** The curve of a series as a Plotly figure: each figure's change over bins or doses, with intervals. Pure. */

import { formatNumber } from "../text/numbers.js";

/**
 * Returns `{data, layout, config}`: a line for each probability that was measured.
 * @param {Record<string, any>} series of app/views/series.py
 * @param {{ink: string, muted: string, line: string, font: string}} theme
 * @param {string[]} colours one a figure
 * @param {boolean} narrow
 */
export function seriesFigure(series, theme, colours, narrow) {
  const figures = series.figures.filter(({ probability, changes }) => probability && changes.some(Boolean));
  const doses = series.series === "doses";
  const places = doses ? ["0%", ...series.places] : series.places;
  const data = figures.map((figure, at) => trace(figure, at, places, doses, colours));
  return {
    data,
    layout: layout(places, doses, theme, narrow),
  };
}

function trace(figure, at, places, doses, colours) {
  // No token trained is the target itself: no change.
  const changes = doses ? [{ mean: 0, low: null, high: null }, ...figure.changes] : figure.changes;
  const reach = (side) =>
    changes.map((each) => (Number.isFinite(each?.[side]) ? Math.abs(each[side] - each.mean) : 0));
  const colour = colours[at % colours.length];
  return {
    type: "scatter",
    mode: "lines+markers",
    name: figure.label,
    x: places,
    y: changes.map((each) => each?.mean ?? null),
    error_y: {
      type: "data",
      symmetric: false,
      array: reach("high"),
      arrayminus: reach("low"),
      thickness: 1.2,
      width: 4,
    },
    line: { color: colour, width: figure.key === "fact_joint" ? 3 : 1.75, dash: at % 2 ? "dash" : "solid" },
    marker: { color: colour, size: 7, symbol: ["circle", "square", "diamond", "triangle-up", "x"][at % 5] },
    hovertemplate: `%{x}: %{y:+.3f}<extra>${"%{fullData.name}"}</extra>`,
  };
}

function layout(places, doses, theme, narrow) {
  const axis = { color: theme.ink, gridcolor: theme.line, linecolor: theme.line, fixedrange: true };
  return {
    height: narrow ? 380 : 320,
    margin: { l: 68, r: 12, t: 12, b: narrow ? 120 : 84 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: { family: theme.font, size: 12, color: theme.ink },
    xaxis: {
      ...axis,
      type: "category",
      categoryarray: places,
      tickvals: places,
      ticktext: narrow ? places.map(shortPlace) : places,
      title: {
        text: doses ? "Share of each row's tokens that is trained" : "Part of the scores that is trained",
      },
    },
    yaxis: {
      ...axis,
      zeroline: true,
      zerolinecolor: theme.muted,
      title: { text: "Change since before", standoff: 8 },
    },
    legend: { orientation: "h", y: narrow ? -0.42 : -0.3, x: 0 },
    dragmode: false,
    hovermode: "closest",
  };
}

/** Returns a place as it fits a phone: "1 of 4 (lowest)" is "lowest". Pure. */
export function shortPlace(place) {
  return /\((.*)\)/.exec(place)?.[1] ?? place;
}

/** Returns a change in words: `−0.21 [−0.30, −0.12]`, or "not measured". Pure. */
export function changeWords(change) {
  if (!change) return "not measured";
  const signed = (value) => `${Number(value.toFixed(2)) > 0 ? "+" : ""}${formatNumber(value)}`;
  if (change.no_spread) return `${signed(change.mean)}, no spread`;
  if (!Number.isFinite(change.low)) return signed(change.mean);
  return `${signed(change.mean)} [${signed(change.low)}, ${signed(change.high)}]`;
}
