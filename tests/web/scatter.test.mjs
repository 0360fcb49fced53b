/** The plane of knowledge and entropy, and the budget. */

import assert from "node:assert/strict";
import test from "node:test";
import { budgetParts, partWords } from "../../app/web/budget_meter.js";
import { axisWords, saidWords, shownPoints } from "../../app/web/scatter.js";
import { tickWords } from "../../app/web/scatter_paint.js";
import { nearest, neighbour, pointsOf, rangeOf, ticks } from "../../app/web/scatter_points.js";
import { TokensModel } from "../../app/web/tokens_model.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

test("ticks are 1, 2 or 5 times a power of ten and never leave the range", () => {
  assert.deepEqual(ticks(0, 10, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(ticks(-1.2, 6.1, 4), [0, 2, 4, 6]);
  assert.deepEqual(ticks(0, 0.35, 4), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual([tickWords(0.2), tickWords(-3), tickWords(10)], ["0.2", "−3", "10"]);
});

test("the axes hold every value and always 0", () => {
  assert.deepEqual(rangeOf([NaN, 3, 40], [0, 1, 2]), [0, 40]);
  assert.deepEqual(rangeOf([-2, -1], [0, 1]), [-2, 0]);
  assert.deepEqual(rangeOf([NaN], [0]), [0, 1]);
});

test("tokens without one of the two scores are counted, not drawn", () => {
  const points = pointsOf([NaN, 0, 5, 10], [1, 0, NaN, 4], [0, 1, 2, 3]);
  assert.deepEqual([...points.indices], [1, 3]);
  assert.equal(points.missing, 2);
  assert.deepEqual([[...points.x], [...points.y]], [[0, 1], [0, 1]]);
});

test("a pointer means the nearest token within its reach", () => {
  const points = pointsOf([0, 10, 5], [0, 4, 2], [0, 1, 2]);
  assert.equal(nearest(points, 0.52, 0.5, 100, 100, 14), 2);
  assert.equal(nearest(points, 0.75, 0.75, 100, 100, 14), null);
});

test("arrow keys go to the nearest token that way", () => {
  const points = pointsOf([0, 10, 5, 5], [0, 0, 0.1, 4], [0, 1, 2, 3]);
  assert.equal(neighbour(points, 0, "ArrowRight"), 2);
  assert.equal(neighbour(points, 2, "ArrowUp"), 3);
  assert.equal(neighbour(points, 1, "ArrowRight"), null);
  assert.equal(neighbour(points, null, "ArrowLeft"), 0);
});

test("the axes name signal and unit, the sentence its numbers, decision and row", () => {
  const model = new TokensModel(syntheticPayload(2), { rule: { mode: "threshold", threshold: 0.5 } });
  assert.deepEqual(axisWords(model), { x: "knowledge: name swapped, nats →", y: "↑ entropy: Entropy, nats" });
  assert.equal(saidWords(model, 3), "“Oslo”: knowledge 6.00 nats, entropy 0.50 nats, targeted by the rule.");
  assert.match(saidWords(model, 8), /Row 2, Ada 1\.$/);
  assert.equal(shownPoints(model), shownPoints(model));
  assert.equal(shownPoints(model).missing, 2);
});

test("share, recall and precision; a row whose gold is not known does not spoil precision", () => {
  const payload = syntheticPayload(2);
  for (let index = 5; index < 10; index += 1) payload.columns.gold[index] = null;
  const model = new TokensModel(payload, { rule: { mode: "threshold", threshold: 0.5, whole_words: false } });
  model.force([1], "in");
  const parts = budgetParts(model.mask.counts).map(partWords);
  // Chosen: both facts and the forced one; gold is known of the first row alone, where 1 of 2 chosen is gold.
  assert.deepEqual(parts, ["3 of 10 (30 %)", "1 of 1 (100 %)", "1 of 2 (50 %)"]);
  assert.equal(budgetParts({ chosen: 0, total: 4, gold: 0, goldChosen: 0, judged: 0 }).length, 1);
  const precision = (chosen) => partWords(budgetParts({ chosen, total: 4, gold: 1, goldChosen: 0, judged: 0 })[2]);
  assert.deepEqual([precision(0), precision(3)], ["none chosen", "none where gold is known"]);
});
