/** What a combobox finds for what is typed, and where the arrow keys lead. */

import assert from "node:assert/strict";
import test from "node:test";
import { entriesOf, foundGroups, movedTo } from "../../app/web/dom/combobox.js";

const entry = (value, label, help, note = "") => ({ value, label, help, note, disabled: note !== "" });
const GROUPS = [
  {
    label: "Knowledge",
    entries: [
      entry("swap", "name swapped", "Another name stands in its place"),
      entry("prompt", "question hidden", "The whole question is hidden", "needs a question"),
    ],
  },
  { label: "Text alone", entries: [entry("random", "random", "A number drawn for each token")] },
];
const found = (query) => entriesOf(foundGroups(GROUPS, query)).map(({ value }) => value);

test("an entry is found by its name, its sentence or its group, and every word has to be there", () => {
  assert.deepEqual(found(""), ["swap", "prompt", "random"]);
  assert.deepEqual(found("  NAME "), ["swap"]);
  assert.deepEqual(found("drawn"), ["random"]);
  assert.deepEqual(found("text"), ["random"]);
  assert.deepEqual(found("hidden question"), ["prompt"]);
  assert.deepEqual(found("name drawn"), []);
  assert.deepEqual(
    foundGroups(GROUPS, "random").map(({ label }) => label),
    ["Text alone"],
  );
});

test("arrow keys go round, also to what is disabled: its reason is read there", () => {
  const entries = entriesOf(GROUPS);
  assert.equal(movedTo(entries, "swap", "ArrowDown"), "prompt");
  assert.equal(movedTo(entries, "random", "ArrowDown"), "swap");
  assert.equal(movedTo(entries, "swap", "ArrowUp"), "random");
  assert.equal(movedTo(entries, "gone", "ArrowUp"), "random");
  assert.equal(movedTo(entries, "gone", "ArrowDown"), "swap");
  assert.equal(movedTo([], "swap", "ArrowDown"), "");
  assert.equal(movedTo(entries, "swap", "a"), null);
});
