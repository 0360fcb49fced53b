import assert from "node:assert/strict";
import test from "node:test";
import { leftOutWords } from "../../app/web/left_out.js";
import { whyNot } from "../../app/web/mask_bar.js";
import { badgeWords } from "../../app/web/signal_bar.js";
import { TokensModel } from "../../app/web/tokens_model.js";
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
  for (const scored of [[true, true, true], []]) assert.deepEqual([badgeWords(modelOf(scored)), whyNot(modelOf(scored), SAME)], ["live", ""]);
  assert.equal(badgeWords(modelOf([], "recorded")), "recorded");
});

test("rows that take no part are counted", () => {
  const rows = [{ id: "a", reason: "Row a has 5,000 tokens." }, { id: "b", reason: "Row b has no answer token." }];
  assert.deepEqual([[], rows.slice(1), rows].map(leftOutWords), ["", "1 row left out", "2 rows left out"]);
});
