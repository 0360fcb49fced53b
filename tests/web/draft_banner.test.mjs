/** What a person reads where the draft is not kept: never a banner without a reason, never two for one. */

import assert from "node:assert/strict";
import test from "node:test";
import { bannerWords } from "../../app/web/draft/draft_banner.js";
import { NO_ANSWER } from "../../app/web/server/server_ask.js";

const clock = () => "12:03";

test("a draft that is saved or on its way has no banner", () => {
  for (const kind of ["browser", "loading", "saving", "saved"])
    assert.equal(bannerWords({ kind }, "", clock), "");
});

test("a full disk is said with what happens next, and a server that is gone by its own banner", () => {
  const reason = "The disk is full: No space left on device. Make room on it. What you see is kept.";
  const words = bannerWords({ kind: "failed", reason }, "", clock);
  assert.ok(words.startsWith(`Your draft is not saved. ${reason}`));
  assert.match(words, /What you see is kept\. It is tried again every 5 seconds/);
  assert.equal(bannerWords({ kind: "failed", reason: NO_ANSWER }, "", clock), "");
});

test("a conflict says when, and what cannot be read is named", () => {
  assert.match(bannerWords({ kind: "conflict", at: 1 }, "", clock), /edited elsewhere at 12:03/);
  assert.match(
    bannerWords({ kind: "saved" }, "draft.json cannot be read", clock),
    /^draft.json cannot be read\./,
  );
});
