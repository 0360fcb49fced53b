import assert from "node:assert/strict";
import test from "node:test";
import { openAround } from "../../app/web/text/strip_windows.js";
import { chosenCells, mapWords } from "../../app/web/tokens/strip/strip_map.js";

test("the map counts what is chosen, part by part", () => {
  const units = Array.from({ length: 10 }, (_, at) => ({ tokens: at === 9 ? [9, 10] : [at] }));
  const selected = Uint8Array.from([1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
  assert.deepEqual(chosenCells(units, selected, 5), [2, 0, 0, 0, 1]);
  assert.equal(mapWords(1500, 240, 3), "Map of the answer: 240 of 1,500 shown, 3 chosen; click to go there");
});

test("all is opened, of more than 2,000 those round the place", () => {
  assert.deepEqual(openAround(512, 500), [[0, 512]]);
  assert.deepEqual(openAround(10000, 7500), [[6500, 8500]]);
  assert.deepEqual(openAround(10000, -1), [[0, 2000]]);
});
