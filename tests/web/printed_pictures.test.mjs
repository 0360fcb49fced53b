/** What is saved of the Tokens tab's pictures: the same counts and places as on the page. */

import assert from "node:assert/strict";
import test from "node:test";
import { histogramFigure, planeFigure, rootTicks } from "../../app/web/tokens/pictures/printed_pictures.js";
import { pointsOf } from "../../app/web/tokens/pictures/scatter_points.js";

const THEME = { ink: "i", muted: "m", line: "l", accent: "a", fused: "f", font: "s" };

test("the saved histogram has the counts by their square root, and the cut", () => {
  const { data, layout } = histogramFigure({ all: [4, 0, 9, 1], chosen: [0, 0, 9, 1], cut: 0.6 }, THEME);
  assert.deepEqual(
    data.map(({ name, y }) => [name, y]),
    [
      ["all answer tokens", [2, 0, 3, 1]],
      ["chosen", [0, 0, 3, 1]],
    ],
  );
  assert.deepEqual(data[0].x, [0.125, 0.375, 0.625, 0.875]);
  assert.equal(layout.shapes[0].x0, 0.6);
  assert.deepEqual(histogramFigure({ all: [1], chosen: [0], cut: null }, THEME).layout.shapes, []);
  assert.deepEqual(rootTicks(210), [0, 5, 20, 50, 100, 200]);
});

test("the saved plane has each token once by its state, the fact besides, and names no kind that is not there", () => {
  const points = pointsOf([0, 1, 2, 3], [3, 2, 1, NaN], [0, 1, 2, 3]);
  const states = ["excluded", "chosen", "out", "chosen"];
  const shown = { points, line: [], kindOf: (index) => states[index], labels: { x: "k", y: "e" } };
  const { data, layout } = planeFigure({ ...shown, isGold: (index) => index === 1 }, THEME);
  assert.deepEqual(
    data.map(({ name, x }) => [name, x]),
    [
      ["not chosen", [points.x[0]]],
      ["chosen", [points.x[1]]],
      ["forced out", [points.x[2]]],
      ["the fact", [points.x[1]]],
    ],
  );
  assert.equal(layout.xaxis.title.text, "k");
});
