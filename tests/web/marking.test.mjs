import assert from "node:assert/strict";
import test from "node:test";
import { MarksDesk } from "../../app/web/draft/marks_desk.js";
import { markedWords, nextMark, sharedMark } from "../../app/web/model/mark_words.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { agreementWords, interval, share } from "../../app/web/text/numbers.js";
import { changeWords, flipsUnder, offerWords } from "../../app/web/tokens/marks/fitted_weights.js";
import { comparedWords, importedRowsWords } from "../../app/web/tokens/marks/marks_dialog.js";
import { curvePaths, curveWords } from "../../app/web/tokens/marks/marks_panel.js";
import { recommendation, recommendedWords } from "../../app/web/tokens/marks/recommendation.js";
import { actFor } from "../../app/web/tokens/strip/keyboard.js";
import { markUnits } from "../../app/web/tokens/strip/strip_acts.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

/** Rows "Ada was born in Oslo." as four words; the last holds " Oslo" and ".". */
function marking(saved = {}, gold = true) {
  const model = new TokensModel(syntheticPayload(3, { gold }), saved);
  model.setMarking(true);
  return model;
}

function deskOf(model, host = {}) {
  return new MarksDesk(model, {
    ask: async () => ({ marks: null }),
    say: () => {},
    refresh: () => {},
    onState: () => {},
    ...host,
  });
}

test("the mode has keys of its own, and undo is that of the marks", () => {
  const key = (name, more = {}) => actFor({ key: name, ...more }, true);
  assert.deepEqual(
    ["f", "x", "Delete", " ", "Enter", "Escape", "m"].map((name) => key(name).act),
    ["mark", "mark", "mark", "mark-cycle", "looked", "end-marking", "marking"],
  );
  assert.deepEqual(
    [key("x").mark, key("Backspace").mark, key(" ", { shiftKey: true }).act],
    ["other", null, "mark-cycle"],
  );
  assert.deepEqual(
    [key("ArrowRight", { shiftKey: true }).extend, key("]").act, key("z", { ctrlKey: true }).act],
    [true, "row", "undo"],
  );
  assert.deepEqual(
    [actFor({ key: "f" }), actFor({ key: "x" }), actFor({ key: "m" })],
    [null, null, { act: "marking" }],
  );
  const model = marking();
  model.setMarking(false);
  model.force([2], "in");
  model.setMarking(true);
  markUnits(model, [2], "fact");
  assert.ok(model.undo());
  assert.equal(model.undo(), false, "the override is not a mark: it stays");
  assert.deepEqual([model.overrides.state(2), model.marks.rows], ["in", {}]);
  assert.ok(model.redo());
  model.setMarking(false);
  assert.ok(model.undo());
  assert.deepEqual([model.overrides.state(2), model.marks.of("r0").fact], [null, [[8, 15]]]);
});

test("a mark is on the words, without the space before them; a run of words is one span; the mask stays", () => {
  const model = marking();
  const { hash: before, weights } = { hash: model.history.present, weights: [...model.mask.weights] };
  assert.equal(markUnits(model, [1, 2], "fact"), "“was born in” marked as the fact");
  assert.deepEqual(model.marks.of("r0"), { fact: [[4, 15]], other: [], seen: false });
  assert.equal(markUnits(model, [2], "other"), "“born in” marked as not the fact");
  assert.equal(
    markUnits(model, [2], "other"),
    "“born in” has no mark",
    "the same mark once more takes it away",
  );
  assert.deepEqual(model.unitMarks(), [null, "fact", null, "gold"]);
  assert.deepEqual([model.history.present, [...model.mask.weights]], [before, weights]);
});

