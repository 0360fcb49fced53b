import assert from "node:assert/strict";
import test from "node:test";
import { digitsOf } from "../../app/web/digits.js";

const units = (texts) => texts.map((text) => ({ text: text.trim(), before: text.match(/^\s*/)[0], after: "" }));

test("the digits of a number go on, those of another number begin anew", () => {
  const found = digitsOf(units(["عام", " 1", "9", "-", "4", "5", " 7", ",", " 8", "."]));
  assert.deepEqual(found, ["", "first", "on", "", "on", "on", "first", "", "first", ""]);
});

test("after Latin letters a number belongs to them; letters and other signs are no digits", () => {
  assert.deepEqual(digitsOf(units(["שנת", " Area", " 5", "1", " בעיר", " 12.", "03", "st", " ٣"])),
    ["", "", "on", "on", "", "first", "on", "", "on"]);
});

test("a line break ends a number", () => {
  const [one, two] = units(["1", "2"]);
  assert.deepEqual(digitsOf([{ ...one, after: "\n" }, two]), ["first", "first"]);
});

test("digits whose bytes are several tokens are one number", () => {
  assert.deepEqual(digitsOf(units(["و", " ١", "·", "٢", "·"])), ["", "first", "", "on", ""]);
});
