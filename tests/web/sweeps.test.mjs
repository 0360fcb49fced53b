import assert from "node:assert/strict";
import test from "node:test";

import { short, spread } from "../../app/web/runs/sweeps.js";

test("a figure has its spread over the seeds, where there are two", () => {
  assert.equal(spread([0.5, 0.02], 3), ".50 ± .02");
  assert.equal(spread([0.5, 0], 1), ".50");
  assert.equal(spread([null, null], 3), "–");
  assert.equal(spread([0.5, null], 3), ".50");
});

test("a size has three digits, and a dash where it was not measured", () => {
  assert.deepEqual([0.37654, 45, 1234, null].map(short), ["0.377", "45", "1230", "–"]);
});
