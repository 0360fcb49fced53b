/** What the details say of the mask and of every signal. */

import assert from "node:assert/strict";
import test from "node:test";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { maskingWords, signalWords } from "../../app/web/tokens/details/signal_table.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

test("for swap the names and the spread over them are named", () => {
  const payload = syntheticPayload(1);
  payload.rows[0].names = ["Bo Ek", "Cy Dahl"];
  payload.columns.swap_spread = [null, 0, 0, 0.42, 0];
  const model = new TokensModel(payload);
  assert.equal(
    maskingWords(model, 3),
    "Mean over 2 names: Bo Ek, Cy Dahl; they differ by 0.42 nats (standard deviation).",
  );
  assert.equal(maskingWords(model, 0), "Mean over 2 names: Bo Ek, Cy Dahl.");
});

test("one name, no name, another mask", () => {
  const payload = syntheticPayload(1);
  const model = new TokensModel(payload);
  assert.equal(maskingWords(model, 3), "Swapped for Bo Ek.");
  payload.rows[0].masking = "prompt";
  assert.equal(maskingWords(model, 3), "Masked: the whole question is hidden.");
});

test("each signal has value with unit, rank among all scored tokens and percentile", () => {
  const model = new TokensModel(syntheticPayload(2, { factor: (row) => 1 + row }));
  // Scored: 0.1 0.2 6 0 and twice that; 6 is second of eight, and 7 of 8 are at or below it.
  assert.deepEqual(signalWords(model, "knowledge_swap", 3), ["6.00 nats", "2 of 8", "87th"]);
  assert.deepEqual(signalWords(model, "knowledge_swap", 0), ["no score", "", ""]);
});

test("while words are shown, knowledge adds up over a word and entropy has its maximum", () => {
  const model = new TokensModel(syntheticPayload(1), { view: { words: true } });
  model.columns.knowledge_swap[4] = 0.5;
  assert.equal(signalWords(model, "knowledge_swap", 3)[0], "6.50 nats");
  assert.equal(signalWords(model, "entropy", 4)[0], "0.50 nats");
});
