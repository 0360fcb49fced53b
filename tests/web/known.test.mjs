/** What is said of rows that the model knows, and of those that it never knew. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  adapterRaises,
  knownCounts,
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
});

test("before a start the rows that were never known are counted", () => {
  assert.equal(neverKnownWords(0, 12), "");
  assert.equal(
    neverKnownWords(9, 12),
    "The model never knew 9 of the 12 rows that this trains: there is nothing to forget. The others can be forgotten. To unlearn them, teach them first.",
  );
  assert.match(
    neverKnownWords(12, 12),
    /never knew all 12 rows that this trains: there is nothing to forget\. To unlearn them, teach/,
  );
  assert.match(neverKnownWords(1, 1), /never knew the one row that this trains: /);
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
