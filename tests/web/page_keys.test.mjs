/** Which tab a key leads to. */

import assert from "node:assert/strict";
import test from "node:test";
import { tabAfter } from "../../app/web/page/page_keys.js";

test("arrows go round the tabs, Home and End to their ends, other keys nowhere", () => {
  assert.deepEqual([tabAfter("ArrowRight", 0, 4), tabAfter("ArrowRight", 3, 4)], [1, 0]);
  assert.deepEqual([tabAfter("ArrowLeft", 2, 4), tabAfter("ArrowLeft", 0, 4)], [1, 3]);
  assert.deepEqual([tabAfter("Home", 2, 4), tabAfter("End", 0, 4)], [0, 3]);
  assert.deepEqual([tabAfter("ArrowDown", 1, 4), tabAfter("Enter", 1, 4)], [-1, -1]);
});
