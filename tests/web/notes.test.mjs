/** Notes on overrides: the key, the label, the mark, undo. */

import assert from "node:assert/strict";
import test from "node:test";
import { draftOf } from "../../app/web/model/mask_draft.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { noteOf, shortened, spokenLabel } from "../../app/web/text/strip_marks.js";
import { actFor } from "../../app/web/tokens/strip/keyboard.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

test("c asks for a note, Ctrl+C stays the browser's", () => {
  assert.deepEqual(actFor({ key: "c" }), { act: "note" });
  assert.equal(actFor({ key: "c", ctrlKey: true }), null);
});

test("a note is one step of undo, is in the draft, and leaves the mask as it is", () => {
  const model = new TokensModel(syntheticPayload(2));
  model.force([3], "in");
  const before = [...model.mask.weights];
  model.annotate([3], "the town of her birth");
  assert.equal(draftOf(model).notes[3].note, "the town of her birth");
  assert.ok(draftOf(model).notes[3].time > 0);
  assert.deepEqual([...model.mask.weights], before);
  model.undo();
  assert.deepEqual([model.overrides.note(3), model.overrides.state(3)], ["", "in"]);
  model.redo();
  assert.equal(model.overrides.note(3), "the town of her birth");
  const steps = model.history.past.length;
  model.annotate([3], "the town of her birth");
  assert.equal(model.history.past.length, steps);
});

test("a note is spoken with its token and found in any token of a word", () => {
  const overrides = { note: (index) => ({ 5: "ask Bo" })[index] ?? "" };
  assert.equal(noteOf({ tokens: [4, 5] }, overrides), "ask Bo");
  assert.equal(noteOf({ tokens: [4] }, overrides), "");
  const spoken = spokenLabel({
    unit: { text: "Oslo" },
    position: 0,
    count: 1,
    value: 2,
    unitName: "nats",
    signal: "knowledge",
    sorted: Float64Array.of(2),
    decision: "forced in by hand",
    flags: {},
    words: false,
    note: "ask Bo",
  });
  assert.match(spoken, /forced in by hand, note: ask Bo$/);
});

test("a token of 100,000 letters does not fill its label", () => {
  assert.equal(shortened("a".repeat(100_000)).length, 81);
  assert.equal(shortened("😀".repeat(100), 3), "😀😀😀…");
});