test("what the file says is shown, and corrected by a mark", () => {
  const model = marking();
  assert.equal(sharedMark(model, [3, 4]), null, "gold is no mark");
  markUnits(model, [3, 4], nextMark(sharedMark(model, [3, 4])));
  markUnits(model, [3, 4], nextMark(sharedMark(model, [3, 4])));
  assert.deepEqual([model.unitMarks()[3], model.marks.of("r0").other], ["other", [[16, 21]]]);
  markUnits(model, [3, 4], nextMark(sharedMark(model, [3, 4])));
  assert.equal(model.unitMarks()[3], "gold");
  assert.equal(sharedMark(model, [0, 1]), null);
  markUnits(model, [0], "fact");
  assert.equal(sharedMark(model, [0, 1]), undefined, "they differ");
  assert.equal(nextMark(undefined), "fact");
});

test("words are shown while facts are marked, and what was shown before is shown after", () => {
  const model = marking({ view: { words: false } });
  assert.equal(model.units().length, 4);
  model.setMarking(false);
  assert.equal(model.units().length, 5);
  const reloaded = new TokensModel(syntheticPayload(1), { view: { words: false, marking: true } });
  assert.equal(reloaded.units().length, 4);
  reloaded.setMarking(false);
  assert.equal(reloaded.units().length, 5);
});

test("undo goes to the row that it touches", () => {
  const model = marking();
  markUnits(model, [2], "fact");
  model.goTo(2);
  model.undo();
  assert.deepEqual([model.view.row, model.marks.rows], [0, {}]);
});

test("other numbers of the text leave marks and their steps; another text takes those of the same answers", () => {
  const model = marking();
  markUnits(model, [2], "fact");
  model.goTo(1);
  model.lookThrough(true);
  model.load({ ...syntheticPayload(3), scores_id: "other" });
  assert.ok(model.undo());
  assert.deepEqual(Object.keys(model.marks.rows), ["r0"]);
  model.redo();
  const other = syntheticPayload(2);
  other.rows[0].answer = "Bo was born in Oslo.";
  model.load({ ...other, text_id: "another" });
  assert.deepEqual(model.marks.rows, { r1: { fact: [], other: [], seen: true } });
});

test("a row that was reviewed is followed by the next one that was not, round to the first", () => {
  const model = marking();
  const said = [];
  const desk = deskOf(model, { say: (words) => said.push(words) });
  model.goTo(1);
  desk.looked();
  assert.deepEqual([model.view.row, model.marks.of("r1").seen, said], [2, true, ["Reviewed. Ada 2"]]);
  desk.looked();
  assert.equal(model.view.row, 0);
  desk.looked();
  assert.deepEqual(
    [model.view.row, desk.next, said[2]],
    [0, undefined, "Reviewed. That was the last row of this set."],
  );
  assert.equal(markedWords(model.marks.rows), "3 rows marked and reviewed.");
});

test("how much is marked is said in words", () => {
  const [seen, marked] = [
    { fact: [], other: [], seen: true },
    { fact: [[0, 1]], other: [], seen: false },
  ];
  assert.equal(markedWords({}), "No row is marked yet.");
  assert.equal(markedWords({ a: marked }), "1 row marked, none reviewed.");
  assert.equal(markedWords({ a: marked, b: seen }), "2 rows marked, 1 of them reviewed.");
});

test("what an import left out is said, and what two annotators marked", () => {
  const saved = { name: "Ben", rows: 1 };
  assert.equal(
    importedRowsWords({ saved, others: 0, unmarked: 0, refused: 0 }),
    "1 row imported as “Ben”; load or compare them. Your marks are as they were.",
  );
  assert.match(
    importedRowsWords({ saved, others: 2, unmarked: 0, refused: 1 }),
    / Left out: 2 not in this text, 1 no row\.$/,
  );
  const sides = {
    first: { name: "Ada", marked: 3 },
    second: { name: "Now", marked: 2 },
    only_first: 1,
    only_second: 0,
    rows: 4,
    differences: 1,
    differing: [{}],
  };
  assert.equal(
    comparedWords(sides),
    "Over 4 rows that both reviewed, “Ada” marked 3 words as the fact, 1 of them alone; “Now” 2, 0 alone.",
  );
  assert.equal(
    comparedWords({ ...sides, differences: 0, differing: [] }),
    "“Ada” and “Now” mark the same 3 words in 4 rows that both reviewed.",
  );
  assert.equal(
    agreementWords({ agreement: 0.95, kappa: 0.871, tokens: 20 }, "word"),
    "Agreement 95.0 % of 20 words · Cohen’s κ 0.87 (1 is full agreement, 0 is chance)",
  );
});

