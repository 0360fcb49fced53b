/** What stands above the tokens where the draft is not kept as it should be. Pure. */

import { NO_ANSWER } from "../server/server_ask.js";
import { RETRY_MS } from "./mask_keeper.js";

/**
 * Returns what a banner says of a draft, "" for nothing: that another one is in its way, why it cannot be
 * saved, or what cannot be read. `time`: ms → text. A server that is gone has a banner of its own.
 */
export function bannerWords(state, damage, time) {
  if (state.kind === "conflict") {
    const at = state.at ? ` at ${time(state.at)}` : "";
    return `This draft was edited elsewhere${at}, in another tab or by another person. What is shown here is not saved.`;
  }
  if (state.kind === "failed")
    return state.reason === NO_ANSWER
      ? ""
      : `Your draft is not saved. ${state.reason} It is tried again every ${RETRY_MS / 1000} seconds.`;
  return damage && `${damage}. What is shown here takes its place at the next save; the file is put aside.`;
}
