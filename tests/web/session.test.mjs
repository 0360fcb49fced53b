import assert from "node:assert/strict";
import test from "node:test";
import { fromAddress, readDraft, toAddress } from "../../app/web/session.js";

test("the address holds ids and keeps what else stands there", () => {
  assert.equal(toAddress("?__theme=dark&row=old", { row: "r 1", signal: "all" }), "?__theme=dark&row=r+1&signal=all");
  assert.deepEqual(fromAddress("?row=r+1&signal=all"), { row: "r 1", signal: "all" });
  assert.deepEqual(fromAddress("?signal=<b>"), { row: null, signal: null });
});

test("a broken or forbidden store is an empty draft", () => {
  assert.deepEqual(readDraft({ getItem: () => "{" }, "s"), {});
  assert.deepEqual(readDraft({ getItem: () => { throw new Error("denied"); } }, "s"), {});
  assert.deepEqual(readDraft({ getItem: () => null }, "s"), {});
});
