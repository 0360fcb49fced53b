import assert from "node:assert/strict";
import { test } from "node:test";
import { aggregate, groupWords } from "../../app/web/text/words.js";

const columns = { row: [0, 0, 0, 1, 1], word: [0, 0, 1, 1, 2], start: [0, 2, 5, 0, 4], end: [2, 4, 9, 3, 6] };

test("words are runs of equal row and word number, with offsets", () => {
  assert.deepEqual(groupWords(columns), [
    { row: 0, word: 0, first: 0, last: 1, start: 0, end: 4 },
    { row: 0, word: 1, first: 2, last: 2, start: 5, end: 9 },
    { row: 1, word: 1, first: 3, last: 3, start: 0, end: 3 },
    { row: 1, word: 2, first: 4, last: 4, start: 4, end: 6 },
  ]);
  assert.deepEqual(groupWords({ row: [], word: [] }), []);
});

test("a word has the sum, the mean or the highest of its scored tokens", () => {
  const words = groupWords(columns);
  const values = [1, 2, NaN, -3, 0.5];
  assert.deepEqual([...aggregate(values, words, "sum")], [3, NaN, -3, 0.5]);
  assert.deepEqual([...aggregate(values, words, "mean")], [1.5, NaN, -3, 0.5]);
  assert.deepEqual([...aggregate(values, words, "max")], [2, NaN, -3, 0.5]);
});

test("a token without score does not spoil its word", () => {
  const words = groupWords(columns);
  for (const how of ["sum", "mean", "max"]) assert.equal(aggregate([NaN, 2, 1, 1, 1], words, how)[0], 2);
  assert.equal(aggregate([null, -2, 1, 1, 1], words, "max")[0], -2);
  assert.throws(() => aggregate([1], words, "median"), RangeError);
});
