import assert from "node:assert/strict";
import { test } from "node:test";
import { Overrides } from "../../app/web/model/overrides.js";

const make = (entries) => {
  let now = 0;
  return new Overrides(entries, () => ++now);
};

test("a drag over many tokens is one step", () => {
  const overrides = make();
  assert.ok(overrides.apply([3, 1, 2].map((index) => ({ index, state: "in" }))));
  assert.deepEqual(
    [...overrides.forced()],
    [
      [1, "in"],
      [2, "in"],
      [3, "in"],
    ],
  );
  assert.ok(overrides.undo());
  assert.equal(overrides.forced().size, 0);
  assert.ok(overrides.redo());
  assert.equal(overrides.forced().size, 3);
  assert.equal(overrides.canRedo, false);
});

test("undo gives back note, state and time of before", () => {
  const overrides = make([{ index: 5, state: "out", note: "a name", time: 9 }]);
  assert.equal(overrides.canUndo, false);
  overrides.apply([{ index: 5, state: "in" }]);
  assert.deepEqual(overrides.entries(), [{ index: 5, state: "in", note: "a name", time: 1 }]);
  overrides.undo();
  assert.deepEqual(overrides.entries(), [{ index: 5, state: "out", note: "a name", time: 9 }]);
});

test("a gesture that changes nothing is no step and keeps the redo", () => {
  const overrides = make();
  overrides.apply([{ index: 0, state: "in" }]);
  overrides.undo();
  assert.equal(overrides.apply([{ index: 0, state: null }]), false);
  assert.ok(overrides.canRedo);
});

test("a new gesture drops the redo", () => {
  const overrides = make();
  overrides.apply([{ index: 0, state: "in" }]);
  overrides.undo();
  overrides.apply([{ index: 1, state: "out" }]);
  assert.equal(overrides.redo(), null);
  assert.deepEqual([...overrides.forced()], [[1, "out"]]);
});

test("rule, in, out, rule, and backwards, all to the same; those that differ begin at rule", () => {
  const overrides = make();
  overrides.apply([{ index: 2, state: "out" }]);
  const seen = [1, 1, 1, -1].map((direction) => {
    overrides.cycle([1, 2], direction);
    return [overrides.state(1), overrides.state(2)];
  });
  assert.deepEqual(seen, [
    ["in", "in"],
    ["out", "out"],
    [null, null],
    ["out", "out"],
  ]);
  assert.equal(overrides.cycle([]), false);
  overrides.apply([{ index: 1, state: "in" }]);
  overrides.cycle([1, 2], 1);
  assert.deepEqual([overrides.state(1), overrides.state(2)], ["in", "in"]);
  overrides.undo();
  assert.deepEqual([overrides.state(1), overrides.state(2)], ["in", "out"]);
});

test("a note alone forces nothing and is kept", () => {
  const overrides = make();
  overrides.apply([{ index: 4, note: "check" }]);
  assert.equal(overrides.note(4), "check");
  assert.equal(overrides.forced().size, 0);
  assert.deepEqual(overrides.entries(), [{ index: 4, state: null, note: "check", time: 1 }]);
});

test("a thousand steps back and forth", () => {
  const overrides = make();
  for (let index = 0; index < 1000; index++) overrides.apply([{ index, state: "in" }]);
  let steps = 0;
  while (overrides.undo()) steps += 1;
  assert.equal(steps, 1000);
  assert.equal(overrides.entries().length, 0);
  while (overrides.redo());
  assert.equal(overrides.forced().size, 1000);
});

test("wrong entries are refused and leave nothing behind", () => {
  const overrides = make();
  assert.throws(
    () =>
      overrides.apply([
        { index: 1, state: "in" },
        { index: 0, state: "maybe" },
      ]),
    /token 0 is 'maybe'/,
  );
  assert.throws(() => overrides.apply([{ index: -1, state: "in" }]), /no token -1/);
  assert.equal(overrides.entries().length, 0);
  assert.equal(overrides.canUndo, false);
});
