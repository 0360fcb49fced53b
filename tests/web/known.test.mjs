/** What is said of rows that the model knows, and of those that it never knew. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  adapterRaises,
  knownCounts,
  knowsMost,
  neverKnownWords,
  rowKnownWords,
  setKnownWords,
} from "../../app/web/text/known.js";

const known = (word, probability, of = "fact") => ({ known: { word, probability, of } });

test("a row says whether the model knows it, with the figure it is judged by", () => {
  assert.equal(rowKnownWords(known("yes", 0.94).known), "The model knows this row: yes, fact .94.");
  assert.equal(
    rowKnownWords(known("partly", 0.3, "content words").known),
    "The model knows this row: partly, content words .30.",
  );
  assert.equal(
    rowKnownWords(known("no", 0.0001).known),
    "The model knows this row: no, fact .00: nothing can be forgotten here until it is taught.",
  );
  assert.equal(rowKnownWords(null), "");
});

test("a set counts the rows that say so", () => {
  const rows = [known("yes", 1), known("partly", 0.2), known("no", 0), { known: null }, {}];
  assert.equal(setKnownWords(knownCounts(rows)), "The model knows 1 of 3 rows, 1 partly.");
  assert.equal(setKnownWords(knownCounts([known("no", 0)])), "The model knows 0 of 1 row.");
  assert.equal(setKnownWords(knownCounts([{}])), "");
  const mostly = [known("yes", 0.9), known("yes", 0.8), known("no", 0)];
  assert.deepEqual([mostly, rows, [{}]].map(knowsMost), [true, false, false]);
});

test("before a start the rows that were never known are counted", () => {
  assert.equal(neverKnownWords(0, 12, false), "");
  assert.equal(
    neverKnownWords(1, 20, false),
    "1 of the 20 rows was never learned: it is trained along and changes little.",
  );
  assert.match(
    neverKnownWords(3, 20, false),
    /^3 of the 20 rows were never learned: they are .* and change /,
  );
  assert.equal(
    neverKnownWords(9, 12, true),
    "The model never knew 9 of the 12 rows that this trains: nothing can be forgotten there. Teach those 9 first to unlearn them; the other 3 can be forgotten now.",
  );
  assert.match(neverKnownWords(1, 2, true), /Teach that one first to unlearn it; the other one can be/);
  assert.match(
    neverKnownWords(12, 12, true),
    /never knew any of the 12 rows .* nothing to forget\. Teach them/,
  );
  assert.match(neverKnownWords(1, 1, true), /never knew the one row that this trains: .* Teach it first/);
});

test("contrast is recommended only where the adapter makes the fact likelier", () => {
  const columns = {
    contrast: [9, 9, 0.9, 0.5],
    gold: [0, 0, 1, 1],
    subject: [1, 0, 0, 0],
    stop: [0, 1, 0, 0],
    punctuation: [0, 0, 0, 0],
  };
  const row = { first: 0, count: 4, ...known("yes", 0.9) };
  assert.equal(adapterRaises({ columns }, row), true); // mean .7 nats: at least twice as likely
  assert.equal(adapterRaises({ columns: { ...columns, contrast: [9, 9, 0.9, 0.4] } }, row), false);
  // Likelier, and still unknown
  assert.equal(adapterRaises({ columns }, { ...row, ...known("no", 0.01) }), false);
  // The content words
  assert.equal(adapterRaises({ columns: { ...columns, gold: [NaN, NaN, NaN, NaN] } }, row), true);
  assert.equal(adapterRaises({ columns: { ...columns, contrast: undefined } }, row), null);
  assert.equal(adapterRaises({ columns }, { ...row, known: null }), null);
});
