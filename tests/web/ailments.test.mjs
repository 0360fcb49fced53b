import assert from "node:assert/strict";
import test from "node:test";
import { ailmentsWords, ailmentText } from "../../app/web/page/ailments.js";

test("an ailment is told with how to mend it", () => {
  assert.equal(ailmentsWords(1), "1 thing is wrong");
  assert.equal(ailmentsWords(2), "2 things are wrong");
  assert.equal(
    ailmentText({ name: "a", found: "It is gone", fix: "Put it back" }),
    "a: It is gone. Put it back.",
  );
  assert.equal(ailmentText({ name: "a", found: "It is gone.", fix: "" }), "a: It is gone.");
});
