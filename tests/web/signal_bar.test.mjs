/** The row of signals: what was really masked, and which choice of a source counts. */

import assert from "node:assert/strict";
import test from "node:test";
import { menuOf } from "../../app/web/model/signal_entry.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { maskingWords, signalWords } from "../../app/web/tokens/details/signal_table.js";
import { captionWords, sourceChoice } from "../../app/web/tokens/strip/signal_bar.js";
import { sentence } from "../../app/web/tokens/strip/strip_stack.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

test("a row without a name says that the question was hidden, whatever mask of the name is chosen", () => {
  const payload = syntheticPayload(2);
  Object.assign(payload.rows[0], { masking: "prompt", names: [], subject: "", subject_source: "none" });
  payload.columns.knowledge_subject = payload.columns.knowledge_swap;
  const model = new TokensModel(payload, { view: { locked: 3 } });
  for (const knowledge of ["knowledge_swap", "knowledge_subject"]) {
    model.setRule({ knowledge });
    assert.match(sentence(model), /^Without the question, the probability of “Oslo”/);
    assert.match(
      captionWords(model, "knowledge"),
      /^Knowledge: question hidden \(this row has no name\), in /,
    );
    assert.equal(maskingWords(model, 3), "Masked: the whole question is hidden.");
  }
  model.setRule({ knowledge: "knowledge_swap" });
  model.goTo(1);
  model.setView({ locked: 8 });
  assert.match(sentence(model), /^With another name in its place/);
  assert.match(captionWords(model, "knowledge"), /^Knowledge: name swapped, in /);
  assert.match(captionWords(model, "fused"), /^Fused: knowledge \(name swapped\) and entropy \(/);
});

test("a menu is made of the families that may stand for a part, what has no column is offered", () => {
  const model = new TokensModel(syntheticPayload(1));
  const shape = (role) =>
    menuOf(model, role).map(({ label, sources }) => [
      label,
      ...sources.map((each) => `${each.name}${each.missing ? "?" : ""}`),
    ]);
  assert.deepEqual(shape("knowledge"), [
    [
      "Knowledge",
      "knowledge_swap",
      "knowledge_subject?",
      "knowledge_prompt?",
      "knowledge_occlusion?",
      "contrast?",
      "su?",
    ],
    ["Learned", "learned?"],
    ["Text alone", "content_words?", "content_words_new?", "random?"],
    ["Gradient", "g_effect?"],
    ["Likelihood", "swap_spread?", "loss?", "log_prob?", "typicality?"],
  ]);
  assert.deepEqual(
    shape("entropy").map(([label, first]) => [label, first]),
    [
      ["Entropy", "entropy"],
      ["Text alone", "content_words?"],
      ["Likelihood", "swap_spread?"],
    ],
  );
  model.setRule({ knowledge: "entropy" }); // as a mask of the command line may have it
  assert.deepEqual(shape("knowledge").at(-1), ["Of this rule", "entropy"]);
});

test("a signal that needs what is not there says so in the menu", () => {
  const model = new TokensModel({ ...syntheticPayload(1), lacking: { g_effect: "needs rows to keep" } });
  const sources = menuOf(model, "knowledge").flatMap((group) => group.sources);
  assert.deepEqual(
    sources.filter(({ lacks }) => lacks).map(({ help, ...rest }) => [rest, help.length > 20]),
    [[{ name: "g_effect", label: "G-effect", missing: true, lacks: "needs rows to keep" }, true]],
  );
});

test("a signal that no file of the page knows stands in menu, caption, details and sentence by its entry alone", () => {
  const payload = syntheticPayload(1);
  payload.families = { ...payload.families, toys: { label: "Toys", roles: ["knowledge"], signals: ["toy"] } };
  payload.columns.toy = [0, 0, 0.25, 1, 0];
  payload.signals.toy = {
    label: "A toy",
    short: "toy",
    unit: "blocks",
    family: "toys",
    over_word: "mean",
    masked: "Nothing is masked.",
    passes: [],
    says: { below: "{token} is dull ({value}).", steps: [[0.5, "{token} is fun ({value})."]] },
    without: { other: "{token} is not known." },
  };
  const model = new TokensModel(payload, { view: { locked: 3 }, rule: { knowledge: "toy" } });
  assert.deepEqual(menuOf(model, "knowledge").at(-1), {
    label: "Toys",
    sources: [{ name: "toy", label: "toy", help: "", missing: false, lacks: "" }],
  });
  assert.equal(sentence(model), "“Oslo” is fun (1.00 blocks).");
  assert.equal(captionWords(model, "knowledge"), "Knowledge: toy, in blocks; one scale for the whole set");
  assert.equal(maskingWords(model, 3), "Nothing is masked.");
  assert.deepEqual(signalWords(model, "toy", 3), ["1.00 blocks", "1 of 5", "100th"]);
  model.setView({ words: true }); // “Oslo” and “.” are one word
  assert.equal(sentence(model), "“Oslo.” is fun (0.50 blocks). Its score is the mean over its 2 tokens.");
});

function choosing() {
  const model = new TokensModel(syntheticPayload(1));
  const [answers, said] = [{}, []];
  const compute = (name) =>
    new Promise((resolve, reject) => {
      answers[name] = (fault) => {
        if (fault) return reject(new Error(fault));
        model.addSignal(name, model.columns.knowledge_swap, {
          label: name,
          family: "knowledge",
          unit: "nats",
        });
        return resolve();
      };
    });
  return {
    model,
    answers,
    said,
    choice: sourceChoice(model, "knowledge", compute, (words) => said.push(words)),
  };
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
  assert.deepEqual(
    [model.rule.knowledge, choice.pending(), said.at(-1)],
    ["knowledge_swap", null, "not computed: no model"],
  );
});

test("a source that was computed brings the leaderboard with it", () => {
  const model = new TokensModel(syntheticPayload(1));
  model.addSignal("knowledge_prompt", model.columns.knowledge_swap, { family: "knowledge" }, [
    { signal: "knowledge_prompt" },
  ]);
  assert.deepEqual(model.payload.leaderboard, [{ signal: "knowledge_prompt" }]);
  model.addSignal("knowledge_subject", model.columns.knowledge_swap, { family: "knowledge" });
  assert.equal(model.payload.leaderboard.length, 1);
});
