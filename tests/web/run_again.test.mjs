import assert from "node:assert/strict";
import test from "node:test";
import { takeOver } from "../../app/web/draft/run_again.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";

function payload(scoresId = "s") {
  const row = (id, first, set) => ({
    id,
    question: "q",
    answer: "a b",
    subject: "",
    first,
    count: 2,
    set,
    subject_spans: [],
  });
  const none = [false, false, false, false];
  return {
    scores_id: scoresId,
    state: "live",
    signals: {
      knowledge_swap: { family: "knowledge", unit: "nats" },
      entropy: { family: "entropy", unit: "nats" },
    },
    rows: [row("r0", 0, "shared"), row("r1", 2, "one_off")],
    columns: {
      row: [0, 0, 1, 1],
      start: [0, 1, 0, 1],
      end: [1, 3, 1, 3],
      word: [0, 1, 0, 1],
      subject: none,
      stop: none,
      punctuation: none,
      gold: [0, 1, 0, 1],
      random_key: [0.1, 0.2, 0.3, 0.4],
      knowledge_swap: [1, 2, 3, 4],
      entropy: [0, 0, 0, 0],
    },
  };
}
const RULE = { mode: "top_k", k: 1, knowledge: "knowledge_swap", entropy: "entropy", alpha: 1 };

test("rule, overrides and set of the run replace those of the view, and one undo brings them back", () => {
  const model = new TokensModel(payload(), { rule: { fraction: 0.5 } });
  model.force([1], "out");
  takeOver(model, { ...payload(), draft: { set: "shared", rule: RULE, overrides: { 0: "in" } } });
  assert.deepEqual([model.rule.mode, model.stateOf(0), model.stateOf(1)], ["top_k", "in", "chosen"]);
  model.undo();
  assert.deepEqual(
    [model.rule.mode, model.rule.fraction, model.overrides.state(0), model.stateOf(1)],
    ["top_fraction", 0.5, null, "out"],
  );
});

test("the run's set is shown; overrides of other sets stay", () => {
  const model = new TokensModel(payload());
  model.force([0], "out");
  takeOver(model, { ...payload(), draft: { set: "one_off", rule: RULE, overrides: {} } });
  assert.deepEqual([model.set, model.row.id, model.overrides.state(0)], ["one_off", "r1", "out"]);
});

test("scores and signals that the view lacks come with the run", () => {
  const model = new TokensModel(payload());
  const other = payload("s2");
  other.columns.contrast = [4, 3, 2, 1];
  takeOver(model, {
    ...other,
    draft: { set: "shared", rule: { ...RULE, knowledge: "contrast" }, overrides: {} },
  });
  assert.deepEqual([model.payload.scores_id, model.rule.knowledge], ["s2", "contrast"]);
  assert.equal(model.stateOf(0), "chosen");
});
