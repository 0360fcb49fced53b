import assert from "node:assert/strict";
import test from "node:test";
import { fromAddress, toAddress } from "../../app/web/draft/address.js";

test("the address holds ids and keeps what else stands there", () => {
  assert.equal(
    toAddress("?__theme=dark&row=old", { row: "r 1", signal: "all", token: null }),
    "?__theme=dark&row=r+1&signal=all",
  );
  assert.deepEqual(fromAddress("?row=r+1&signal=all&token=12"), { row: "r 1", signal: "all", token: 12 });
  assert.deepEqual(fromAddress("?signal=<b>&token=-1"), { row: null, signal: null, token: null });
  assert.equal(
    toAddress("?row=old&token=3", { row: "r", signal: "fused", token: 0 }),
    "?row=r&token=0&signal=fused",
  );
  assert.equal(
    toAddress("?row=old&token=3", { row: "r", signal: "fused", token: null }),
    "?row=r&signal=fused",
  );
});