test("a word is taken as another annotator has it, in one step of undo", () => {
  const model = marking();
  const desk = deskOf(model);
  desk.take({ row: 1, start: 16, end: 21 }, false);
  desk.take({ row: 1, start: 4, end: 7 }, true);
  assert.deepEqual(model.marks.of("r1"), { fact: [[4, 7]], other: [[16, 21]], seen: false });
  assert.equal(desk.tokenAt({ row: 1, start: 16 }), 8);
  model.undo();
  assert.deepEqual(model.marks.of("r1").fact, []);
});

/** A server that keeps marks and learns from them; what was learned is told when the test says so. */
function learningServer() {
  const server = { version: 0, learned: [], rows: {} };
  server.ask = (name, data) => {
    if (name === "kept_marks") return Promise.resolve({ marks: null, sets: [], damage: "" });
    if (name === "save_marks") {
      server.version += 1;
      return Promise.resolve({
        taken: true,
        marks: { rows: data.rows, version: server.version, saved: 1, save: data.save },
      });
    }
    if (name === "trust_marks")
      return Promise.resolve({ table: [], curve: [], verdict: `trust ${server.version}` });
    return new Promise((resolve, reject) => {
      server.learned.push({ resolve, reject });
    });
  };
  return server;
}

const settled = () =>
  new Promise((done) => {
    setTimeout(done);
  });

test("the newest marks are learned from: an answer that comes after another question changes nothing", async () => {
  const model = new TokensModel({ ...syntheticPayload(3), state: "live", text_id: "t" });
  const server = learningServer();
  const desk = deskOf(model, { ask: server.ask });
  const timers = [];
  desk.keeper.wait = (act) => timers.push(act);
  const drawn = async (...kinds) => {
    desk.changed(new Set(kinds));
    await settled();
  };
  await drawn("data", "view");
  assert.equal(server.learned.length, 0, "without marks, and while none are made, nothing is asked");
  model.setMarking(true);
  const { rule } = model;
  await drawn("view");
  assert.equal(server.learned.length, 1);
  const answer = (fit, value) => ({
    fit,
    values: new Array(15).fill(value),
    info: { label: "Learned", kind: "learned", unit: "" },
    leaderboard: [],
  });
  server.learned[0].resolve(answer("none", 0.5));
  await settled();
  assert.deepEqual([desk.fit, model.columns.learned[0], desk.evidence.verdict], ["none", 0.5, "trust 0"]);
  assert.equal(model.rule, rule, "evidence switches nothing");
  for (const place of [2, 3]) {
    markUnits(model, [place], "fact");
    await drawn("marks");
    await timers.pop()();
    await settled();
  }
  assert.equal(server.learned.length, 3);
  server.learned[2].resolve(answer("f2", 0.9));
  await settled();
  server.learned[1].resolve(answer("f1", 0.1));
  await settled();
  assert.deepEqual([desk.fit, model.columns.learned[0], desk.learning], ["f2", 0.9, ""]);
  await drawn("view");
  assert.equal(server.learned.length, 3, "the same marks are learned from once");
  // A new column is news of its own: it must not be taken for that of other marks.
  await drawn("data", "rule");
  assert.equal(server.learned.length, 3);
  model.load({ ...syntheticPayload(3), state: "live", text_id: "t", fits: { learned: "f3" } });
  await drawn("data");
  assert.equal(server.learned.length, 4, "somebody else's marks were learned from");
  // What was learned, and what is being learned, is of the text that was left.
  assert.ok(desk.evidence);
  desk.leave();
  server.learned[3].resolve(answer("f4", 0.2));
  await settled();
  assert.deepEqual([desk.evidence, desk.fit, desk.learning], [null, "", ""]);
});

