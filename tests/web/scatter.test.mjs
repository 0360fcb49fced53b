/** The plane of knowledge and entropy, and the budget. */

import assert from "node:assert/strict";
import test from "node:test";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { budgetParts, partWords } from "../../app/web/tokens/pictures/budget_meter.js";
import { axisWords, noteWords, saidWords, shownPoints } from "../../app/web/tokens/pictures/scatter.js";
import { tickWords } from "../../app/web/tokens/pictures/scatter_paint.js";
import {
  axisOf,
  axisTicks,
  bend,
  nearest,
  neighbour,
  pointsOf,
  share,
  steps,
  unbend,
} from "../../app/web/tokens/pictures/scatter_points.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

test("equal steps are 1, 2 or 5 times a power of ten and never leave the range", () => {
  assert.deepEqual(steps(0, 10, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(steps(-1.2, 6.1, 4), [0, 2, 4, 6]);
  assert.deepEqual(steps(0, 0.35, 4), [0, 0.1, 0.2, 0.3]);
  assert.deepEqual(
    [tickWords(0.2), tickWords(-3), tickWords(10), tickWords(0.0001)],
    ["0.2", "−3", "10", "0.0001"],
  );
});

test("the axes hold every value and always 0, and bend about the median of what is not 0", () => {
  assert.deepEqual(axisOf([NaN, 3, 40], [0, 1, 2]), { low: 0, high: 40, knee: 10 });
  assert.deepEqual(axisOf([-2, -1], [0, 1]), { low: -2, high: 0, knee: 1 });
  assert.deepEqual(axisOf([0, 0, 0.002, 0.02, 14], [0, 1, 2, 3, 4]), { low: 0, high: 14, knee: 0.01 });
  assert.deepEqual(axisOf([NaN], [0]), { low: 0, high: 1, knee: 1 });
});

test("small scores take as much room as large ones: a decade is as wide as the next, on both sides of 0", () => {
  const axis = { low: -10, high: 1000, knee: 0.001 };
  assert.deepEqual([share(-10, axis), share(1000, axis)], [0, 1]);
  const decade = (value) => share(10 * value, axis) - share(value, axis);
  assert.ok(Math.abs(decade(1) - decade(100)) < 0.001);
  assert.equal(bend(0, axis), 0);
  assert.equal(bend(-0.001, axis), -Math.log(2));
  for (const value of [-7, -0.0004, 0, 0.02, 999])
    assert.ok(Math.abs(unbend(bend(value, axis), axis) - value) < 1e-9);
});

test("ticks are 0 and powers of ten that keep their distance; where the scale has no decades they are equal steps", () => {
  assert.deepEqual(axisTicks({ low: 0, high: 14, knee: 0.001 }, 6), [0, 0.01, 0.1, 1, 10]);
  assert.deepEqual(axisTicks({ low: -1, high: 10, knee: 0.01 }, 6), [-1, -0.1, 0, 0.1, 1, 10]);
  assert.deepEqual(axisTicks({ low: 0, high: 6, knee: 1 }, 6), [0, 1, 2, 3, 4, 6]); // 5 lies .079 from 6
  assert.deepEqual(axisTicks({ low: 0, high: 14, knee: 0.001 }, 2), [0, 0.1, 10]);
});

test("below the plane stands what its line is and how many tokens it cannot show", () => {
  assert.equal(
    noteWords(true, true, 131),
    "Dashed line: cut-off. Tokens below it can be chosen as part of a word. 131 tokens without both scores are hidden.",
  );
  assert.equal(noteWords(true, false, 1), "Dashed line: cut-off. 1 token without both scores is hidden.");
  assert.equal(noteWords(false, true, 0), "");
});

test("tokens without one of the two scores are counted, not drawn", () => {
  const points = pointsOf([NaN, 0, 5, 10], [1, 0, NaN, 4], [0, 1, 2, 3]);
  assert.deepEqual([...points.indices], [1, 3]);
  assert.equal(points.missing, 2);
  assert.deepEqual(
    [[...points.x], [...points.y]],
    [
      [0, 1],
      [0, 1],
    ],
  );
});

test("a pointer means the nearest token within its reach", () => {
  const points = pointsOf([0, 10, 5], [0, 4, 2], [0, 1, 2]);
  // The third lies at log 1.5 / log 2 of the knees' 10 and at log 3 / log 5 of 1: .585 and .683.
  assert.equal(nearest(points, 0.6, 0.68, 100, 100, 14), 2);
  assert.equal(nearest(points, 0.75, 0.6, 100, 100, 14), null);
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
  assert.deepEqual(axisWords(model), {
    x: "knowledge: name swapped, nats, log scale →",
    y: "↑ entropy: target, nats, log scale",
  });
  assert.equal(saidWords(model, 3), "“Oslo”: knowledge 6.00 nats, entropy 0.50 nats, chosen by the rule.");
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
  const precision = (chosen) =>
    partWords(budgetParts({ chosen, total: 4, gold: 1, goldChosen: 0, judged: 0 })[2]);
  assert.deepEqual([precision(0), precision(3)], ["none chosen", "none where the fact is marked"]);
});
