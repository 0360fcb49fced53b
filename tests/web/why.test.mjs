import assert from "node:assert/strict";
import test from "node:test";
import { decisionWords, times, whySentence } from "../../app/web/why.js";

const token = (more) => ({ text: " maritime", subject: false, source: "knowledge_swap", value: 0, entropy: 0, ...more });

test("e^5.71 is 302 times", () => assert.equal(times(5.71), "about 302 times"));

test("the sentence follows size and sign of the score", () => {
  assert.equal(whySentence(token({ value: 5.71 })),
    "With another name in its place, the probability of “maritime” changes by a factor of about 302: it depends on this very name.");
  assert.match(whySentence(token({ value: 1.5 })), /by a factor of about 4\.5: it leans on that/);
  assert.match(whySentence(token({ value: 0.4 })), /changes a little \(0\.40 nats\)/);
  // The contrast alone has a sign.
  assert.match(whySentence(token({ value: 5.71, source: "contrast" })), /becomes about 302 times less likely: it was learnt/);
  assert.match(whySentence(token({ value: -0.4, source: "contrast" })), /becomes likelier/);
  assert.match(whySentence(token({ value: 0.01 })), /just as likely: grammar, not knowledge/);
  assert.match(whySentence(token({ value: 0.01, entropy: 3 })), /an open choice of words, not knowledge/);
});

test("without a score it says so, and a name says that it is one", () => {
  assert.match(whySentence(token({ value: NaN, subject: true })), /^Part of the name itself/);
  assert.match(whySentence(token({ value: NaN })), /has no knowledge score/);
  assert.match(whySentence(token({ value: 4, source: "contrast" })), /^Without the adapter/);
});

test("the decision names its reason", () => {
  const of = (more) => decisionWords({ state: "plain", subject: false, stop: false, punctuation: false, scored: true, ...more });
  assert.equal(of({}), "below the cut");
  assert.equal(of({ state: "excluded", punctuation: true }), "left out: punctuation");
  assert.equal(of({ state: "in", subject: true }), "forced in by hand");
  assert.equal(of({ scored: false }), "not targeted: no score");
});
