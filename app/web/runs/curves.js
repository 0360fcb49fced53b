/** Turns the numbers of runs into a Plotly figure: small multiples, one line an arm. Pure. */

/** Panels in reading order. `good` is the direction that is wanted. */
export const PANELS = [
  { key: "fact_joint", title: "Fact, joint probability ↓", range: [0, 1], good: "down" },
  { key: "other", title: "Other tokens of these answers ↑", range: [0, 1], good: "up" },
  { key: "retain", title: "Retained facts ↑", range: [0, 1], good: "up" },
  { key: "loss", title: "Training loss, nats", range: null, good: null },
];

/**
 * Returns `{data, layout, config}` for Plotly.
 * @param {Record<string, any>[]} series one per run: `{label, arm, steps, loss, eval_steps, fact_joint, other, retain,
 *   probed, colour, dash}`
 * @param {{ink: string, muted: string, line: string, font: string}} theme
 *   colours
 * @param {boolean} narrow one column instead of two
 */
export function curvesFigure(series, theme, narrow) {
  const columns = narrow ? 1 : 2;
  const rows = Math.ceil(PANELS.length / columns);
  const data = [];
  // On a phone the legend has a line for each run.
  const legendLines = series.length > 1 ? (narrow ? series.length : 1) : 0;
  const layout = baseLayout(theme, rows, legendLines);
  const last = Math.max(1, ...series.map((run) => run.total ?? 0), ...series.flatMap((run) => run.steps));
  PANELS.forEach((panel, at) => {
    const suffix = at === 0 ? "" : String(at + 1);
    Object.assign(layout, axes({ panel, suffix, at, columns, rows, theme, last }));
    layout.annotations.push(title(panel, suffix, theme));
    for (const run of series) data.push(line(run, panel, suffix, at === 0), ...probes(run, panel, suffix));
    const marks = series.flatMap(({ stopped }) => (stopped ? marksOf(stopped, suffix, theme) : []));
    layout.shapes.push(...marks.map(({ shape }) => shape));
    if (panel.key === "loss") layout.annotations.push(...marks.map(({ note }) => note));
  });
  return { data, layout };
}

/** Returns the two lines of a run that diverged: where it was stopped, and the step that was kept. */
function marksOf({ step, kept }, suffix, theme) {
  return [
    ["kept", kept, "right"],
    ["stopped", step, "left"],
  ].map(([text, at, xanchor]) => {
    const place = { xref: `x${suffix}`, yref: `y${suffix} domain` };
    return {
      shape: {
        ...place,
        type: "line",
        x0: at,
        x1: at,
        y0: 0,
        y1: 1,
        line: { color: theme.ink, width: 1, dash: text === "kept" ? "solid" : "dot" },
      },
      note: {
        ...place,
        text: `${text} ${at}`,
        x: at,
        y: 1,
        xanchor,
        yanchor: "top",
        showarrow: false,
        font: { color: theme.ink, size: 12 },
      },
    };
  });
}

function line(run, panel, suffix, inLegend) {
  const own = panel.key === "loss";
  const { colour } = run;
  return {
    x: own ? run.steps : run.eval_steps,
    y: own ? run.loss : run[panel.key],
    xaxis: `x${suffix}`,
    yaxis: `y${suffix}`,
    type: "scatter",
    mode: own ? "lines" : "lines+markers",
    name: run.label,
    legendgroup: run.run_id,
    showlegend: inLegend,
    line: {
      color: colour,
      width: run.arm === "chosen" ? 2.5 : 1.75,
      dash: run.dash,
    },
    marker: { size: 5, color: colour },
    connectgaps: true,
    hovertemplate: `step %{x}: %{y:.3f}<extra>%{fullData.name}</extra>`,
  };
}

/**
 * The full probes before and after, each a mark of its own: they measure more than a point of the curve does.
 */
