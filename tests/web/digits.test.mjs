import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { digitsOf } from "../../app/web/text/digits.js";

// Worked out by hand; test_right_to_left.py reads the same file.
const CASES = readFileSync(new URL("../cases/digits.jsonl", import.meta.url), "utf-8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const unitOf = (text) => ({ text: text.trim(), before: text.match(/^\s*/)[0], after: text.match(/\s*$/)[0] });

for (const { what, texts, digits } of CASES) {
  test(what, () => assert.deepEqual(digitsOf(texts.map(unitOf)), digits));
}
