/** Words on show: what is said of a word is true of all its tokens. */

import assert from "node:assert/strict";
import test from "node:test";
import { jump } from "../../app/web/model/moves.js";
import {
  decisionOf,
  logProbOf,
  openRange,
  selectedTokens,
  shownIndex,
  tokensAt,
} from "../../app/web/model/shown_unit.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { unitState } from "../../app/web/text/strip_marks.js";
import { boundsOf, equationWords } from "../../app/web/tokens/choose/choose.js";
import { saidWords } from "../../app/web/tokens/pictures/scatter.js";
import { sentence } from "../../app/web/tokens/strip/strip_stack.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

// The word of tokens 3 and 4 is "Oslo.".
const shown = (rule = {}) =>
  new TokensModel(syntheticPayload(2), {
    view: { words: true },
    rule: { mode: "threshold", threshold: 0.5, ...rule },
  });
const stateOf = (model, tokens) => unitState({ tokens }, (index) => model.stateOf(index));

test("a word is chosen or forced when all its tokens are, and mixed when some are", () => {
  const model = shown({ exclude_punctuation: false });
  assert.equal(stateOf(model, [3, 4]), "chosen");
  model.force([4], "out");
  assert.equal(stateOf(model, [3, 4]), "mixed");
  assert.equal(decisionOf(model, [3, 4]), "mixed: 1 token chosen by the rule; 1 token forced out by hand");
  assert.deepEqual(
    [model.overrides.shared([3, 4]), model.overrides.shared([4]), model.overrides.shared([1])],
    ["mixed", "out", null],
  );
  model.force([3], "out");
  assert.equal(stateOf(model, [3, 4]), "out");
  assert.equal(decisionOf(model, [3, 4]), "forced out by hand");
});

test("a word of which a part is left out is mixed only where the rest is a target", () => {
  const model = shown();
  assert.equal(stateOf(model, [3, 4]), "mixed");
  model.setRule({ threshold: 1.5 });
  assert.equal(stateOf(model, [3, 4]), "plain");
  assert.equal(stateOf(model, [0]), "excluded");
});

test("stepping a mixed word makes its tokens alike in one step of undo", () => {
  const model = shown();
  model.force([3], "in");
  model.cycle([3, 4], 1);
  assert.deepEqual([model.stateOf(3), model.stateOf(4)], ["in", "in"]);
  model.cycle([3, 4], 1);
  assert.deepEqual([model.stateOf(3), model.stateOf(4)], ["out", "out"]);
  model.undo();
  model.undo();
  assert.deepEqual([model.overrides.shared([3]), model.overrides.shared([4])], ["in", null]);
});

test("the plane speaks of the whole word while words are shown", () => {
  const model = shown();
  assert.deepEqual(tokensAt(model, 4), [3, 4]);
  assert.match(
    saidWords(model, 3),
    /^“Oslo\.”: knowledge 6\.00 nats, .* mixed: 1 token chosen by the rule; 1 token left out: punctuation\.$/,
  );
  model.setView({ words: false });
  assert.deepEqual(tokensAt(model, 4), [4]);
});

test("sentence, equation and probability are those of the word", () => {
  const payload = syntheticPayload(1);
  payload.columns.knowledge_swap[4] = 2;
  payload.columns.log_prob = [null, -1, -1, -0.5, -0.25];
  const model = new TokensModel(payload, {
    view: { words: true, locked: 4 },
    rule: { normaliser: "min_max" },
  });
  assert.match(
    sentence(model),
    /“Oslo\.” becomes about 2,981 times less likely on average: .* Its score is the sum over its 2 tokens\.$/,
  );
  assert.equal(
    equationWords(model),
    "φ = 0.80·1.00 + 0.20·0.25 = 0.850, of “Oslo”: a word has the φ of its highest token",
  );
  assert.equal(logProbOf(model, [3, 4]), -0.75);
  assert.ok(Number.isNaN(logProbOf(model, [0, 1])));
  model.setView({ words: false });
  assert.match(
    sentence(model),
    /“\.” becomes about 7\.4 times less likely on average: it depends partly on the name\.$/,
  );
  assert.equal(equationWords(model), "φ = 0.80·0.32 + 0.20·0.00 = 0.258");
});

test("the next chosen is in another word while words are shown", () => {
  const walked = (words) => {
    const model = new TokensModel(syntheticPayload(2), { view: { words }, rule: { mode: "uniform" } });
    model.setView({ locked: 2, focus: 2 });
    return Array.from({ length: 4 }, () => {
      jump({ model }, (index) => model.columns.knowledge_swap[index] >= 0);
      return model.view.locked;
    });
  };
  assert.deepEqual(walked(false), [3, 4, 6, 7]);
  assert.deepEqual(walked(true), [3, 6, 7, 8]);
});

test("an open range is selected as a whole, whichever end was first; while words are shown, in words", () => {
  const model = shown();
  assert.equal(selectedTokens(model), null);
  model.setView({ anchor: 4, focus: 1 });
  assert.deepEqual([openRange(model), selectedTokens(model), shownIndex(model)], [[1, 3], [1, 2, 3, 4], 1]);
  model.setView({ anchor: 4, focus: 3 });
  assert.equal(selectedTokens(model), null);
  model.setView({ words: false });
  assert.deepEqual(selectedTokens(model), [3, 4]);
  model.setView({ anchor: null });
  assert.deepEqual([selectedTokens(model), shownIndex(model)], [null, null]);
});

test("a slider's bounds are the server's; of k no more than the set has, and never less than is set", () => {
  const payload = syntheticPayload(2);
  const model = new TokensModel(payload, { rule: { k: 3 } });
  assert.deepEqual(boundsOf(model, "gamma"), { low: 0, high: 10, step: 0.1 });
  assert.deepEqual(boundsOf(model, "k"), { low: 0, high: 10, step: 1 });
  assert.equal(boundsOf(new TokensModel(payload, { rule: { k: 40 } }), "k").high, 40);
});
