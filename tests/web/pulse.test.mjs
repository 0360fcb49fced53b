import assert from "node:assert/strict";
import { test } from "node:test";
import { BEAT_MS, newest, Pulse } from "../../app/web/server/pulse.js";

function setup() {
  const seen = { asked: 0, visible: true, timer: null };
  const pulse = new Pulse({
    ask: () => {
      seen.asked += 1;
    },
    visible: () => seen.visible,
    wait: (act, ms) => {
      assert.equal(ms, BEAT_MS);
      seen.timer = act;
      return act;
    },
    cancel: (timer) => {
      if (timer === seen.timer) seen.timer = null;
    },
  });
  return { pulse, seen };
}

test("a page where nothing moves asks for nothing, and one beat after another while a run goes on", () => {
  const { pulse, seen } = setup();
  pulse.heard({ at: 1, busy: false });
  assert.equal(seen.timer, null);
  pulse.heard({ at: 2, busy: true });
  seen.timer();
  pulse.heard({ at: 3, busy: true });
  seen.timer();
  pulse.heard({ at: 4, busy: false });
  assert.deepEqual([seen.asked, seen.timer], [2, null]);
});

test("an answer made before a run was started does not stop the page that follows it", () => {
  const { pulse, seen } = setup();
  pulse.heard({ at: 5, busy: true });
  pulse.heard({ at: 4.9, busy: false });
  assert.notEqual(seen.timer, null);
});

test("a lost answer is asked for again", () => {
  const { pulse, seen } = setup();
  pulse.heard({ at: 1, busy: true });
  for (let beat = 0; beat < 3; beat += 1) seen.timer();
  assert.equal(seen.asked, 3);
});

test("a page in the background waits without asking, and asks when it comes to the front", () => {
  const { pulse, seen } = setup();
  seen.visible = false;
  pulse.heard({ at: 1, busy: true });
  seen.timer();
  assert.equal(seen.asked, 0);
  assert.notEqual(seen.timer, null);
  seen.visible = true;
  pulse.beat();
  assert.equal(seen.asked, 1);
});

test("an answer that was overtaken by a later one changes nothing", () => {
  const keep = newest();
  assert.deepEqual(keep(null), {});
  assert.equal(keep({ at: 2, state: "paused" }).state, "paused");
  assert.equal(keep({ at: 1, state: "saving" }).state, "paused");
  assert.equal(keep({ at: 2, state: "usable" }).state, "usable");
});

test("a server whose clock was set back is heard on", () => {
  const { pulse, seen } = setup();
  const keep = newest();
  keep({ at: 7200, name: "before" });
  pulse.heard({ at: 7200, busy: false });
  assert.equal(keep({ at: 3601, name: "set back" }).name, "set back");
  pulse.heard({ at: 3601, busy: true });
  assert.notEqual(seen.timer, null);
  assert.equal(keep(null).name, "set back");
});
