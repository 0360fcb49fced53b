/** Numbers of the depth view as texts. */

import assert from "node:assert/strict";
import test from "node:test";
import { factLabel, numberLines } from "../../app/web/runs/depth.js";

test("a fact names its row, its words and its depth, or says that there is none", () => {
  assert.equal(factLabel({ row_id: "ada", words: "Rome", uds: 0.875 }), "ada: Rome, UDS .88");
  assert.equal(factLabel({ row_id: "ada", words: "Rome", uds: null }), "ada: Rome, UDS not measured");
});

test("a line is a layer and nats; what is not measured says so", () => {
  assert.deepEqual(numberLines([[3, -0.5, null, 0]]), [["3", "−.500", "not measured", ".000"]]);
});
