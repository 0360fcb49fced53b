import assert from "node:assert/strict";
import test from "node:test";
import { History } from "../../app/web/model/history.js";

function historyOf() {
  const state = { now: 0, hand: 0 };
  const history = new History(
    "start",
    () => state.now,
    () => state.hand,
  );
  const push = (snapshot, now, hand) => {
    Object.assign(state, { now, hand });
    history.push(snapshot, "alpha");
  };
  return { history, push };
}

test("a drag is one step, however long the hand rests in it; the next one is another", () => {
  const { history, push } = historyOf();
  push("a", 0, 1);
  push("b", 5000, 1);
  push("c", 5100, 2);
  assert.deepEqual([history.past, history.present], [["start", "b"], "c"]);
});

test("keys in a row are one step, those after a pause or a drag are not", () => {
  const { history, push } = historyOf();
  push("a", 0, 0);
  push("b", 700, 0);
  push("c", 1600, 0);
  push("d", 1700, 1);
  push("e", 1800, 0);
  assert.deepEqual(history.past, ["start", "b", "c", "d"]);
});
