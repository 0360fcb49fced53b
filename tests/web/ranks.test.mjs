import assert from "node:assert/strict";
import test from "node:test";
import { descending, place, placeAmong } from "../../app/web/score/ranks.js";
import { ordinal } from "../../app/web/text/numbers.js";

test("ranks count larger values, equal values share the better rank", () => {
  const sorted = descending(Float64Array.of(1, NaN, 3, 2, 2), [0, 1, 2, 3, 4]);
  assert.deepEqual([...sorted], [3, 2, 2, 1]);
  assert.deepEqual(place(sorted, 3), { rank: 1, of: 4, percentile: 100 });
  assert.deepEqual(place(sorted, 2), { rank: 2, of: 4, percentile: 75 });
  assert.deepEqual(place(sorted, 1), { rank: 4, of: 4, percentile: 25 });
  assert.equal(place(sorted, NaN), null);
  for (const value of [3, 2, 1, NaN])
    assert.deepEqual(
      placeAmong(Float64Array.of(9, 1, NaN, 3, 2, 2), [1, 2, 3, 4, 5], value),
      place(sorted, value),
    );
  assert.equal(placeAmong(Float64Array.of(NaN), [0], 1), null);
});

test("ordinals", () =>
  assert.deepEqual([1, 2, 3, 11, 12, 21, 93, 111].map(ordinal), [
    "1st",
    "2nd",
    "3rd",
    "11th",
    "12th",
    "21st",
    "93rd",
    "111th",
  ]));
