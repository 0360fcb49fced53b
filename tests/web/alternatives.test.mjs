/** What could stand in a token's place: the true one is known by its number and always there. */

import assert from "node:assert/strict";
import test from "node:test";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { alternativeLines, headWords, noteWords } from "../../app/web/tokens/details/alternatives.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

test("the true token behind the likeliest has its rank, and one of the same letters is not it", () => {
  const lines = alternativeLines([
    [" St", 0.6, 1, false],
    ["\n", 0.2, 2, false],
    ["St", 0.0012, 1214, true],
  ]);
  assert.deepEqual(
    lines.map(({ text }) => text),
    ["·St", "↵", "St"],
  );
  assert.deepEqual(
    lines.map(({ place }) => place),
    ["", "", "(1,214th)"],
  );
  assert.deepEqual(
    lines.map(({ isTrue }) => isTrue),
    [false, false, true],
  );
});

test("lists of another mask than the chosen one, and of one token of a word, say so", () => {
  const payload = syntheticPayload(1);
  payload.columns.knowledge_prompt = payload.columns.knowledge_swap;
  const model = new TokensModel(payload);
  assert.equal(noteWords(model, 3, { masking: "swap" }), "");
  model.setRule({ knowledge: "knowledge_prompt" });
  assert.match(
    noteWords(model, 3, { masking: "swap" }),
    /^The second list is with the name swapped, which the chosen knowledge does not use\.$/,
  );
  assert.equal(noteWords(model, 3, { masking: "prompt" }), "");
  model.setView({ words: true });
  assert.match(noteWords(model, 4, { masking: "prompt" }), /of one token of the word, “\.”/);
});

test("the second list says which name it is of, and that the score is the mean over all names", () => {
  const model = new TokensModel(syntheticPayload(1));
  assert.equal(headWords(model, { masking: "swap", name: "Bo Ek" }), "with “Bo Ek”");
  assert.equal(headWords(model, { masking: "prompt", name: "" }), "with the question hidden");
  // One name: list and score are of the same
  assert.equal(noteWords(model, 3, { masking: "swap", name: "Bo Ek" }), "");
  model.payload.rows[0].names = ["Bo Ek", "Cy Dahl", "Di Nu"];
  assert.equal(
    noteWords(model, 3, { masking: "swap", name: "Bo Ek" }),
    "Of 3 names this one moves the token most; its score is the mean over all.",
  );
});
