import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { namesTyped, rowsNaming, wholeWords, wordsTouched } from "../../app/web/text/subject_words.js";

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
    view: { row: 0 },
    rowsOfSet: [0, 1, 2, 3],
    payload: {
      rows: [
        row("Who is Ann?", ""),
        row("Who is Anna?", "Anna."),
        row("What?", "It was Ann."),
        row("Ann’s?", "Anna, Ann"),
      ],
    },
  };
  assert.deepEqual(rowsNaming(model, " Ann "), [2, 3]);
  assert.deepEqual(rowsNaming(model, " "), []);
});

test("a script without spaces gives what is selected, and a Latin name beside it stays whole", () => {
  const text = "田中太郎はAnna Leeとどこで会った？";
  assert.equal(wordsTouched(text, ...at(text, "田中太郎")), "田中太郎");
  assert.equal(wordsTouched(text, ...at(text, "nna L")), "Anna Lee");
  assert.equal(wordsTouched(text, ...at(text, "会った？")), "会った");
  assert.equal(wordsTouched("김철수는 어디?", 0, 3), "김철수");
  // U+0E35 is the vowel of the letter before it
  assert.equal(wordsTouched("สมศรีเกิด", 0, 4), "สมศร\u0e35");
});

test("rows like this one name the subject without spaces round it where the script has none", () => {
  const model = (...texts) => ({
    view: { row: 0 },
    rowsOfSet: [0, 1, 2, 3],
    payload: { rows: ["", ...texts].map((question) => ({ question, answer: "" })) },
  });
  assert.deepEqual(rowsNaming(model("私は田中太郎です。", "田中次郎", "田中 太郎"), "田中太郎"), [1]);
  assert.deepEqual(rowsNaming(model("김철수는", "สมศร", "𠮷田さん"), "김철수"), [1]);
  assert.deepEqual(rowsNaming(model("𠮷田さん", "吉田さん", "あ𠮷田"), "𠮷田"), [1, 3]);
  assert.deepEqual(rowsNaming(model("สมศร\u0e35", "สมศร", ""), "สมศร"), [2]);
  assert.deepEqual(rowsNaming(model("Annはどこ", "Annaはどこ", "Ann_"), "Ann"), [1]);
  assert.deepEqual(rowsNaming(model("Is C++ (old)?", "C+++x", "xC++"), "C++"), [1, 2]);
});

test("names are typed one a line, each counted once", () => {
  assert.deepEqual(namesTyped(" Bo Ek\n\nCy  \nBo Ek\n"), ["Bo Ek", "Cy"]);
});

test("a name stands where the server finds it", () => {
  const cases = readFileSync(new URL("../cases/whole_words.jsonl", import.meta.url), "utf-8")
    .trim()
    .split("\n");
  for (const { text, name, spans } of cases.map((line) => JSON.parse(line)))
    assert.deepEqual(wholeWords(text, name), spans, `${name} in ${text}`);
});
