import assert from "node:assert/strict";
import test from "node:test";

import { stopWords } from "../../app/web/tokens/strip/scoring_stop.js";

test("the button says what a press does, or what was asked for", () => {
  assert.deepEqual([stopWords(false, null), stopWords(true, null)], ["Stop", "Score the rest"]);
  assert.deepEqual([stopWords(false, true), stopWords(true, false)], ["Stopping…", "Going on…"]);
});
