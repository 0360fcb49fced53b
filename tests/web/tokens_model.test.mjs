import assert from "node:assert/strict";
import test from "node:test";
import { placesOf } from "../../app/web/model/columns.js";
import { missingSignals } from "../../app/web/model/mask_draft.js";
import { jump, nextToken } from "../../app/web/model/moves.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { DEFAULT_RULE } from "../../app/web/score/selection.js";
import { rankingScores } from "../../app/web/score/summary.js";
import { cutAt, nudgeCut, shownCut } from "../../app/web/tokens/pictures/histogram.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

function payload() {
  const row = (id, first, count, set) => ({
    id,
    question: "q",
    answer: "a b c d",
    subject: "",
    first,
    count,
    set,
    subject_spans: [],
  });
  return {
    text_id: "t",
    scores_id: "s",
    state: "live",
    signals: {
      knowledge_swap: { family: "knowledge", unit: "nats" },
      entropy: { family: "entropy", unit: "nats" },
    },
    rows: [row("r0", 0, 4, "shared"), row("r1", 4, 4, "one_off")],
    columns: {
      row: [0, 0, 0, 0, 1, 1, 1, 1],
      start: [0, 1, 3, 5, 0, 1, 3, 5],
      end: [1, 3, 5, 7, 1, 3, 5, 7],
      word: [0, 1, 2, 3, 0, 1, 2, 3],
      subject: [true, false, false, false, false, false, false, false],
      stop: Array(8).fill(false),
      punctuation: Array(8).fill(false),
      gold: [0, 0, 1, 0, 0, 1, 0, 0],
      random_key: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
      knowledge_swap: [null, 1, 4, 2, 8, 6, 4, 2],
      entropy: [0, 0, 0, 0, 0, 0, 0, 0],
    },
  };
}
const model = (rule = {}) =>
  new TokensModel(payload(), { rule: { alpha: 1, normaliser: "min_max", fraction: 1 / 3, ...rule } });

test("the mask covers the current set only, in the payload's indices", () => {
  const both = model();
  assert.deepEqual([...both.mask.selected], [0, 0, 1, 0, 0, 0, 0, 0]);
  both.goToSet("one_off");
  assert.deepEqual([...both.mask.selected], [0, 0, 0, 0, 1, 0, 0, 0]);
  assert.equal(both.view.row, 1);
});

test("it opens on the row that the payload names, unless one was left somewhere else", () => {
  const three = { ...syntheticPayload(3), opens: 2 };
  assert.equal(new TokensModel(three).view.row, 2);
  assert.equal(new TokensModel(three, { view: { row: 1 } }).view.row, 1);
  assert.equal(new TokensModel(syntheticPayload(3)).view.row, 0);
});

test("overrides win, cycle, and are undone together with rule changes", () => {
  const m = model();
  m.cycle([0], 1);
  assert.equal(m.stateOf(0), "in");
  m.setRule({ fraction: 2 / 3 });
  m.cycle([0], 1);
  assert.equal(m.stateOf(0), "out");
  m.undo();
  assert.equal(m.stateOf(0), "in");
  m.undo();
  assert.deepEqual([m.rule.fraction, m.stateOf(0)], [1 / 3, "in"]);
  m.undo();
  assert.equal(m.stateOf(0), "excluded");
  assert.equal(m.undo(), false);
  m.redo();
  m.redo();
  m.redo();
  assert.deepEqual([m.rule.fraction, m.stateOf(0)], [2 / 3, "out"]);
});

test("the cut is the lowest chosen score, and dragging it sets the share", () => {
  const m = model();
  assert.equal(m.mask.threshold, 1);
  cutAt(m, 0.3);
  assert.deepEqual([...m.mask.selected].slice(0, 4), [0, 0, 1, 1]);
  assert.equal(m.mask.threshold, 1 / 3);
  nudgeCut(m, 1);
  assert.deepEqual([...m.mask.selected].slice(0, 4), [0, 0, 1, 0]);
});

test("a cut that leaves nothing stands at the right end, from where it can come back", () => {
  const m = model();
  m.setRule({ fraction: 0 });
  assert.equal(shownCut(m), 1);
  nudgeCut(m, -1);
  assert.equal(m.mask.counts.chosen, 1);
  m.setRule({ mode: "soft" });
  assert.equal(shownCut(m), null);
});

