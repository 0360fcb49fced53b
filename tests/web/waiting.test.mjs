import assert from "node:assert/strict";
import test from "node:test";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { failedCounts, failedWords, isLeftOut, leftOutWords } from "../../app/web/model/untrained_rows.js";
import { whyNot } from "../../app/web/tokens/masks/mask_bar.js";
import { badgeWords } from "../../app/web/tokens/strip/signal_bar.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

const SAME = { kind: "same", hash: "h" };
const modelOf = (scored, state = "live") => {
  const payload = syntheticPayload(3);
  payload.rows.forEach((row, at) => Object.assign(row, { scored: scored[at] }));
  return new TokensModel({ ...payload, state });
};

test("while rows of the set wait for their scores the badge counts them and nothing is trained", () => {
  const model = modelOf([true, false, false]);
  assert.equal(badgeWords(model), "live, 1 of 3");
  assert.equal(whyNot(model, SAME), "2 rows are not scored yet.");
});

test("a scored set is live, and rows of which nothing is said count as scored", () => {
  for (const scored of [[true, true, true], []])
    assert.deepEqual([badgeWords(modelOf(scored)), whyNot(modelOf(scored), SAME)], ["live", ""]);
  assert.equal(badgeWords(modelOf([], "recorded")), "recorded");
});

test("a row that failed waits for nothing, and is tried again or left out before anything is trained", () => {
  const model = modelOf([true, false, true]);
  const row = model.payload.rows[1];
  row.failure = "Row r1 cannot be scored.";
  assert.deepEqual(
    [badgeWords(model), whyNot(model, SAME)],
    ["live", "1 row could not be scored: try it again, or leave it out."],
  );
  assert.deepEqual(failedCounts(model), { failed: 1, leftOut: 0 });
  const tokens = Array.from({ length: row.count }, (_, at) => row.first + at);
  model.force(tokens.slice(1), "out");
  assert.equal(isLeftOut(model, row), false);
  model.force(tokens, "out");
  assert.deepEqual(
    [isLeftOut(model, row), failedCounts(model), whyNot(model, SAME)],
    [true, { failed: 0, leftOut: 1 }, ""],
  );
  assert.deepEqual([0, 2].map(failedWords), [
    "",
    "2 rows could not be scored: try them again, or leave them out.",
  ]);
});

test("rows that take no part are counted", () => {
  assert.deepEqual([0, 1, 2].map(leftOutWords), ["", "1 row left out", "2 rows left out"]);
});
