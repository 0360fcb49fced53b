/** The rows list: orders, search as text, acts on all listed rows, long sparklines. */

import assert from "node:assert/strict";
import test from "node:test";
import { jump, stepRow } from "../../app/web/model/moves.js";
import { wordAt } from "../../app/web/model/shown_unit.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { emptyRows, emptyRowsWords, nextRow } from "../../app/web/model/untrained_rows.js";
import { bulkTargets, countWords, wouldChange } from "../../app/web/tokens/rows/bulk_panel.js";
import { rowWords, signWords, sparkPath } from "../../app/web/tokens/rows/row_card.js";
import { drawerWords } from "../../app/web/tokens/rows/rows_drawer.js";
import {
  factsOf,
  firstOrder,
  holds,
  orderedRows,
  searchText,
  shownWords,
} from "../../app/web/tokens/rows/rows_order.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

// Cut at 0.5: of each row the fact "Oslo" or "Rome" alone is chosen, unless its factor makes it small.
const RULE = {
  rule: { mode: "threshold", threshold: 0.5, whole_words: false, alpha: 1, normaliser: "min_max" },
};
const rowsOf = (count, more) => new TokensModel(syntheticPayload(count, more), RULE);

test("rows come in file order, by errors, by highest score, by overrides; equals as in the file", () => {
  const model = rowsOf(4, { factor: (row) => [1, 0.1, 2, 0.1][row] });
  assert.deepEqual(orderedRows(model, "file"), [0, 1, 2, 3]);
  // Scaled to the largest, 12: rows 1 and 3 have 0.05 and are missed; row 0 has just 0.5.
  assert.deepEqual(orderedRows(model, "differs"), [1, 3, 0, 2]);
  assert.deepEqual(orderedRows(model, "highest"), [2, 0, 1, 3]);
  model.force([16, 17], "out");
  model.force([6], "in");
  assert.deepEqual(orderedRows(model, "overrides"), [3, 1, 0, 2]);
});

test("rows without a chosen token are counted, and walked round; what was left out or waits is none", () => {
  const model = rowsOf(4, { factor: (row) => [1, 0.1, 2, 0.1][row] });
  assert.deepEqual(emptyRows(model), [1, 3]);
  assert.deepEqual(
    [1, 3, 0].map((here) => nextRow([1, 3], here)),
    [3, 1, 1],
  );
  assert.equal(nextRow([], 0), null);
  assert.deepEqual([0, 1, 2].map(emptyRowsWords), [
    "",
    "1 row without a chosen token",
    "2 rows without a chosen token",
  ]);
  model.goTo(1);
  assert.equal(rowWords(model), "Row 2 of 4, Ada 1: none of 5 tokens chosen");
  model.force([5, 6, 7, 8, 9], "out");
  assert.deepEqual(emptyRows(model), [3]);
  model.payload.rows[3].scored = false;
  assert.deepEqual(emptyRows(model), []);
  model.goTo(2);
  assert.equal(rowWords(model), "Row 3 of 4, Ada 2: 1 of 5 tokens chosen");
});

test("a row without scores is no disagreement yet", () => {
  const model = rowsOf(4, { factor: (row) => [1, 0.1, 2, 0.1][row] });
  model.payload.rows[1].scored = false;
  assert.deepEqual(orderedRows(model, "differs"), [3, 0, 1, 2]);
});

test("a long list with gold begins with the errors, any other with the file", () => {
  assert.equal(firstOrder(rowsOf(101)), "differs");
  assert.equal(firstOrder(rowsOf(100)), "file");
  assert.equal(firstOrder(rowsOf(101, { gold: false })), "file");
});

test("what is typed is text: no sign of it has a meaning", () => {
  const text = searchText({ subject: "Ada", question: "Cost (in $)?", answer: "<b>1.5</b> .* [x]" });
  for (const typed of ["(IN $)", ".*", "[x]", "<b>", " ada "]) assert.ok(holds(text, typed), typed);
  for (const typed of ["1x5", "a.a", "(a|b)"]) assert.equal(holds(text, typed), false, typed);
});

test("an act on listed rows names its tokens before and is one step of undo", () => {
  const model = rowsOf(6);
  const chosen = bulkTargets(model, [0, 1, 2], "chosen");
  assert.deepEqual(chosen, [3, 8, 13]);
  assert.equal(countWords(model, chosen), "3 tokens in 3 rows");
  assert.deepEqual(bulkTargets(model, [5], "gold"), [28]);
  model.force(chosen, "out");
  assert.deepEqual([...model.overrides.forced().keys()], [3, 8, 13]);
  assert.deepEqual(wouldChange(model, [3, 4], "out"), [4]);
  model.undo();
  assert.equal(model.overrides.forced().size, 0);
});

test("words like the locked one are whole words, letter by letter", () => {
  const model = rowsOf(4);
  assert.deepEqual(bulkTargets(model, [0, 1], "words"), []);
  model.setView({ locked: 3 });
  assert.equal(wordAt(model, 3), "Oslo.");
  assert.deepEqual(bulkTargets(model, [2, 0, 1, 3], "words"), [3, 4, 13, 14]);
  model.setView({ locked: 1 });
  assert.deepEqual(bulkTargets(model, [0, 1, 2, 3], "words"), [1, 6, 11, 16]);
});

test("brackets go through the rows as they are listed; n and u go over row borders", () => {
  const model = rowsOf(4);
  model.listed = [3, 0];
  stepRow(model, -1);
  assert.equal(model.view.row, 3);
  stepRow(model, 1);
  assert.equal(model.view.row, 0);
  stepRow(model, 1);
  assert.equal(model.view.row, 0);
  model.setView({ focus: 3 });
  assert.equal(
    jump({ model }, (index) => model.mask.selected[index] === 1),
    "From the first listed row again",
  );
  assert.deepEqual([model.view.row, model.view.locked], [3, 18]);
});

test("a card says gold hits, errors and overrides; a long row has 240 bars", () => {
  const model = rowsOf(1);
  model.force([3], "out");
  const facts = factsOf(model, model.payload.rows[0]);
  assert.equal(signWords(facts), "fact 0/1  ≠1  •1");
  const fused = new Float64Array(10_000).fill(0.2);
  fused[5_000] = 1;
  const bars = sparkPath({ first: 0, count: 10_000 }, fused, () => true)
    .split("M")
    .slice(1);
  assert.equal(bars.length, 240);
  assert.equal(bars.filter((bar) => bar.includes("v-12h")).length, 1);
});

test("counts are told in words", () => {
  assert.deepEqual(
    [shownWords(1, 1), shownWords(3, 1000), shownWords(40, 40)],
    ["1 row", "3 of 1,000 rows", "40 rows"],
  );
});

test("the line of a narrow page says which of the listed rows is shown", () => {
  const row = { subject: "Ada Moss", question: "Who?", answer: "A." };
  assert.equal(drawerWords(row, 2, 20), "3 of 20: Ada Moss");
  assert.equal(drawerWords({ ...row, subject: "" }, 0, 1), "1 of 1: Who?");
  assert.equal(drawerWords(row, -1, 2), "not among the 2 listed: Ada Moss");
});