function probes(run, panel, suffix) {
  const points = Object.values(run.probed ?? {}).filter((each) => Number.isFinite(each?.[panel.key]));
  if (points.length === 0) return [];
  const { colour } = run;
  return [
    ...joints(run, panel).map(([from, to]) => ({
      x: [from.x, to.x],
      y: [from.y, to.y],
      xaxis: `x${suffix}`,
      yaxis: `y${suffix}`,
      type: "scatter",
      mode: "lines",
      legendgroup: run.run_id,
      showlegend: false,
      hoverinfo: "skip",
      line: { color: colour, width: 1.25, dash: "dot" },
    })),
    {
      x: points.map(({ step }) => step),
      y: points.map((each) => each[panel.key]),
      xaxis: `x${suffix}`,
      yaxis: `y${suffix}`,
      type: "scatter",
      mode: "markers",
      name: run.label,
      legendgroup: run.run_id,
      showlegend: false,
      cliponaxis: false,
      marker: { symbol: "diamond-open", size: 11, color: colour, line: { width: 2, color: colour } },
      hovertemplate: `full probe, step %{x}: %{y:.3f}<extra>%{fullData.name}</extra>`,
    },
  ];
}

/**
 * Returns the ends of the dotted pieces that lead from the full probe before to the line, and from it to the one
 * after: `[[from, to], …]`, none where there is no line. Pure.
 */
export function joints(run, { key }) {
  const values = run[key] ?? [];
  const known = (at) => at >= 0 && { x: run.eval_steps[at], y: values[at] };
  const [first, last] = [
    known(values.findIndex(Number.isFinite)),
    known(values.findLastIndex(Number.isFinite)),
  ];
  const probe = (when) => {
    const found = run.probed?.[when];
    return Number.isFinite(found?.[key]) && { x: found.step, y: found[key] };
  };
  return [
    [probe("before"), first],
    [last, probe("after")],
  ].filter(([from, to]) => from && to && from.x !== to.x);
}

/** Returns what the two kinds of points are, or "" where there is one kind only. */
export function pointsNote(series) {
  const probed = series.some(({ probed: found }) => found?.before || found?.after);
  if (!probed) return "";
  return "Line: each row as it was in its last training step. ◇ The full probe of all rows, before the first step and after the last; the dotted pieces lead to it.";
}

function baseLayout(theme, rows, legendLines) {
  const legend = legendLines > 0;
  const above = legend ? 12 + 28 * legendLines : 0;
  return {
    height: rows * 190 + above,
    margin: { l: 40, r: 12, t: 24 + above, b: 32 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: theme.font, size: 12, color: theme.muted },
    showlegend: legend,
    legend: { orientation: "h", x: 0, y: 1, yref: "container", yanchor: "top", font: { color: theme.ink } },
    hovermode: "closest",
    annotations: [],
    shapes: [],
  };
}

function axes({ panel, suffix, at, columns, rows, theme, last }) {
  const [column, row] = [at % columns, Math.floor(at / columns)];
  const [gapX, gapY] = [columns > 1 ? 0.1 : 0, rows > 2 ? 0.08 : 0.18];
  const [width, height] = [(1 - gapX * (columns - 1)) / columns, (1 - gapY * (rows - 1)) / rows];
  const shared = { gridcolor: theme.line, zeroline: false, linecolor: theme.line, fixedrange: true };
  const left = column * (width + gapX);
  const top = 1 - row * (height + gapY);
  return {
    [`xaxis${suffix}`]: {
      ...shared,
      domain: [left, left + width],
      anchor: `y${suffix}`,
      showgrid: false,
      range: [-last * 0.02, last * 1.02],
      tick0: 0,
      dtick: roundStep(last / 6),
      ...(row === rows - 1 ? { title: { text: "step", standoff: 4, font: { size: 12 } } } : {}),
    },
    [`yaxis${suffix}`]: {
      ...shared,
      domain: [Math.max(0, top - height), top],
      anchor: `x${suffix}`,
      nticks: 5,
      ...(panel.range ? { range: [panel.range[0] - 0.03, panel.range[1] + 0.03] } : { rangemode: "tozero" }),
    },
  };
}

/** Returns the smallest of 1, 2, 5, 10, 20, 50 … that is not below `least`. */
function roundStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return power * ([1, 2, 5].find((each) => each * power >= least) ?? 10);
}

function title(panel, suffix, theme) {
  return {
    text: panel.title,
    showarrow: false,
    xref: `x${suffix} domain`,
    yref: `y${suffix} domain`,
    x: 0,
    y: 1,
    xanchor: "left",
    yanchor: "bottom",
    yshift: 3,
    font: { color: theme.ink, size: 12 },
  };
}
