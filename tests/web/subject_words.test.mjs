import assert from "node:assert/strict";
import test from "node:test";
import { namesTyped, rowsNaming, wordsTouched } from "../../app/web/subject_words.js";

const at = (text, part) => [text.indexOf(part), text.indexOf(part) + part.length];

test("a selection is snapped to whole words, without what stands round them", () => {
  const text = "In which city was Ottilie Brandvold born?";
  assert.equal(wordsTouched(text, ...at(text, "lie Bran")), "Ottilie Brandvold");
  assert.equal(wordsTouched(text, ...at(text, " Ottilie ")), "Ottilie");
  assert.equal(wordsTouched(text, ...at(text, "born?")), "born");
  assert.equal(wordsTouched(text, ...at(text, "?")), "");
  assert.equal(wordsTouched(text, 3, 3), "");
});

test("emoji, marks, hyphens and other scripts are words as they are written", () => {
  assert.equal(wordsTouched("😀😀 Jean-Luc O’Neill?", 6, 8), "Jean-Luc");
  assert.equal(wordsTouched("😀😀 Jean-Luc O’Neill?", 15, 16), "O’Neill");
  assert.equal(wordsTouched("أين ولد أحمد زويل؟", 9, 10), "أحمد");
  assert.equal(wordsTouched("Where is Z\u0301oe?", 9, 10), "Z\u0301oe");
});

test("rows like this one are those of the set that name the subject as whole words", () => {
  const row = (question, answer) => ({ question, answer });
  const model = {
    view: { row: 0 }, rowsOfSet: [0, 1, 2, 3],
    payload: { rows: [row("Who is Ann?", ""), row("Who is Anna?", "Anna."), row("What?", "It was Ann."), row("Ann’s?", "Anna, Ann")] },
  };
  assert.deepEqual(rowsNaming(model, " Ann "), [2, 3]);
  assert.deepEqual(rowsNaming(model, " "), []);
});

test("names are typed one a line, each counted once", () => {
  assert.deepEqual(namesTyped(" Bo Ek\n\nCy  \nBo Ek\n"), ["Bo Ek", "Cy"]);
});
