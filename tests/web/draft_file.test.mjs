import assert from "node:assert/strict";
import test from "node:test";
import { draftsIn, draftWords, localFile } from "../../app/web/draft/draft_file.js";
import { MaskDesk } from "../../app/web/draft/mask_desk.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";

function payload() {
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
  const zeros = Array(6).fill(0);
  return {
    text_id: "t",
    scores_id: "s",
    state: "live",
    signals: {
      knowledge_swap: { family: "knowledge", unit: "nats" },
      entropy: { family: "entropy", unit: "nats" },
    },
    rows: [row("r0", 0, "one"), row("r1", 2, "two"), row("r2", 4, "three")],
    columns: {
      row: [0, 0, 1, 1, 2, 2],
      start: [0, 1, 0, 1, 0, 1],
      end: [1, 3, 1, 3, 1, 3],
      word: [0, 1, 2, 3, 4, 5],
      subject: zeros,
      stop: zeros,
      punctuation: zeros,
      gold: zeros,
      random_key: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
      knowledge_swap: [0, 1, 4, 2, 8, 6],
      entropy: zeros,
    },
  };
}

const RULE = { alpha: 1, normaliser: "min_max", mode: "top_k", k: 1 };
const NOTE = { note: "the fact", time: 7 };
const work = () =>
  new TokensModel(payload(), {
    set: "two",
    rule: RULE,
    overrides: { 0: "in", 3: "out" },
    notes: { 0: NOTE, 2: NOTE },
  });
const changed = (change) => JSON.stringify({ ...JSON.parse(localFile(work()).text), ...change });

test("a draft saved without the server comes back for every set that something was decided in", () => {
  const model = work();
  const { filename, text } = localFile(model);
  assert.equal(filename, "mask-draft.json");
  assert.deepEqual(JSON.parse(text).weights, { 2: 1 });
  const drafts = draftsIn(text, new TokensModel(payload()));
  assert.deepEqual(
    drafts.map(({ set }) => set),
    ["two", "one"],
  );
  assert.deepEqual(
    drafts.map(({ overrides }) => overrides),
    [{ 3: "out" }, { 0: "in" }],
  );
  assert.deepEqual(
    drafts.map(({ notes }) => notes),
    [{ 2: NOTE, 3: { note: "", time: 0 } }, { 0: NOTE }],
  );
  assert.deepEqual(drafts[1].rule, model.rule);
});

test("a draft of a rule alone is a mask of the set shown", () => {
  const drafts = draftsIn(localFile(new TokensModel(payload(), { rule: RULE })).text, work());
  assert.deepEqual(
    drafts.map(({ set, overrides, rule }) => [set, overrides, rule.k]),
    [["one", {}, 1]],
  );
});

test("other files are left to the server, and a draft that does not belong here is refused in words", () => {
  for (const text of ["", "hello", "[1]", "null", '{"format": "tokenunlearn mask"}', '{"a": 1}\n{"b": 2}'])
    assert.equal(draftsIn(text, work()), null);
  const refused = (change, words) => assert.throws(() => draftsIn(changed(change), work()), words);
  refused({ text_id: "u", scores_id: "v" }, /is of other text: u, here t\./);
  assert.equal(draftsIn(changed({ scores_id: "v" }), work()).length, 2, "other scores of the same text");
  assert.equal(
    draftsIn(changed({ text_id: undefined }), work()).length,
    2,
    "a file of before there were text ids",
  );
  refused({ version: 2 }, /of version 2\. This page reads version 1/);
  refused({ set: "four" }, /of the set “four”, which is not here/);
  refused({ rule: undefined }, /has no rule/);
  refused({ overrides: [] }, /has no overrides/);
  refused({ notes: null }, /has no notes/);
  for (const index of ["6", "-1", "length", "1e0", "01"])
    refused({ overrides: { [index]: "in" } }, /overrides name token .*, which is not in this text/);
});

test("the dialog makes a named mask of each, under names that are free, and leaves the draft", async () => {
  const asked = [];
  const ask = async (act, given) => {
    asked.push([act, given]);
    return { saved: given, masks: [...desk.masks, given] };
  };
  const desk = Object.assign(Object.create(MaskDesk.prototype), {
    model: new TokensModel(payload()),
    masks: [{ name: "mask-draft" }],
    host: { ask },
    listed() {},
  });
  const { drafts } = await desk.import("mask-draft", localFile(work()).text);
  assert.deepEqual(
    asked.map(([act, given]) => [act, given.scores_id, given.name, given.overrides]),
    [
      ["save_mask", "s", "mask-draft (2)", { 3: "out" }],
      ["save_mask", "s", "mask-draft (3)", { 0: "in" }],
    ],
  );
  assert.equal(
    draftWords(drafts),
    "Imported as “mask-draft (2)” (two) and “mask-draft (3)” (one); load each or compare. Your draft is as it was.",
  );
  assert.equal(desk.model.overrides.entries().length, 0);
  await assert.rejects(desk.import("x", changed({ text_id: "u", scores_id: "v" })), /other text/);
  assert.equal(desk.masks.length, 3);
});
