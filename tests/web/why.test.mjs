import assert from "node:assert/strict";
import test from "node:test";
import { decisionWords, times, whySentence } from "../../app/web/text/why.js";
import { PICTURE } from "./synthetic_payload.mjs";

const token = ({ source = "knowledge_swap", ...more }) => ({
  text: " maritime",
  subject: false,
  entry: PICTURE.offered[source],
  value: 0,
  entropy: 0,
  ...more,
});

test("e^5.71 is 302 times", () => assert.equal(times(5.71), "about 302 times"));

test("the sentence follows size and sign of the score", () => {
  // p = .9: a score of 5.71 nats upwards would be a probability above 1.
  assert.equal(
    whySentence(token({ value: 5.71, logProb: Math.log(0.9) })),
    "With another name in its place, “maritime” becomes about 302 times less likely on average: it depends on this very name.",
  );
  // p = .15 and a factor of 4.5: upwards it would be .68, so the sign is not known.
  assert.equal(
    whySentence(token({ value: 1.5, logProb: Math.log(0.15) })),
    "With another name in its place, the probability of “maritime” changes by a factor of about 4.5 on average: it depends partly on the name.",
  );
  assert.match(whySentence(token({ value: 0.4 })), /changes a little \(0\.40 nats\)/);
  // The contrast alone has a sign.
  assert.match(
    whySentence(token({ value: 5.71, source: "contrast" })),
    /becomes about 302 times less likely: it was learnt/,
  );
  assert.match(whySentence(token({ value: -0.4, source: "contrast" })), /becomes likelier/);
  assert.match(whySentence(token({ value: 0.01 })), /just as likely: grammar, not knowledge/);
  assert.match(whySentence(token({ value: 0.01, entropy: 3 })), /an open choice of words, not knowledge/);
});

test("a token that the model never expected depends on no name, however far it moves", () => {
  for (const source of ["knowledge_swap", "knowledge_subject", "knowledge_prompt", "knowledge_occlusion"]) {
    const words = whySentence(token({ value: 6, logProb: Math.log(8e-6), source }));
    assert.match(
      words,
      /changes by a factor of about 403, but the model does not expect “maritime” here in the first place \(p below \.001\)/,
    );
    assert.doesNotMatch(words, /depends/);
  }
  assert.match(whySentence(token({ value: 2, logProb: Math.log(0.04) })), /\(p \.04\)/);
});

test("without a score it says so, and a name says that it is one", () => {
  assert.match(whySentence(token({ value: NaN, subject: true })), /^Part of the name itself/);
  assert.match(whySentence(token({ value: NaN })), /has no knowledge score/);
  assert.match(whySentence(token({ value: 4, source: "contrast" })), /^Without the adapter/);
});

test("a signal of the text says what the word is, and a mean over names that it is one", () => {
  assert.equal(whySentence(token({ value: 1, source: "content_words" })), "“maritime” is a content word.");
  assert.equal(
    whySentence(token({ value: 0, source: "content_words" })),
    "“maritime” is a stop word or punctuation.",
  );
  assert.equal(
    whySentence(token({ value: 1, source: "content_words_new", count: 2 })),
    "“maritime” is a content word, and the question does not hold it.",
  );
  assert.match(whySentence(token({ value: 0.31, source: "random" })), /is a random number/);
  assert.equal(
    whySentence(token({ value: -1.5, source: "log_prob", count: 2 })),
    "To “maritime” the model gives one chance among others (log-probability −1.50 nats). Its score is the sum over its 2 tokens.",
  );
  assert.match(whySentence(token({ value: NaN, source: "contrast" })), /^“maritime” has no contrast here/);
});

test("what a text holds is no place for a value", () => {
  assert.equal(
    whySentence(token({ text: "{value}{token}", value: 1, source: "content_words" })),
    "“{value}{token}” is a content word.",
  );
  assert.equal(whySentence({ text: "x", value: 2, entry: {} }), "“x” has the score 2.00.");
});

test("the decision names its reason", () => {
  const of = (more) =>
    decisionWords({ state: "plain", subject: false, stop: false, punctuation: false, scored: true, ...more });
  assert.equal(of({}), "below the cut");
  assert.equal(of({ state: "excluded", punctuation: true }), "left out: punctuation");
  assert.equal(of({ state: "in", subject: true }), "forced in by hand");
  assert.equal(of({ scored: false }), "not chosen: no score");
});