test("other numbers of a column leave the chips of the strip, and change what the rule chooses by them", () => {
  const model = new TokensModel(syntheticPayload(2), {
    rule: { knowledge: "learned", alpha: 1, fraction: 0.2 },
  });
  model.addSignal("learned", [0, 0, 0, 1, 0, 0, 0, 0, 0, 0], { kind: "learned" }, []);
  model.setRule({ knowledge: "learned" });
  const [units, chosen, kinds] = [model.units(), [...model.mask.selected], []];
  assert.equal(chosen[3], 1);
  model.subscribe((told) => kinds.push(...told));
  model.addSignal("learned", [0, 0, 1, 0, 0, 0, 0, 1, 0, 0], { kind: "learned" }, []);
  assert.equal(model.units(), units);
  assert.deepEqual(
    [kinds, model.mask.selected[3], model.mask.selected[2], model.valuesOf("knowledge")[2]],
    [["rule"], 0, 1, 1],
  );
});

test("a server that was started again is asked again; what it refuses is said once", async () => {
  const model = new TokensModel({ ...syntheticPayload(3), state: "live", text_id: "t" });
  const server = learningServer();
  const desk = deskOf(model, { ask: server.ask });
  model.setMarking(true);
  desk.changed(new Set(["data", "view"]));
  await settled();
  desk.changed(new Set(["view"]));
  server.learned[0].reject(new Error("the model is busy"));
  await settled();
  desk.changed(new Set(["view"]));
  await settled();
  assert.deepEqual([desk.learning, server.learned.length], ["Not learned: the model is busy", 1]);
  desk.again();
  assert.equal(server.learned.length, 2);
});

test("a learning curve goes from chance at the bottom to 1 at the top", () => {
  const points = [
    { rows: 0, auroc: 0.75, low: 0.7, high: 0.8 },
    { rows: 10, auroc: 1, low: 0.9, high: 1 },
  ];
  assert.deepEqual(curvePaths(points), {
    line: "M0.0 36.0L280.0 0.0",
    band: "M0.0 28.8L280.0 0.0L280.0 14.4L0.0 43.2Z",
  });
  assert.equal(
    curveWords(points),
    "AUROC on rows kept apart, by marked rows: .75 after 0 rows, 1.00 after 10 rows",
  );
  assert.equal(
    curveWords([{ rows: 1, auroc: 0.8 }]),
    "AUROC on rows kept apart, by marked rows: .80 after 1 row",
  );
  assert.deepEqual(
    [share(0.934), share(null), interval(0.88, 0.97), interval(null, null)],
    [".93", "–", ".88–.97", ""],
  );
});

test("a signal is recommended where its interval is above the best plain list, and only named otherwise", () => {
  const line = (signal, auroc, low = auroc, high = auroc) => ({ signal, label: signal, auroc, low, high });
  const table = [
    line("entropy", 0.8, 0.7, 0.9),
    line("learned", 0.95, 0.9, 0.98),
    line("content_words", 0.77),
    line("random", 0.5),
    line("loss", null),
  ];
  assert.deepEqual(recommendation(table, 12), {
    signal: "learned",
    words: "On this set “learned” finds the facts best: AUROC .95 (.90–.98) on 12 rows, “content_words” .77.",
  });
  const close = recommendation(
    [line("entropy", 0.8, 0.7, 0.9), line("content_words", 0.65), line("content_words_new", 0.77)],
    12,
  );
  assert.deepEqual(close, {
    signal: null,
    words:
      "No signal clearly beats the plain baselines here: “entropy” has AUROC .80 (.70–.90) on 12 rows, “content_words_new” .77.",
  });
  assert.equal(
    recommendation([line("entropy", 0.8, null, null), line("random", 0.5)], 12).signal,
    null,
    "without an interval nothing is recommended",
  );
  assert.equal(
    recommendation(table, 4).words,
    "Not enough evidence to recommend a signal: facts are marked in 4 rows, and 5 are needed.",
  );
  assert.equal(recommendation(table, 5).signal, "learned");
  assert.match(recommendation([], 0).words, /^No facts are marked in this set/);
  assert.equal(recommendation(table, 12, false).signal, null, "the trust panel says that it is no better");
  assert.equal(
    recommendation([line("learned", 0.8, 0.7, 0.9), line("random", 0.75)], 12, true).signal,
    "learned",
    "row by row it is better",
  );
  assert.equal(
    recommendation([line("content_words", 0.77)], 9).signal,
    null,
    "a baseline is never recommended",
  );
});

