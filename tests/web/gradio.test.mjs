import assert from "node:assert/strict";
import { test } from "node:test";
import { calmFrames } from "../../app/web/page/gradio.js";

test("a loop that counts seconds gets a turn each tenth, every other callback its frame, and later ones the browser's own", () => {
  const asked = [];
  const own = (act) => asked.push(["frame", act]);
  const host = { requestAnimationFrame: own, setTimeout: (act, ms) => asked.push([ms, act]) };
  const leave = calmFrames(host);
  let seconds = NaN;
  const begun = performance.now();
  const count = () => {
    seconds = (performance.now() - begun) / 1000;
  };
  const draw = () => {};
  host.requestAnimationFrame(count);
  host.requestAnimationFrame(draw);
  assert.deepEqual(
    asked.map(([when]) => when),
    [100, "frame"],
  );
  assert.equal(asked[1][1], draw);
  asked[0][1]();
  assert.ok(seconds >= 0);
  leave();
  assert.equal(host.requestAnimationFrame, own);
});
