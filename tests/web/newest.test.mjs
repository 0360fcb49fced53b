import assert from "node:assert/strict";
import { test } from "node:test";
import { newest } from "../../app/web/newest.js";

test("an answer that was overtaken by a later one changes nothing", () => {
  const keep = newest();
  assert.deepEqual(keep(null), {});
  assert.equal(keep({ at: 2, state: "paused" }).state, "paused");
  assert.equal(keep({ at: 1, state: "saving" }).state, "paused");
  assert.equal(keep({ at: 2, state: "usable" }).state, "usable");
});
