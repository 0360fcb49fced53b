// The shared cases of fusion, and what only JavaScript can be asked.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { asFloats, fuse, groups, normalise, percentile } from "../../app/web/score/fusion.js";

const lines = readFileSync(new URL("../cases/fusion.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n");

function answer({ call, values, knowledge, entropy, alpha, normaliser, rows = null }) {
  return call === "normalise"
    ? normalise(values, normaliser, rows)
    : fuse(knowledge, entropy, alpha, normaliser, rows);
}

for (const line of lines) {
  const given = JSON.parse(line);
  test(given.name, () => {
    if (given.error) {
      assert.throws(
        () => answer(given),
        (error) => error instanceof RangeError && error.message.includes(given.error),
      );
      return;
    }
    const got = answer(given);
    assert.equal(got.length, given.expected.length);
    given.expected.forEach((value, index) => {
      if (value === null) assert.ok(Number.isNaN(got[index]));
      else assert.ok(Math.abs(got[index] - value) <= 1e-12, `${got[index]} is not ${value}`);
      assert.ok(!Object.is(got[index], -0));
    });
  });
}

test("percentile agrees with a full sort at every place", () => {
  const values = Array.from({ length: 101 }, (_, index) => (index * 37) % 101);
  for (let place = 0; place <= 100; place++)
    assert.ok(Math.abs(percentile(values, place / 100) - place) < 1e-9);
  assert.equal(percentile([5, 5, 5, 1], 0.99), 5);
  assert.ok(Number.isNaN(percentile([], 0.5)));
});

test("the input is left as it was, and null becomes NaN", () => {
  const values = Float64Array.of(3, 1, 2);
  normalise(values, "z_sigmoid");
  assert.deepEqual([...values], [3, 1, 2]);
  assert.equal(asFloats(values), values);
  assert.ok(Number.isNaN(asFloats([null])[0]));
});

test("groups come in order of the row, mixed rows too", () => {
  assert.deepEqual(
    groups([7, 2, 7, 2, 2], 5).map((group) => [...group]),
    [
      [1, 3, 4],
      [0, 2],
    ],
  );
  assert.deepEqual(groups([], 0), []);
});
