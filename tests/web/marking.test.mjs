import assert from "node:assert/strict";
import test from "node:test";
import { actFor } from "../../app/web/keyboard.js";
import { markedWords, nextMark, sharedMark } from "../../app/web/mark_words.js";
import { agreementWords } from "../../app/web/mask_compare.js";
import { MarksDesk } from "../../app/web/marks_desk.js";
import { comparedWords, importedRowsWords } from "../../app/web/marks_dialog.js";
import { markUnits } from "../../app/web/strip_acts.js";
import { TokensModel } from "../../app/web/tokens_model.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

/** Rows "Ada was born in Oslo." as four words; the last holds " Oslo" and ".". */
function marking(saved = {}, gold = true) {
  const model = new TokensModel(syntheticPayload(3, { gold }), saved);
  model.setMarking(true);
  return model;
}

test("the mode has keys of its own, and undo is that of the marks", () => {
  const key = (name, more = {}) => actFor({ key: name, ...more }, true);
  assert.deepEqual(["f", "x", "Delete", " ", "Enter", "Escape", "m"].map((name) => key(name).act), ["mark", "mark", "mark", "mark-cycle", "looked", "end-marking", "marking"]);
  assert.deepEqual([key("x").mark, key("Backspace").mark, key(" ", { shiftKey: true }).act], ["other", null, "mark-cycle"]);
  assert.deepEqual([key("ArrowRight", { shiftKey: true }).extend, key("]").act, key("z", { ctrlKey: true }).act], [true, "row", "undo"]);
  assert.deepEqual([actFor({ key: "f" }), actFor({ key: "x" }), actFor({ key: "m" })], [null, null, { act: "marking" }]);
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
  assert.equal(markUnits(model, [2], "other"), "“born in” has no mark", "the same mark once more takes it away");
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

test("a row that was looked through is followed by the next one that was not, round to the first", () => {
  const model = marking();
  const said = [];
  const desk = Object.assign(Object.create(MarksDesk.prototype), { model, host: { say: (words) => said.push(words) } });
  model.goTo(1);
  desk.looked();
  assert.deepEqual([model.view.row, model.marks.of("r1").seen, said], [2, true, ["Looked through. Ada 2"]]);
  desk.looked();
  assert.equal(model.view.row, 0);
  desk.looked();
  assert.deepEqual([model.view.row, desk.proposal, said[2]], [0, null, "Looked through. Every row of this set was."]);
  assert.equal(markedWords(model.marks.rows), "3 rows marked and looked through.");
});

test("how much is marked is said in words", () => {
  const [seen, marked] = [{ fact: [], other: [], seen: true }, { fact: [[0, 1]], other: [], seen: false }];
  assert.equal(markedWords({}), "No row is marked yet.");
  assert.equal(markedWords({ a: marked }), "1 row marked, none looked through.");
  assert.equal(markedWords({ a: marked, b: seen }), "2 rows marked, 1 of them looked through.");
});

test("what an import left out is said, and what two annotators marked", () => {
  const saved = { name: "Ben", rows: 1 };
  assert.equal(importedRowsWords({ saved, others: 0, unmarked: 0, refused: 0 }), "1 row imported as “Ben”; load or compare them. Your marks are as they were.");
  assert.match(importedRowsWords({ saved, others: 2, unmarked: 0, refused: 1 }), / Left out: 2 not in this text, 1 no row\.$/);
  const sides = { first: { name: "Ada", marked: 3 }, second: { name: "Now", marked: 2 }, only_first: 1, only_second: 0, rows: 4, differences: 1, differing: [{}] };
  assert.equal(comparedWords(sides), "Over 4 rows that both looked through, “Ada” marked 3 words as the fact, 1 of them alone; “Now” 2, 0 alone.");
  assert.equal(comparedWords({ ...sides, differences: 0, differing: [] }), "“Ada” and “Now” mark the same 3 words in 4 rows that both looked through.");
  assert.equal(agreementWords({ agreement: 0.95, kappa: 0.871, tokens: 20 }, "word"), "Agreement 95.0 % of 20 words · Cohen’s κ 0.87");
});

test("a word is taken as another annotator has it, in one step of undo", () => {
  const model = marking();
  const desk = Object.assign(Object.create(MarksDesk.prototype), { model });
  desk.take({ row: 1, start: 16, end: 21 }, false);
  desk.take({ row: 1, start: 4, end: 7 }, true);
  assert.deepEqual(model.marks.of("r1"), { fact: [[4, 7]], other: [[16, 21]], seen: false });
  assert.equal(desk.tokenAt({ row: 1, start: 16 }), 8);
  model.undo();
  assert.deepEqual(model.marks.of("r1").fact, []);
});
