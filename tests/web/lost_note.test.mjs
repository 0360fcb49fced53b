import assert from "node:assert/strict";
import { test } from "node:test";
import { lostWords } from "../../app/web/tokens/masks/lost_note.js";

test("overrides without a place are counted, and the first ones named", () => {
  const lost = [1, 2, 3, 4, 5].map((number) => ({
    row: `r${number}`,
    text: ` t${number}`,
    state: [null, "in", "out"][number % 3],
  }));
  assert.equal(lostWords([]), "");
  assert.equal(
    lostWords(lost.slice(0, 1)),
    "1 override could not be placed, as the text is another one now: “t1” in r1 (forced in).",
  );
  assert.equal(
    lostWords(lost),
    "5 overrides could not be placed, as the text is another one now: “t1” in r1 (forced in), “t2” in r2 (forced out), “t3” in r3 (a note), 2 more.",
  );
});
