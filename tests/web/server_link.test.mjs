import assert from "node:assert/strict";
import { test } from "node:test";
import { freshOf, newsWords } from "../../app/web/page/run_news.js";
import { AGAIN_MS, ServerLink } from "../../app/web/server/server_link.js";
import { SharedValue } from "../../app/web/server/shared_value.js";
import { trainingWords } from "../../app/web/tokens/masks/mask_bar.js";

test("a link looks again until the server is back, and tells each change once", async () => {
  const seen = { there: true, told: [], timer: null };
  const link = new ServerLink({
    reach: async () => seen.there,
    cancel: () => {
      seen.timer = null;
    },
    wait: (act, ms) => {
      assert.equal(ms, AGAIN_MS);
      seen.timer = act;
      return act;
    },
  });
  link.subscribe((gone) => seen.told.push(gone));
  assert.equal(await link.check(), true);
  assert.deepEqual([seen.told, seen.timer], [[], null]);
  seen.there = false;
  assert.deepEqual(await Promise.all([link.check(), link.check()]), [false, false]);
  await seen.timer();
  assert.deepEqual(seen.told, [true]);
  seen.there = true;
  await seen.timer();
  assert.deepEqual([seen.told, seen.timer], [[true, false], null]);
});

test("a shared value of the same content is no news, and who has left hears none", () => {
  const told = [];
  const value = new SharedValue(null);
  const leave = value.subscribe((each) => told.push(each));
  value.set({ id: "run-1", mask: "a" });
  value.set({ id: "run-1", mask: "a" });
  value.set(null);
  leave();
  value.set({ id: "run-2", mask: "b" });
  assert.deepEqual(told, [{ id: "run-1", mask: "a" }, null]);
});

test("only runs that finish while one looks are news", () => {
  const [first, second] = ["run-1", "run-2"].map((id) => ({ run_id: id, see: "See there." }));
  assert.deepEqual(freshOf(null, [first]), []);
  assert.deepEqual(freshOf([first], [second, { ...first }]), [second]);
});

test("the news say of each kind of run where to look", () => {
  const run = (id, see) => ({ run_id: id, see });
  assert.equal(
    newsWords([run("run-1", "See A."), run("run-2", "See A.")]),
    "run-1 and run-2 finished. See A.",
  );
  assert.equal(
    newsWords([run("run-1", "See A."), run("run-2", "See B.")]),
    "run-1 finished. See A. run-2 finished. See B.",
  );
});

test("the bar says which mask is being trained", () => {
  assert.equal(trainingWords(null, "abc"), "");
  assert.match(trainingWords({ id: "run-1", mask: "abc" }, "abc"), /^run-1 trains this mask/);
  assert.match(
    trainingWords({ id: "run-2", mask: "def", control: "random, same count" }, "abc"),
    /^run-2 trains the control “random, same count”;/,
  );
  assert.match(
    trainingWords({ id: "run-1", mask: "0123456789" }, "abc"),
    /^run-1 trains another mask, 01234567; changes here do not reach it/,
  );
});
