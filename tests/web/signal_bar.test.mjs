/** The row of signals: which choice of a source counts. */

import assert from "node:assert/strict";
import test from "node:test";
import { sourceChoice } from "../../app/web/signal_bar.js";
import { TokensModel } from "../../app/web/tokens_model.js";
import { syntheticPayload } from "./synthetic_payload.mjs";


function choosing() {
  const model = new TokensModel(syntheticPayload(1));
  const [answers, said] = [{}, []];
  const compute = (name) => new Promise((resolve, reject) => {
    answers[name] = (fault) => {
      if (fault) return reject(new Error(fault));
      model.addSignal(name, model.columns.knowledge_swap, { label: name, kind: "knowledge", unit: "nats" });
      return resolve();
    };
  });
  return { model, answers, said, choice: sourceChoice(model, "knowledge", compute, (words) => said.push(words)) };
}

test("choosing a source that is there drops the one that is being computed", async () => {
  const { model, answers, said, choice } = choosing();
  const asked = choice.choose("knowledge_prompt");
  assert.equal(choice.pending(), "knowledge_prompt");
  choice.choose("knowledge_swap");
  assert.equal(choice.pending(), null);
  answers.knowledge_prompt();
  await asked;
  assert.equal(model.rule.knowledge, "knowledge_swap");
  assert.deepEqual(said, ["computing…", ""]);
});

test("the answer of an older choice leaves the newer one waiting", async () => {
  const { model, answers, said, choice } = choosing();
  const older = choice.choose("knowledge_prompt");
  const newer = choice.choose("knowledge_subject");
  answers.knowledge_prompt("too late");
  await older;
  assert.equal(choice.pending(), "knowledge_subject");
  assert.equal(said.at(-1), "computing…");
  answers.knowledge_subject();
  await newer;
  assert.deepEqual([model.rule.knowledge, choice.pending(), said.at(-1)], ["knowledge_subject", null, ""]);
});

test("a source that could not be computed leaves the rule and says why", async () => {
  const { model, answers, said, choice } = choosing();
  const asked = choice.choose("knowledge_prompt");
  answers.knowledge_prompt("no model");
  await asked;
  assert.deepEqual([model.rule.knowledge, choice.pending(), said.at(-1)], ["knowledge_swap", null, "not computed: no model"]);
});
