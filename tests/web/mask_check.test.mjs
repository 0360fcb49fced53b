import assert from "node:assert/strict";
import test from "node:test";
import { MaskCheck } from "../../app/web/draft/mask_check.js";

function setup(ask) {
  const states = [];
  const timers = [];
  const check = new MaskCheck({
    ask,
    hash: async (weights) => `h${weights.join("")}`,
    onState: (state) => states.push(state),
    wait: (act, ms) => timers.push({ act, ms }),
    cancel: () => {},
  });
  return { check, states, timers };
}

test("asks 300 ms after the last change and says whether the hashes agree", async () => {
  const { check, states, timers } = setup(async () => ({ hash: "h10", weights_count: 1 }));
  check.changed({ draft: {}, weights: Float64Array.of(1, 0) });
  assert.equal(timers[0].ms, 300);
  await timers[0].act();
  assert.equal(states.at(-1).kind, "same");
  check.changed({ draft: {}, weights: Float64Array.of(1, 1) });
  await timers[1].act();
  assert.deepEqual(states.at(-1), {
    kind: "differs",
    hash: "h11",
    count: 2,
    serverHash: "h10",
    serverCount: 1,
    serverChosen: null,
    serverWeights: null,
  });
});

test("what is confirmed already is not asked again, other weights of the same draft are", async () => {
  const { check, states, timers } = setup(async () => ({ hash: "h10", weights_count: 1 }));
  check.changed({ draft: { alpha: 1 }, weights: Float64Array.of(1, 0) });
  await timers[0].act();
  check.changed({ draft: { alpha: 1 }, weights: Float64Array.of(1, 0) });
  assert.deepEqual([timers.length, states.at(-1).kind], [1, "same"]);
  check.changed({ draft: { alpha: 1 }, weights: Float64Array.of(0, 1) });
  assert.deepEqual([timers.length, states.at(-1).kind], [2, "pending"]);
});

test("an answer to an older question is dropped", async () => {
  let answer;
  const { check, states, timers } = setup(
    () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
  );
  check.changed({ draft: {}, weights: Float64Array.of(1) });
  const first = timers[0].act();
  await new Promise((resolve) => setTimeout(resolve, 5));
  check.changed({ draft: {}, weights: Float64Array.of(0) });
  answer({ hash: "h1", weights_count: 1 });
  await first;
  assert.equal(states.at(-1).kind, "pending");
});

test("a server that fails is named, not trusted", async () => {
  const { check, states, timers } = setup(async () => {
    throw new Error("gone");
  });
  check.changed({ draft: {}, weights: Float64Array.of(1) });
  await timers[0].act();
  assert.equal(states.at(-1).kind, "unreachable");
  assert.equal(states.at(-1).reason, "gone");
});

test("where there was no answer the server is asked again, until it agrees", async () => {
  const server = { there: false };
  const { check, states, timers } = setup(async () => {
    if (!server.there) throw new Error("gone");
    return { hash: "h1", weights_count: 1 };
  });
  check.changed({ draft: {}, weights: Float64Array.of(1) });
  await timers[0].act();
  assert.deepEqual([states.at(-1).kind, timers[1].ms], ["unreachable", 5000]);
  server.there = true;
  await timers[1].act();
  assert.deepEqual([states.at(-1).kind, timers.length], ["same", 2]);
});

test("what waits for the answer is forgotten when something else is asked, not when the same is", async () => {
  const { check, timers } = setup(async (args) => ({ hash: args.hash, weights_count: 1 }));
  const acts = [];
  const first = { draft: { scores_id: "a" }, weights: Float64Array.of(1, 0) };
  check.changed(first);
  check.whenAnswered(() => acts.push("waited"));
  check.changed({ draft: { scores_id: "a" }, weights: Float64Array.of(1, 0) });
  await timers.at(-1).act();
  check.whenAnswered(() => acts.push("at once"));
  assert.deepEqual(acts, ["waited", "at once"]);
  const others = [
    { ...first, weights: Float64Array.of(1, 1) },
    { ...first, draft: { scores_id: "b" } },
  ];
  for (const other of others) {
    check.changed({ ...first, weights: Float64Array.of(0, 1) });
    check.whenAnswered(() => acts.push("of an earlier mask"));
    check.changed(other);
    await timers.at(-1).act();
  }
  check.changed(first);
  check.whenAnswered(() => acts.push("after the end"));
  const asking = timers.at(-1).act();
  check.leave();
  await asking;
  assert.deepEqual([acts.length, check.state.kind], [2, "pending"]);
});