test("in other modes the cut becomes a threshold", () => {
  const m = model({ mode: "top_k", scope: "row" });
  assert.equal(m.mask.threshold, null);
  cutAt(m, 0.5);
  assert.deepEqual([m.rule.mode, m.rule.threshold], ["threshold", 0.5]);
});

test("gold and rule differ where one of them has the token; names never do", () => {
  const m = model();
  assert.deepEqual(
    [0, 1, 2, 3].map((index) => m.differs(index)),
    [false, false, false, false],
  );
  m.force([2], "out");
  assert.equal(m.differs(2), true);
});

test("a rule with an unknown signal falls back on one that is there", () => {
  assert.equal(
    new TokensModel(payload(), { rule: { knowledge: "knowledge_prompt" } }).rule.knowledge,
    "knowledge_swap",
  );
});

test("the next wanted token is found among the listed rows, in their order, going round", () => {
  const rows = [
    { first: 4, count: 2 },
    { first: 0, count: 3 },
  ];
  const isEven = (index) => index % 2 === 0;
  assert.deepEqual(nextToken(rows, 0, 4, isEven), { index: 0, wrapped: false });
  assert.deepEqual(nextToken(rows, 1, 0, isEven), { index: 2, wrapped: false });
  assert.deepEqual(nextToken(rows, 1, 2, isEven), { index: 4, wrapped: true });
  assert.deepEqual(
    nextToken(rows, 0, 4, (index) => index === 4),
    { index: 4, wrapped: true },
  ); // round to where it began
  // From a row that is not listed
  assert.deepEqual(nextToken(rows, -1, 99, isEven), { index: 4, wrapped: false });
  assert.equal(
    nextToken(rows, 0, 4, () => false),
    null,
  );
  assert.equal(nextToken([], -1, 4, isEven), null);
});

test("a walk stays within the rows that are listed, and says where there is none or it begins again", () => {
  const m = model();
  m.setView({ focus: 2 });
  m.listed = [1];
  assert.equal(
    jump({ model: m }, () => true),
    "",
  );
  assert.deepEqual([m.view.row, m.view.locked], [1, 4]);
  m.setView({ focus: 7, locked: 7 });
  assert.equal(
    jump({ model: m }, () => true),
    "From the first listed row again",
  );
  m.listed = [];
  assert.equal(
    jump({ model: m }, () => true),
    "There is none in the listed rows",
  );
});

test("other text keeps overrides and lock by row id and characters", () => {
  const m = model();
  m.force([2], "out");
  m.setView({ locked: 2 });
  const next = payload();
  next.text_id = "later";
  next.rows.reverse();
  Object.assign(next.rows[0], { first: 0 });
  Object.assign(next.rows[1], { first: 4 });
  m.load(next);
  assert.equal(m.row.id, "r0");
  assert.equal(m.view.locked, 6);
  assert.deepEqual([...m.overrides.forced()], [[6, "out"]]);
  assert.equal(m.set, "shared");
});

test("columns as one text are read like arrays, at first and later", () => {
  const text = () => ({
    ...payload(),
    columns: JSON.stringify(payload().columns, (_, value) => (Number.isNaN(value) ? null : value)),
  });
  const m = new TokensModel(text(), { rule: model().rule });
  assert.deepEqual([...m.mask.fused], [...model().mask.fused]);
  m.load(text());
  assert.deepEqual([...m.columns.row], [...model().columns.row]);
});

test("arrays that do not depend on what moved are the same again", () => {
  const m = model();
  const before = m.mask;
  m.setRule({ fraction: 2 / 3 });
  assert.deepEqual(
    ["fused", "excluded"].map((name) => m.mask[name] === before[name]),
    [true, true],
  );
  assert.notDeepEqual([...m.mask.selected], [...before.selected]);
  m.setRule({ alpha: 0.5 });
  assert.notEqual(m.mask.fused, before.fused);
});

test("an override does not ask the rule again, and its undo brings back what the rule chose", () => {
  const m = new TokensModel(syntheticPayload(4));
  const before = m.mask;
  const chosen = [...before.selected];
  m.force([1], "in");
  assert.equal(m.mask.ruled, before.ruled);
  assert.deepEqual([m.mask.selected[1], before.selected[1]], [1, 0]);
  m.undo();
  assert.deepEqual([...m.mask.selected], chosen);
});

