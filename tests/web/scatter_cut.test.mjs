import assert from "node:assert/strict";
import { test } from "node:test";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { shownPoints } from "../../app/web/tokens/pictures/scatter.js";
import { bent, cutLine, shownLine } from "../../app/web/tokens/pictures/scatter_cut.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

const ENDS = { right: 20, top: 4 };
const line = (cut, alpha) => cutLine(cut, alpha, [0, 10], [0, 2], ENDS);

test("a low cut is a straight line between the axes", () => {
  // .5·K̂ + .5·Ĥ = .25: K̂ = 0 gives Ĥ = .5 (1 nat), Ĥ = 0 gives K̂ = .5 (5 nats)
  assert.deepEqual(line(0.25, 0.5), [
    [0, 1],
    [5, 0],
  ]);
});

test("beyond what is scaled to 1 the line turns upright and level", () => {
  // .5·K̂ + .5·Ĥ = .75: Ĥ = 1 needs K̂ = .5, K̂ = 1 needs Ĥ = .5
  assert.deepEqual(line(0.75, 0.5), [
    [5, 4],
    [5, 2],
    [10, 1],
    [20, 1],
  ]);
});

test("with one signal alone the line is upright or level", () => {
  assert.deepEqual(line(0.5, 1), [
    [5, 4],
    [5, 0],
  ]);
  assert.deepEqual(line(0.5, 0), [
    [0, 1],
    [20, 1],
  ]);
});

test("without a cut, or without a range, there is no line", () => {
  for (const cut of [0, null, NaN, 1.5]) assert.deepEqual(line(cut, 0.5), []);
  assert.deepEqual(cutLine(0.5, 0.5, [3, 3], [0, 2], ENDS), []);
});

test("on bent axes the line goes through many more places, all of them on it, between the same ends", () => {
  const straight = line(0.25, 0.5);
  const curved = bent(straight, { knee: 0.01 }, { knee: 0.001 });
  assert.equal(curved.length, 2 + 2 * 39);
  assert.deepEqual([curved[0], curved.at(-1)], straight);
  for (const [knowledge, entropy] of curved) assert.ok(Math.abs(knowledge / 5 + entropy - 1) < 1e-9);
  for (let at = 1; at < curved.length; at += 1) assert.ok(curved[at][0] > curved[at - 1][0]);
  assert.deepEqual(bent([], { knee: 1 }, { knee: 1 }), []);
});

/** Whether a place lies above or right of a falling line. */
function above(points, knowledge, entropy) {
  if (knowledge < points[0][0]) return false;
  const at = points.findIndex(([x]) => x > knowledge);
  if (at < 0) return true;
  const [[x0, y0], [x1, y1]] = [points[at - 1], points[at]];
  return entropy > y0 + ((knowledge - x0) / (x1 - x0)) * (y1 - y0);
}

test("what lies above the line is what scores more than the cut", () => {
  for (const [cut, alpha] of [
    [0.25, 0.5],
    [0.75, 0.5],
    [0.3, 0.8],
    [0.9, 0.2],
  ]) {
    const points = line(cut, alpha);
    for (let knowledge = 0.05; knowledge < 20; knowledge += 0.7)
      for (let entropy = 0.03; entropy < 4; entropy += 0.3) {
        const fused = alpha * Math.min(1, knowledge / 10) + (1 - alpha) * Math.min(1, entropy / 2);
        assert.equal(
          above(points, knowledge, entropy),
          fused > cut,
          `${cut} ${alpha} ${knowledge} ${entropy}`,
        );
      }
  }
});

test("a scale for each row, ranks, and words have no line", () => {
  const rule = { mode: "threshold", threshold: 0.5, alpha: 0.5 };
  const model = new TokensModel(syntheticPayload(2), { rule });
  const ends = shownPoints(model);
  assert.equal(shownLine(model, ends).length > 0, true);
  for (const change of [{ normaliser: "rank" }, { normalise_over: "row" }, { mode: "uniform" }]) {
    assert.deepEqual(
      shownLine(new TokensModel(syntheticPayload(2), { rule: { ...rule, ...change } }), ends),
      [],
    );
  }
  model.setView({ words: true });
  assert.deepEqual(shownLine(model, ends), []);
});