test("marks are the evidence before the gold of the file, and too few of them are said to be too few", () => {
  const model = new TokensModel(syntheticPayload(6));
  const [set, line] = [model.set, { signal: "entropy", label: "Entropy", low: 0.8, high: 0.95 }];
  const plain = { signal: "random", label: "Random", low: 0.4, high: 0.6 };
  model.payload.leaderboard = [
    { ...line, set, auroc_word: 0.9 },
    { ...plain, set, auroc_word: 0.5 },
    { ...line, set: "other", auroc_word: 1 },
  ];
  const few = { set, rows: 3, table: [], verdict: "Not enough marks yet: 3 rows" };
  const marked = {
    set,
    rows: 7,
    table: [
      { ...line, auroc: 0.85 },
      { ...plain, auroc: 0.5 },
    ],
    verdict: "",
  };
  const gold = "On this set “Entropy” finds the facts best: AUROC .90 (.80–.95) on 6 rows, “Random” .50.";
  assert.deepEqual(
    [null, few, { ...marked, set: "other" }].map((each) => recommendedWords(model, each)),
    [gold, gold, gold],
  );
  assert.equal(
    recommendedWords(model, marked),
    "On this set “Entropy” finds the facts best: AUROC .85 (.80–.95) on 7 rows, “Random” .50.",
  );
  model.columns.gold.fill(NaN);
  assert.equal(recommendedWords(model, few), few.verdict);
  assert.match(recommendedWords(model, null), /^No facts are marked in this set/);
});

test("fitted weights say what they are, how they agree where they were not fitted, and what they change", () => {
  const model = new TokensModel(syntheticPayload(4));
  const label = (name) => name.toUpperCase();
  const found = {
    rule: { knowledge: "learned", alpha: 0.8, fraction: 0.2 },
    agreement: 0.83,
    before: 0.61,
    rows: 12,
  };
  assert.equal(
    offerWords(found, model.rule, label),
    "0.80 · “LEARNED” + 0.20 · “ENTROPY”, top 20 %. Agreement with the marks of 12 rows: F1 .83 on rows it was not fitted on; the current weights have .61.",
  );
  assert.match(
    offerWords({ ...found, rule: { knowledge: "learned", alpha: 1 } }, model.rule, label),
    /^“LEARNED” alone, top 25 %\./,
  );
  assert.match(
    offerWords({ ...found, rule: { alpha: 0 } }, model.rule, label),
    /^“ENTROPY” alone, top 25 %\./,
  );
  assert.equal(
    offerWords({ ...found, rule: {} }, model.rule, label),
    "The current weights already agree best with the marks of 12 rows: F1 .61.",
  );
  const before = [...model.mask.selected];
  assert.deepEqual(flipsUnder(model, { mode: "uniform" }), {
    added: 20 - before.filter(Boolean).length,
    removed: 0,
  });
  assert.deepEqual(flipsUnder(model, { fraction: 0 }), { added: 0, removed: before.filter(Boolean).length });
  assert.deepEqual(
    [[...model.mask.selected], changeWords({ added: 1, removed: 3 }), changeWords({ added: 0, removed: 0 })],
    [before, "It adds 1 token to your selection and removes 3 tokens.", "Your selection stays the same."],
  );
});
