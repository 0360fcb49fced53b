import assert from "node:assert/strict";
import test from "node:test";
import { markedParts, rangeWords, textAfter, unitsOf } from "../../app/web/text/units.js";
import { exactText } from "../../app/web/tokens/strip/strip_copy.js";

const columns = (spans, word) => ({ start: spans.map(([s]) => s), end: spans.map(([, e]) => e), word });

test("leading space goes outside the chip, whether the offsets hold it or not", () => {
  const inside = unitsOf(
    "a big cat.",
    columns(
      [
        [0, 1],
        [1, 5],
        [5, 9],
        [9, 10],
      ],
      [0, 1, 2, 3],
    ),
    0,
    4,
    false,
  );
  const outside = unitsOf(
    "a big cat.",
    columns(
      [
        [0, 1],
        [2, 5],
        [6, 9],
        [9, 10],
      ],
      [0, 1, 2, 3],
    ),
    0,
    4,
    false,
  );
  assert.deepEqual(inside, outside);
  assert.deepEqual(
    inside.map((unit) => unit.text),
    ["a", "big", "cat", "."],
  );
  assert.deepEqual(
    inside.map((unit) => unit.before),
    ["", " ", " ", ""],
  );
});

test("words join their tokens", () => {
  const units = unitsOf(
    "is Tromsø.",
    columns(
      [
        [0, 2],
        [2, 4],
        [4, 9],
        [9, 10],
      ],
      [0, 1, 1, 2],
    ),
    0,
    4,
    true,
  );
  assert.deepEqual(
    units.map((unit) => unit.text),
    ["is", "Tromsø", "."],
  );
  assert.deepEqual(units[1].tokens, [1, 2]);
  assert.equal(rangeWords(units, 2, 1, 0), "[2:4] “Tromsø.”");
});

test("offsets count code points, and two tokens of one character show it once", () => {
  const units = unitsOf(
    "🙂 ok!",
    columns(
      [
        [0, 1],
        [0, 1],
        [1, 4],
      ],
      [0, 0, 1],
    ),
    0,
    3,
    false,
  );
  assert.deepEqual(
    units.map((unit) => unit.text),
    ["🙂", "·", "ok"],
  );
  assert.equal(units[1].hollow, true);
  assert.equal(
    textAfter(
      "🙂 ok!",
      columns(
        [
          [0, 1],
          [0, 1],
          [1, 4],
        ],
        [],
      ),
      0,
      3,
    ),
    "!",
  );
});

test("a picture of several characters is whole in its first chip, the others stand for its parts", () => {
  const answer = "A 👩‍👩‍👧 and 🇳🇴!";
  // The family is five characters, a flag two; the first token begins with a space, a byte piece has no
  // characters.
  const of = columns(
    [
      [0, 1],
      [1, 3],
      [3, 4],
      [4, 6],
      [6, 6],
      [6, 7],
      [7, 11],
      [11, 13],
      [13, 14],
      [14, 15],
    ],
    [0, 1, 1, 1, 1, 1, 2, 3, 3, 4],
  );
  const units = unitsOf(answer, of, 0, 10, false);
  assert.deepEqual(
    units.map(({ text }) => text),
    ["A", "👩‍👩‍👧", "·", "·", "·", "·", "and", "🇳🇴", "·", "!"],
  );
  assert.deepEqual(
    units.map(({ before }) => before),
    ["", " ", "", "", "", "", " ", " ", "", ""],
  );
  assert.equal(exactText(answer, of, units, 0, 9), answer);
  // One that ends in the middle of a token is left in its pieces.
  assert.deepEqual(
    unitsOf(
      "🇳🇴!",
      columns(
        [
          [0, 1],
          [1, 3],
        ],
        [0, 0],
      ),
      0,
      2,
      false,
    ).map(({ text }) => text),
    ["🇳", "🇴!"],
  );
});

test("a line break breaks the line, keeps the indentation behind it, and has a sign for each", () => {
  const answer = "do:\n\n1. a  \n    b\n";
  const of = columns(
    [
      [0, 2],
      [2, 5],
      [5, 6],
      [6, 7],
      [7, 9],
      [9, 12],
      [12, 15],
      [15, 17],
      [17, 18],
    ],
    Array(9)
      .fill(0)
      .map((_, at) => at),
  );
  const units = unitsOf(answer, of, 0, 9, false);
  assert.deepEqual(
    units.map(({ text }) => text),
    ["do", ":↵↵", "1", ".", "a", "↵", "␣␣␣", "b", "↵"],
  );
  assert.deepEqual(
    units.map(({ after }) => after),
    ["", "\n", "", "", "", "\n", "", "", "\n"],
  );
  assert.deepEqual(
    units.map(({ hollow }) => hollow),
    [false, false, false, false, false, true, true, false, true],
  );
  const indented = unitsOf(
    answer,
    columns(
      [
        [0, 12],
        [12, 17],
      ],
      [0, 1],
    ),
    0,
    2,
    true,
  );
  assert.deepEqual(
    indented.map(({ before, text, after }) => [before, text, after]),
    [
      ["", "do:↵↵1. a↵", "\n"],
      ["    ", "b", ""],
    ],
  );
  const [, word] = unitsOf(
    "a\n   b",
    columns(
      [
        [0, 1],
        [1, 5],
        [5, 6],
      ],
      [0, 1, 1],
    ),
    0,
    3,
    true,
  );
  assert.deepEqual([word.before, word.text, word.after], ["\n   ", "↵b", ""]);
});

test("white space alone gets a sign", () => {
  const units = unitsOf(
    "a\n b",
    columns(
      [
        [0, 1],
        [1, 2],
        [2, 4],
      ],
      [0, 1, 2],
    ),
    0,
    3,
    false,
  );
  assert.deepEqual(
    units.map((unit) => unit.text),
    ["a", "↵", "b"],
  );
});

test("a line break in a word is a sign, space before it goes outside, and what is copied is the answer itself", () => {
  const answer = "is\n\nSt  ora.\nAh";
  const of = columns(
    [
      [0, 2],
      [2, 4],
      [4, 6],
      [6, 7],
      [7, 11],
      [11, 13],
      [13, 15],
    ],
    [0, 1, 1, 2, 2, 3, 4],
  );
  const units = unitsOf(answer, of, 0, 7, true);
  assert.deepEqual(
    units.map((unit) => unit.text),
    ["is", "↵↵St", "ora", ".↵", "Ah"],
  );
  assert.deepEqual(
    units.map((unit) => unit.before),
    ["", "\n", "  ", "", ""],
  );
  assert.deepEqual(
    units.map((unit) => unit.hollow),
    Array(5).fill(false),
  );
  assert.equal(exactText(answer, of, units, 0, 4), answer);
});

test("subject spans cut the question", () => {
  assert.deepEqual(markedParts("Who is Ada?", [[7, 10]]), [
    { text: "Who is ", marked: false },
    { text: "Ada", marked: true },
    { text: "?", marked: false },
  ]);
});
