import assert from "node:assert/strict";
import test from "node:test";
import { sinceSaved, sinceWords } from "../../app/web/draft/mask_changes.js";
import {
  draftOf,
  draftText,
  entriesOf,
  recordsOf,
  replaceEntries,
  restoreDraft,
  takeDraft,
} from "../../app/web/model/mask_draft.js";
import { Overrides } from "../../app/web/model/overrides.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";

function payload() {
  const row = (id, first, set) => ({
    id,
    question: "q",
    answer: "a b c d",
    subject: "",
    first,
    count: 4,
    set,
    subject_spans: [],
  });
  return {
    scores_id: "s",
    state: "live",
    signals: {
      knowledge_swap: { family: "knowledge", unit: "nats" },
      entropy: { family: "entropy", unit: "nats" },
    },
    rows: [row("r0", 0, "one"), row("r1", 4, "two")],
    columns: {
      row: [0, 0, 0, 0, 1, 1, 1, 1],
      start: [0, 1, 3, 5, 0, 1, 3, 5],
      end: [1, 3, 5, 7, 1, 3, 5, 7],
      word: [0, 1, 2, 3, 0, 1, 2, 3],
      subject: Array(8).fill(0),
      stop: Array(8).fill(0),
      punctuation: Array(8).fill(0),
      gold: Array(8).fill(0),
      random_key: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
      knowledge_swap: [0, 1, 4, 2, 8, 6, 4, 2],
      entropy: Array(8).fill(0),
    },
  };
}
const RULE = { alpha: 1, normaliser: "min_max", mode: "top_k", k: 1 };
const NOTE = { note: "the fact", time: 7 };
const draft = (more = {}) => ({
  set: "one",
  rule: RULE,
  overrides: { 1: "in" },
  notes: { 1: NOTE, 3: NOTE },
  ...more,
});

test("notes and times survive the way through records and a new model", () => {
  const model = new TokensModel(payload(), draft());
  assert.deepEqual(
    [model.overrides.state(1), model.overrides.note(3), model.overrides.entries()[0].time],
    ["in", "the fact", 7],
  );
  assert.deepEqual(recordsOf(entriesOf(draft())), { overrides: { 1: "in" }, notes: { 1: NOTE, 3: NOTE } });
  assert.deepEqual(draftOf(model).notes, { 1: NOTE, 3: NOTE });
  model.load(payload());
  assert.deepEqual(draftOf(model).notes, { 1: NOTE, 3: NOTE });
});

test("a draft that is restored is no step; one that is taken is one step, and undo brings all back", () => {
  const model = new TokensModel(payload(), { rule: RULE });
  restoreDraft(model, draft());
  assert.deepEqual([[...model.mask.selected].slice(0, 4), model.undo()], [[0, 1, 1, 0], false]);
  takeDraft(model, draft({ rule: { ...RULE, k: 2 }, overrides: { 2: "out" }, notes: { 2: NOTE } }));
  assert.deepEqual([...model.mask.selected].slice(0, 4), [0, 0, 0, 1]);
  assert.equal(model.overrides.entries()[0].time, 7);
  assert.equal(model.undo(), true);
  assert.deepEqual(
    [draftText(draftOf(model).overrides), model.rule.k, model.overrides.note(3)],
    ['{"1":"in"}', 1, "the fact"],
  );
  assert.equal(model.undo(), false);
  model.redo();
  assert.deepEqual([model.overrides.state(2), model.rule.k], ["out", 2]);
});

test("a mask of one set leaves the overrides of the other alone; a draft replaces all", () => {
  const model = new TokensModel(payload(), { rule: RULE, overrides: { 6: "in" } });
  takeDraft(model, draft());
  assert.deepEqual(draftOf(model).overrides, { 1: "in", 6: "in" });
  takeDraft(model, draft(), true);
  assert.deepEqual(draftOf(model).overrides, { 1: "in" });
});

test("nothing to replace is no step", () => {
  const overrides = new Overrides(entriesOf(draft()));
  assert.equal(
    replaceEntries(overrides, entriesOf(draft()), () => true),
    false,
  );
  assert.equal(overrides.canUndo, false);
});

test("one text whatever the order of the keys", () => {
  assert.equal(
    draftText({ b: 1, a: { d: [1, 2], c: null } }),
    draftText({ a: { c: null, d: [1, 2] }, b: 1 }),
  );
});

test("what flipped since the saved mask, by hand", () => {
  const model = new TokensModel(payload(), { rule: RULE });
  const saved = { name: "Ada", set: "one", chosen: [2], hash: "h" };
  assert.deepEqual(sinceSaved(model, saved), { added: [], removed: [] });
  model.force([0, 1], "in");
  model.force([2], "out");
  const flips = sinceSaved(model, saved);
  assert.deepEqual(flips, { added: [0, 1], removed: [2] });
  assert.equal(sinceWords(flips, saved, "x"), "+2 −1 since “Ada”");
  assert.equal(sinceWords({ added: [], removed: [] }, saved, "h"), "as “Ada”");
  assert.equal(sinceWords({ added: [], removed: [] }, saved, "x"), "other weights than “Ada”");
  assert.equal(sinceSaved(model, { ...saved, set: "two" }), null);
  assert.equal(sinceWords(sinceSaved(model, null), null, "x"), "");
});
