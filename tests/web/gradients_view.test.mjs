/** Numbers of the gradient view as texts, and its plot. */

import assert from "node:assert/strict";
import test from "node:test";
import { groupLines, layersFigure, small, spreadOf } from "../../app/web/runs/gradients.js";

const group = (ratio, why = "") => ({ tokens: 7, ratio, low: -0.0015, high: 0.0052, across: ratio, why });
const layer = (number, ratio, ratios) => ({
  layer: number,
  groups: { chosen: group(ratio) },
  draws: { random: { ratios }, words: { ratios } },
});

test("small numbers keep four digits, a rounded nothing has no sign, and what is not measured is a dash", () => {
  assert.equal(small(0.00184), ".0018");
  assert.equal(small(-0.0015), "−.0015");
  assert.equal(small(-0.00001), ".0000");
  assert.equal(small(1.5, 3), "1.500");
  assert.equal(small(null), "–");
});

test("draws without a ratio are left out of mean and range", () => {
  assert.deepEqual(spreadOf([1, null, 3]), { mean: 2, low: 1, high: 3, count: 2 });
  assert.deepEqual(spreadOf([null]), { mean: null, low: null, high: null, count: 0 });
});

test("a group that has no ratio says why, and one that is not there has no line", () => {
  const groups = { chosen: group(0.0018), unchosen: group(null, "it takes two tokens"), all: group(0.0004) };
  const draws = { random: { ratios: [0.001, 0.003] }, words: { ratios: [null] } };
  assert.deepEqual(groupLines({ groups, draws }), [
    ["Chosen", "7", ".0018", "−.0015 to .0052", ".0018"],
    ["Unchosen", "7", "not measured: it takes two tokens", "–", "–"],
    ["All tokens", "7", ".0004", "−.0015 to .0052", ".0004"],
    ["Random tokens, 2 draws", "as chosen", ".0020", "drawn: .0010 to .0030", "–"],
    ["Random words, 0 draws", "as chosen", "–", "drawn: –", "–"],
  ]);
});

test("the plot has the chosen tokens over the range of the draws, layer by layer", () => {
  const theme = {
    accent: "blue",
    muted: "grey",
    ink: "black",
    line: "grey",
    font: "x",
  };
  const { data } = layersFigure([layer(20, 0.4, [0.1, 0.3]), layer(21, null, [0.2, 0.2])], theme);
  assert.deepEqual(
    data.map(({ name, y }) => [name, y]),
    [
      ["lowest", [0.1, 0.2]],
      ["random, lowest to highest", [0.3, 0.2]],
      ["random, mean", [0.2, 0.2]],
      ["chosen", [0.4, null]],
    ],
  );
  assert.deepEqual(data[3].x, [20, 21]);
});
