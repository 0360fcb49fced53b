/** The curve of bins and doses: what is plotted, and how a change is said. */

import assert from "node:assert/strict";
import test from "node:test";
import { changeWords, seriesFigure, shortPlace } from "../../app/web/compare/series_figure.js";

const THEME = { ink: "black", muted: "grey", line: "silver", font: "serif" };
const change = (mean, low = null, high = null) => ({ mean, low, high, seeds: 3, rows: 6 });
const SERIES = {
  series: "bins",
  title: "Trained by score bin",
  places: ["1 of 2 (lowest)", "2 of 2 (highest)"],
  figures: [
    {
      key: "fact_joint",
      label: "fact ↓",
      probability: true,
      before: 0.9,
      changes: [change(-0.1, -0.2, 0.1), change(-0.7)],
    },
    { key: "fluency", label: "fluency ↑", probability: false, before: -2, changes: [null, null] },
    { key: "other", label: "other ↑", probability: true, before: 1, changes: [null, change(0.05)] },
  ],
};

test("each probability has a line with its interval; what is not measured leaves a gap", () => {
  const { data } = seriesFigure(SERIES, THEME, ["red", "blue"], false);
  assert.deepEqual(
    data.map(({ name }) => name),
    ["fact ↓", "other ↑"],
  );
  assert.deepEqual(data[0].y, [-0.1, -0.7]);
  assert.deepEqual(
    data[0].error_y.arrayminus.map((value) => value.toFixed(2)),
    ["0.10", "0.00"],
  );
  assert.deepEqual(
    data[0].error_y.array.map((value) => value.toFixed(2)),
    ["0.20", "0.00"],
  );
  assert.deepEqual(data[1].y, [null, 0.05]);
});

test("a dose of nothing is the target itself", () => {
  const doses = { ...SERIES, series: "doses", places: ["50%", "100%"] };
  const { data, layout } = seriesFigure(doses, THEME, ["red"], true);
  assert.deepEqual(data[0].x, ["0%", "50%", "100%"]);
  assert.deepEqual(data[0].y, [0, -0.1, -0.7]);
  assert.match(layout.xaxis.title.text, /Share/);
});

test("a change is said with its sign and interval, and what is not measured as that", () => {
  assert.equal(changeWords(change(-0.206, -0.3, 0.001)), "−0.21 [−0.30, 0.00]");
  assert.equal(changeWords({ ...change(-0.206), no_spread: true }), "−0.21, no spread");
  assert.equal(changeWords(change(0.05)), "+0.05");
  assert.equal(changeWords(null), "not measured");
});

test("on a phone a place is written short", () => {
  const places = ["1 of 4 (lowest)", "2 of 4", "4 of 4 (highest)", "33%"];
  assert.deepEqual(places.map(shortPlace), ["lowest", "2 of 4", "highest", "33%"]);
});