test("the cut is the lowest ranking score of what the rule takes", () => {
  // The fact and the full stop behind it are one word.
  const m = new TokensModel(syntheticPayload(40, { factor: (row) => 0.5 + ((row * 37) % 11) / 10 }), {
    rule: { exclude_punctuation: false },
  });
  for (const whole_words of [true, false]) {
    for (const change of [
      { mode: "top_fraction", fraction: 0.2 },
      { alpha: 0.35 },
      { fraction: 0.6 },
      { mode: "top_k", k: 7 },
    ]) {
      m.setRule({ whole_words, ...change });
      const ranking = rankingScores(m.mask, m.columns, m.indices, whole_words);
      const taken = [...m.indices].filter((index) => m.mask.ruled[index]).map((index) => ranking[index]);
      assert.ok(taken.length > 0);
      assert.equal(m.mask.threshold, Math.min(...taken));
    }
  }
});

test("more numbers of the same scores keep every step of undo and redo", () => {
  const m = model();
  m.cycle([0], 1);
  m.setRule({ fraction: 2 / 3 });
  m.cycle([1], 1);
  m.undo();
  const more = payload();
  more.columns.knowledge_swap[3] = 9;
  m.load(more);
  assert.deepEqual([m.stateOf(0), m.rule.fraction, m.columns.knowledge_swap[3]], ["in", 2 / 3, 9]);
  assert.equal(m.redo(), true);
  assert.equal(m.stateOf(1), "in");
  for (let step = 0; step < 3; step += 1) assert.equal(m.undo(), true);
  assert.deepEqual([m.rule.fraction, m.stateOf(0), m.undo()], [1 / 3, "excluded", false]);
});

test("other text keeps the steps of undo on the tokens that are there, and names those that are not", () => {
  const m = model();
  m.cycle([2], 1);
  m.setRule({ fraction: 2 / 3 });
  m.cycle([6, 1], 1);
  const next = payload();
  next.text_id = "u";
  next.rows[0].count = 3;
  next.rows[1].first = 3;
  next.rows[0].answer = "a b c";
  // Token 2 is gone: 3 … 7 become 2 … 6
  for (const column of Object.values(next.columns)) column.splice(2, 1);
  m.load(next);
  assert.deepEqual(m.lost, [{ row: "r0", text: "c", state: "in", note: "" }]);
  assert.deepEqual([m.stateOf(5), m.stateOf(1), m.overrides.entries().length], ["in", "in", 2]);
  m.undo();
  assert.deepEqual([m.stateOf(5), m.overrides.entries().length, m.rule.fraction], ["plain", 0, 2 / 3]);
  m.undo();
  assert.equal(m.rule.fraction, 1 / 3);
  assert.equal(m.undo(), true); // the step of the token that is gone is still a step
  assert.equal(m.undo(), false);
  m.load(payload());
  assert.deepEqual(m.lost, []);
});

test("behind an emoji another letter is another token", () => {
  const places = (answer) =>
    placesOf({ rows: [{ id: "r0", answer }], columns: { row: [0, 0], start: [0, 2], end: [1, 3] } });
  assert.deepEqual(places("🎉 ab"), ["r0 0 1 🎉", "r0 2 3 a"]);
  assert.notEqual(places("🎉 ab")[1], places("🎉 xb")[1]);
});

