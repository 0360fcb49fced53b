import assert from "node:assert/strict";
import { test } from "node:test";
import { probabilityFill } from "../../app/web/dom/change_text.js";
import { firstShown, goldSpans } from "../../app/web/tokens/strip/run_text.js";

test("the newest run on chosen tokens is shown first, else the newest", () => {
  const runs = [
    { run_id: "run-3", arm: "random" },
    { run_id: "run-2", arm: "chosen" },
    { run_id: "run-1", arm: "chosen" },
  ];
  assert.equal(firstShown(runs), "run-2");
  assert.equal(firstShown(runs.slice(0, 1)), "run-3");
  assert.equal(firstShown([]), "");
});

test("the gold tokens of the shown row are spans of its answer", () => {
  const columns = { gold: [1, 0, 1, 1], start: [0, 0, 3, 8], end: [3, 3, 8, 12] };
  assert.deepEqual(goldSpans({ row: { first: 1, count: 3 }, columns }), [
    [3, 8],
    [8, 12],
  ]);
  assert.deepEqual(goldSpans({ row: { first: 0, count: 2 }, columns: { ...columns, gold: undefined } }), []);
});

test("a probability fills from the page's colour to the full one", () => {
  assert.match(probabilityFill(0.5), /\* 0\.500\), transparent/);
  assert.match(probabilityFill(-0.1), /\* 0\.000\)/);
  assert.match(probabilityFill(2), /\* 1\.000\)/);
});
