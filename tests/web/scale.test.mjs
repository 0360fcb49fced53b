import assert from "node:assert/strict";
import { test } from "node:test";
import { histogramBins, sequentialScale } from "../../app/web/score/scale.js";
import { countText, formatNumber } from "../../app/web/text/numbers.js";

test("the scale ends at the 99th percentile and clips above it", () => {
  const scale = sequentialScale([null, NaN, ...Array.from({ length: 101 }, (_, index) => index)]);
  assert.ok(Math.abs(scale.limit - 99) < 1e-9);
  assert.equal(scale.clipped, 1);
  assert.equal(scale.at(100), 1);
  assert.equal(scale.at(-4), 0);
  assert.ok(Math.abs(scale.at(49.5) - 0.5) < 1e-9);
  assert.ok(Number.isNaN(scale.at(NaN)));
});

test("a percentile of 0 gives way to the maximum; without values all is 0", () => {
  const scale = sequentialScale([...new Array(300).fill(0), 8]);
  assert.equal(scale.limit, 8);
  assert.equal(scale.at(4), 0.5);
  assert.equal(sequentialScale([]).at(3), 0);
  assert.equal(sequentialScale([0, 0]).at(0), 0);
});

test("numbers stand under each other", () => {
  assert.equal(formatNumber(6.618), "6.62");
  assert.equal(formatNumber(-1.5, 1), "\u22121.5");
  assert.equal(formatNumber(-0.001), "0.00");
  assert.equal(formatNumber(null), "\u2013");
  assert.equal(formatNumber(NaN, 2, 3), "\u2007\u2007\u2013");
  assert.equal(formatNumber(-Infinity), "\u2212∞");
  assert.equal(formatNumber(1, 2, 6), "\u2007\u20071.00");
});

test("bins: edges belong above, the top to the last, what is outside to the ends", () => {
  const values = [0, 0.1, 0.2, 0.49, 0.5, 1, NaN, 9, -1];
  assert.deepEqual(histogramBins(values, 2), [5, 3]);
  assert.deepEqual(histogramBins(values, 2, [1, 0, 0, 0, 0, 1, 1, 0, 0]), [1, 1]);
  assert.deepEqual(histogramBins([], 2), [0, 0]);
});

test("counts are written as people read them", () =>
  assert.deepEqual([0, 999, 10000].map(countText), ["0", "999", "10,000"]));