test("other scores of the same text leave every decision where it is, and a signal they came without is asked for", () => {
  const m = model();
  m.addSignal("knowledge_prompt", [null, 4, 1, 1, 8, 1, 1, 1], {
    family: "knowledge",
    unit: "nats",
    label: "question hidden",
  });
  m.addSignal("loss", [0, 4, 1, 1, 8, 1, 1, 1], { family: "likelihood", unit: "nats", label: "Loss" });
  m.cycle([2], 1);
  m.setRule({ knowledge: "knowledge_prompt" });
  m.setRule({ fraction: 2 / 3 });
  m.undo();
  let left = 0;
  m.leaving = () => {
    left += 1;
  };
  const next = payload();
  next.scores_id = "later";
  next.columns.knowledge_swap[3] = 9;
  m.load(next);
  assert.deepEqual(
    [m.rule.knowledge, m.stateOf(2), m.columns.knowledge_swap[3], left],
    ["knowledge_prompt", "in", 9, 0],
  );
  assert.deepEqual(missingSignals(m, m.rule), ["knowledge_prompt"]);
  assert.equal(m.signals.includes("loss"), false); // no rule needs it: it is asked for when somebody wants it
  m.addSignal("knowledge_prompt", [null, 1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual([missingSignals(m, m.rule), m.infoOf("knowledge").label], [[], "question hidden"]);
  m.redo();
  assert.equal(m.rule.fraction, 2 / 3);
  for (let step = 0; step < 3; step += 1) assert.equal(m.undo(), true);
  assert.deepEqual([m.rule.knowledge, m.stateOf(2), m.undo()], ["knowledge_swap", "plain", false]);
  next.text_id = "other";
  m.load(next);
  assert.equal(left, 1);
});

test("rows that are all others begin without overrides and without steps", () => {
  const m = model();
  m.cycle([2], 1);
  const next = payload();
  next.text_id = "u";
  next.rows.forEach((row) => {
    row.id = `other ${row.id}`;
  });
  m.load(next);
  assert.deepEqual([m.overrides.entries(), m.lost, m.undo()], [[], [], false]);
});

test("rows with a rule of their own begin with it, and what follows begins without it", () => {
  const m = model();
  m.setRule({ fraction: 2 / 3 });
  const others = (id, more) => {
    const next = { ...payload(), text_id: id, ...more };
    next.rows = next.rows.map((row) => ({ ...row, id: `${id} ${row.id}` }));
    return next;
  };
  m.load(others("plain", {}));
  assert.equal(m.rule.fraction, 2 / 3);
  const own = { defaults: { ...DEFAULT_RULE, mode: "gold" }, own_defaults: true };
  m.load(others("own", own));
  assert.deepEqual([m.rule.mode, m.rule.fraction, m.undo()], ["gold", 0.25, false]);
  m.load(others("after", { defaults: DEFAULT_RULE, own_defaults: false }));
  assert.equal(m.rule.mode, "top_fraction");
});

test("a rule that nobody touched becomes that of a new page, one that was touched stays", () => {
  const first = { ...payload(), defaults: DEFAULT_RULE };
  const masked = { ...DEFAULT_RULE, knowledge: "knowledge_prompt" };
  for (const more of [{}, { text_id: "other" }]) {
    const next = { ...payload(), defaults: masked, ...more };
    next.columns = { ...next.columns, knowledge_prompt: next.columns.knowledge_swap };
    const [untouched, touched, undone] = [0, 1, 2].map(() => new TokensModel(first));
    touched.setRule({ fraction: 2 / 3 });
    undone.cycle([2], 1);
    undone.undo();
    for (const each of [untouched, touched, undone]) each.load(next);
    assert.deepEqual([untouched.rule, untouched.undo()], [new TokensModel(next).rule, false]);
    assert.equal(untouched.rule.knowledge, "knowledge_prompt");
    assert.deepEqual([touched.rule.knowledge, touched.rule.fraction], ["knowledge_swap", 2 / 3]);
    assert.equal(undone.rule.knowledge, "knowledge_swap");
  }
});

test("a payload made before a signal was computed leaves the signal, and the rule that uses it", () => {
  const m = model();
  m.addSignal("knowledge_prompt", [null, 4, 1, 1, 8, 1, 1, 1], {
    family: "knowledge",
    unit: "nats",
    label: "question hidden",
  });
  m.setRule({ knowledge: "knowledge_prompt" });
  const chosen = [...m.mask.selected];
  m.load(payload());
  assert.deepEqual(
    [m.rule.knowledge, [...m.mask.selected], m.infoOf("knowledge").label],
    ["knowledge_prompt", chosen, "question hidden"],
  );
});

test("undo and redo go to what they change, in whatever row and set it stands", () => {
  const m = model();
  m.force([1, 2], "in");
  m.goToSet("one_off");
  m.setRule({ alpha: 0.5 });
  m.undo();
  assert.deepEqual([m.set, m.view.row], ["one_off", 1]); // the rule is that of all sets
  m.undo();
  assert.deepEqual([m.set, m.view.row, m.view.locked, m.stateOf(1)], ["shared", 0, 1, "plain"]);
  m.goToSet("one_off");
  m.redo();
  assert.deepEqual([m.set, m.view.row, m.stateOf(2)], ["shared", 0, "in"]);
  m.setView({ locked: 3 });
  m.undo();
  assert.equal(m.view.locked, 3); // it happens under the eyes: what is locked stays
});
