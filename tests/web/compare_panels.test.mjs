/** The plot of the Compare tab, and the pure parts of its other panels. */

import assert from "node:assert/strict";
import test from "node:test";
import { termsOf } from "../../app/web/compare/compare_view.js";
import { axesOf, frontOf, paretoFigure, pointsOf, tableOf } from "../../app/web/compare/pareto.js";
import { megabytes, savedWords, tagsOf } from "../../app/web/compare/run_panel.js";
import { byChange } from "../../app/web/compare/tokens_panel.js";
import { NAT } from "../../app/web/text/terms.js";

const line = (id, fact, kept, more = {}) => ({
  id,
  runId: id,
  title: id,
  kind: "run",
  group: "",
  hue: 1,
  run: {},
  figures: {
    fact: { now: fact, before: 0.9, ...more.fact },
    kept: { now: kept, before: 0.95, ...more.kept },
  },
});
const ARM = line("arm", 0.25, 0.75, {
  fact: { low: 0.125, high: 0.375, values: [0.25, 0.25, null] },
  kept: { low: 0.5, high: 1, values: [0.5, null, 0.75] },
});
const THEME = {
  colour: (hue) => `c${hue}`,
  symbol: () => "circle",
  ink: "i",
  muted: "m",
  line: "l",
  page: "p",
  font: "f",
};

test("what should fall may be forgotten, as long as it is a share; what should rise may be kept", () => {
  const figures = [
    { key: "fact", wanted: "down", unit: "probability" },
    { key: "recited", wanted: "down", unit: "share of answers" },
    { key: "perplexity", wanted: "down", unit: "nats" },
    { key: "fluency", wanted: "up", unit: "nats per token" },
    { key: "chance", wanted: "", unit: "share" },
  ];
  const { forgotten, kept } = axesOf(figures);
  assert.deepEqual(
    [forgotten, kept].map((each) => each.map(({ key }) => key)),
    [["fact", "recited"], ["fluency"]],
  );
});

test("a point has one minus the fact, its interval turned round, and the seeds that have both figures", () => {
  const [run, arm] = pointsOf([line("run-1", 0.25, 0.5), ARM, line("run-2", null, 0.5)], "fact", "kept");
  assert.deepEqual([run.x, run.y, run.low, run.seeds], [0.75, 0.5, null, []]);
  assert.deepEqual([arm.low, arm.high, arm.seeds], [[0.625, 0.5], [0.875, 1], [[0.75, 0.5]]]);
  assert.equal(pointsOf([line("run-2", null, 0.5)], "fact", "kept").length, 0);
});

test("the front holds what no other point beats in both, also two that are alike", () => {
  const points = [
    { id: "a", x: 0.2, y: 0.9 },
    { id: "b", x: 0.8, y: 0.5 },
    { id: "c", x: 0.2, y: 0.5 },
    { id: "d", x: 0.8, y: 0.5 },
  ];
  assert.deepEqual(
    frontOf(points).map(({ id }) => id),
    ["a", "b", "d"],
  );
});

test("the figure has a mark a line, bars where there is an interval, and the target once", () => {
  const points = pointsOf([line("run-1", 0.25, 0.5), ARM], "fact", "kept");
  const { data, layout } = paretoFigure(points, THEME, { x: "x", y: "y" }, false);
  const marks = data.filter(({ marker }) => marker?.size === 12);
  assert.deepEqual(
    marks.map(({ customdata, error_x: bar }) => [customdata[0], Boolean(bar)]),
    [
      ["run-1", false],
      ["arm", true],
    ],
  );
  assert.deepEqual([marks[1].error_x.array[0], marks[1].error_x.arrayminus[0]], [0.125, 0.125]);
  const target = data.find(({ name }) => name === "before any step");
  assert.deepEqual([target.x.length, target.y], [1, [0.95]]);
  assert.ok(layout.showlegend);
  const many = pointsOf(
    Array.from({ length: 20 }, (_, at) => line(`run-${at}`, at / 20, 0.5)),
    "fact",
    "kept",
  );
  assert.equal(paretoFigure(many, THEME, { x: "x", y: "y" }, true).layout.showlegend, false);
});

test("an axis is never so short that it tells apart what the table does not", () => {
  const point = { id: "a", title: "a", kind: "run", hue: 0, seeds: [], low: null, high: null, before: null };
  const close = [
    { ...point, x: 0.5, y: 0.999998 },
    { ...point, x: 0.9, y: 1 },
  ];
  const { layout } = paretoFigure(close, THEME, { x: "x", y: "y" }, false);
  assert.ok(Math.abs(layout.yaxis.range[1] - layout.yaxis.range[0] - 0.02) < 1e-12);
  assert.equal(layout.xaxis.range, undefined, "Plotly picks it");
  const bounded = { ...point, x: 0.5, y: 1, low: [0.4, 0.9], high: [0.6, 1.1] };
  assert.equal(paretoFigure([bounded], THEME, { x: "x", y: "y" }, false).layout.yaxis.range, undefined);
});

test("the plot's table says the same", () => {
  assert.deepEqual(tableOf(pointsOf([line("run-1", 0.25, 0.5), ARM], "fact", "kept")), [
    ["run-1", ".75", ".50", 1],
    ["arm", ".75 [.63, .88]", ".75 [.50, 1.00]", 1],
  ]);
});

test("a note that somebody else has changed is told, and nothing is put over it", () => {
  assert.equal(savedWords(null), "Saved.");
  assert.equal(
    savedWords({ name: "Best", tags: ["a", "b"], text: "" }),
    "Not saved: on another page it says name “Best”, tags a, b. Press Save again to put yours in its place.",
  );
  assert.match(savedWords({ name: "", tags: [], text: "" }), /it says nothing any more\./);
});

test("the columns are explained in words, with the unit of those in nats", () => {
  const terms = termsOf([{ name: "Fluency, nats per token", help: "Mean log-prob" }]);
  assert.deepEqual(terms.slice(-2), [["Fluency, nats per token", "Mean log-prob"], NAT]);
});

test("tags are what stands between commas, each once", () => {
  assert.deepEqual(tagsOf(" paper, , β 2,paper "), ["paper", "β 2"]);
  assert.deepEqual(tagsOf(""), []);
});

test("answers to forget come first, the largest change of a token before smaller ones", () => {
  const row = (id, kind, second) => ({ row_id: id, kind, first: [0.5, 0.5], second });
  const rows = [row("a", "retain", [1, 0]), row("b", "forget", [0.5, 0.6]), row("c", "forget", [0.1, 0.5])];
  assert.deepEqual(
    byChange(rows).map(({ row_id: id }) => id),
    ["c", "b", "a"],
  );
});

test("bytes are written as people read them", () => {
  assert.deepEqual([29_586, 4_939_072, 538_000_000].map(megabytes), ["30 kB", "4.9 MB", "538 MB"]);
});
