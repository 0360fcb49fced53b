import assert from "node:assert/strict";
import test from "node:test";
import { actFor } from "../../app/web/tokens/strip/keyboard.js";

const key = (name, more = {}) => actFor({ key: name, ...more });

test("plain keys name their act", () => {
  assert.deepEqual(key("ArrowRight"), { act: "move", step: 1 });
  assert.deepEqual(key("1"), { act: "signal", signal: "knowledge" });
  assert.deepEqual(key("w"), { act: "toggle", name: "words" });
  assert.deepEqual(key("["), { act: "row", step: -1 });
});

test("shift widens the range and turns Space round", () => {
  assert.deepEqual(key("ArrowLeft", { shiftKey: true }), { act: "move", step: -1, extend: true });
  assert.deepEqual(key(" "), { act: "override", step: 1 });
  assert.deepEqual(key(" ", { shiftKey: true }), { act: "override", step: -1 });
  assert.deepEqual(key("?", { shiftKey: true }), { act: "help" });
});

test("control only undoes and redoes; every other key stays the browser's", () => {
  assert.deepEqual(key("z", { ctrlKey: true }), { act: "undo" });
  assert.deepEqual(key("Z", { metaKey: true, shiftKey: true }), { act: "redo" });
  assert.deepEqual(key("y", { ctrlKey: true }), { act: "redo" });
  for (const name of ["c", "n", "v", "g"]) assert.equal(key(name, { ctrlKey: true }), null);
  assert.equal(key("ArrowLeft", { altKey: true }), null);
  assert.equal(key("Tab"), null);
});
