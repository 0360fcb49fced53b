/** A line under a dialog's buttons that says how a piece of work goes, and why it could not be done. */

import { node, setAttributes, setText } from "./dom.js";

/**
 * Returns `{element, attempt, say}`. `attempt(work, done)` shows "…", then the words that `done` makes of the
 * result, or the reason behind `refused`.
 * @param {string} [refused] words before the reason of a failure
 */
export function workNotice(refused = "") {
  const element = node("p", { class: "tu-note", attributes: { role: "status" } });
  const say = (words, kind = null) => {
    setText(element, words);
    setAttributes(element, { "data-kind": kind });
  };
  const attempt = async (work, done) => {
    say("…");
    try {
      say(done(await work()));
    } catch (error) {
      say(`${refused}${error?.message ?? error}`, "error");
    }
  };
  return { element, attempt, say };
}
