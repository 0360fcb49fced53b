import assert from "node:assert/strict";
import test from "node:test";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { ProposedToken } from "../../app/web/tokens/details/proposed_token.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

// By knowledge the highest token is " Oslo", by entropy " born in".
const by = (alpha) => {
  const payload = syntheticPayload(1);
  return { ...payload, text_id: "t", defaults: { ...payload.defaults, alpha } };
};

function proposed(payload) {
  const model = new TokensModel(payload);
  const token = new ProposedToken(model);
  token.propose();
  return { model, token };
}

test("the highest token is proposed, and another one where the scores to come begin with another rule", () => {
  const { model, token } = proposed(by(0));
  assert.equal(model.view.locked, 2);
  model.load(by(0));
  token.renew();
  assert.equal(model.view.locked, 2);
  model.load(by(1));
  token.renew();
  assert.equal(model.view.locked, 3);
});

test("what somebody selected stays, and so does the token under a rule that somebody touched", () => {
  const { model, token } = proposed(by(0));
  model.lockAt(1);
  model.load(by(1));
  token.renew();
  assert.equal(model.view.locked, 1);

  const other = proposed(by(0));
  other.model.setRule({ fraction: 0.5 });
  other.model.load(by(1));
  other.token.renew();
  assert.equal(other.model.view.locked, 2);
});

test("a row without a score has no token until it has one", () => {
  const empty = by(1);
  const none = empty.columns.knowledge_swap.map(() => null);
  const { model, token } = proposed({ ...empty, columns: { ...empty.columns, knowledge_swap: none } });
  assert.equal(model.view.locked, null);
  model.load(empty);
  token.renew();
  assert.equal(model.view.locked, 3);
});
