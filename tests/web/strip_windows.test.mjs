/** Long answers: windows, gaps, what is copied. */

import assert from "node:assert/strict";
import test from "node:test";
import {
  currentWindows,
  firstWindows,
  gapsOf,
  gapWords,
  openGap,
  shownCount,
  unitPlace,
} from "../../app/web/text/strip_windows.js";
import { textAfter, unitsOf } from "../../app/web/text/units.js";
import { exactText } from "../../app/web/tokens/strip/strip_copy.js";

test("an answer of up to 300 tokens is painted whole", () => {
  assert.deepEqual(firstWindows(300, []), [[0, 300]]);
  assert.deepEqual(firstWindows(0, []), [[0, 0]]);
});

test("a longer one has windows of 40 tokens each way round what is chosen, with gaps between", () => {
  const windows = firstWindows(1000, [500]);
  assert.deepEqual(windows, [[460, 541]]);
  assert.deepEqual(gapsOf(windows, 1000), [
    [0, 460],
    [541, 1000],
  ]);
  // At the edge, a gap of a few tokens is not worth its line.
  assert.deepEqual(firstWindows(1000, [45, 960]), [
    [0, 86],
    [920, 1000],
  ]);
});

test("many chosen tokens have smaller windows; too many leave the one round the lock", () => {
  const tenth = Array.from({ length: 10 }, (_, at) => at * 100 + 50);
  const windows = firstWindows(1000, tenth);
  assert.equal(windows.length, 10);
  assert.ok(shownCount(windows) <= 240);
  const all = Array.from({ length: 10_000 }, (_, at) => at);
  assert.deepEqual(firstWindows(10_000, all, [7000]), [[6900, 7101]]);
});

test("a click opens 400 tokens of a gap at a time, and at most 2,000 are painted", () => {
  let windows = openGap([[100, 200]], 200, 10_000);
  assert.deepEqual(windows, [[100, 600]]);
  assert.deepEqual(openGap(windows, 0, 10_000), [[0, 600]]);
  for (let end = 600; end < 9_000; end = windows.at(-1)[1]) windows = openGap(windows, end, 10_000);
  assert.ok(shownCount(windows) <= 2_000);
  assert.ok(windows.at(-1)[1] >= 9_000);
});

test("the focus opens a window where it goes, and what was open stays while the rule moves", () => {
  const units = Array.from({ length: 1000 }, (_, at) => ({ tokens: [at] }));
  const model = { view: { focus: null, locked: null } };
  const first = currentWindows(model, units, (index) => index === 100);
  assert.deepEqual(first, [[60, 141]]);
  assert.equal(
    currentWindows(model, units, (index) => index === 900),
    first,
  );
  model.view.focus = 700;
  assert.deepEqual(
    currentWindows(model, units, () => false),
    [
      [60, 141],
      [660, 741],
    ],
  );
});

test("a gap says how many tokens it holds, and how many are chosen", () => {
  assert.deepEqual(
    [gapWords(1240, 0), gapWords(212, 3), gapWords(1, 0)],
    ["… 1,240 tokens …", "… 212 tokens, 3 chosen …", "… 1 token …"],
  );
});

test("a token of steering characters alone has a chip that can be seen", () => {
  const columns = { start: [0, 1, 2], end: [1, 2, 3], word: [0, 1, 2] };
  const units = unitsOf("\u200f\u0000x", columns, 0, 3, false);
  assert.deepEqual(
    units.map(({ text, hollow }) => [text, hollow]),
    [
      ["·", true],
      ["·", true],
      ["x", false],
    ],
  );
  assert.equal(exactText("\u200f\u0000x", columns, units, 0, 1), "\u200f\u0000");
});

test("a token is found among units of one or several tokens", () => {
  const units = [{ tokens: [5] }, { tokens: [6, 7, 8] }, { tokens: [9] }];
  assert.deepEqual(
    [5, 7, 9, 4, 10, null].map((index) => unitPlace(units, index)),
    [0, 1, 2, -1, -1, -1],
  );
  assert.equal(unitPlace([], 3), -1);
});

for (const [name, pieces] of [
  ["Arabic", ["مرحبا", " بالعالم", "!"]],
  ["Chinese", ["你", "好", "，世界"]],
  ["emoji", ["👩‍👩‍👧", " 😀", "\u{1F1F3}\u{1F1F4}"]],
  ["bidi and NUL", ["a\u202e", "b\u0000c", "\n\n", " d\u202c"]],
  ["markup", ["<img onerror=x>", "$\u007ba}", "</script>", "{{b}}"]],
]) {
  test(`chips and what is copied give back every character: ${name}`, () => {
    const answer = pieces.join("");
    const ends = pieces.map((_, at) => Array.from(pieces.slice(0, at + 1).join("")).length);
    const columns = { start: [0, ...ends.slice(0, -1)], end: ends, word: pieces.map((_, at) => at) };
    const units = unitsOf(answer, columns, 0, pieces.length, false);
    assert.equal(exactText(answer, columns, units, 0, units.length - 1), answer);
    assert.deepEqual(
      units.map((_, at) => exactText(answer, columns, units, at, at)),
      pieces,
    );
    assert.equal(textAfter(answer, columns, 0, pieces.length), "");
  });
}
