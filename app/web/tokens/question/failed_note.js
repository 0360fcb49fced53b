/**
 * The note above the strip of a row that could not be scored: why, and what can be done. Left out, all its
 * tokens are forced out, with the reason as a note.
 */

import { button, node, setHidden, setText } from "../../dom/dom.js";
import { workNotice } from "../../dom/work_notice.js";
import { loadAnew } from "../../model/scores_change.js";
import { isLeftOut } from "../../model/untrained_rows.js";

/**
 * Returns `{element, update}`: a note above the strip of a row that has failed, hidden for any other.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 * @param {{ask: (name: string, data: object) => Promise<any>, say: (words: string) => void}} host
 */
export function failedNote(model, host) {
  const words = node("span");
  const notice = workNotice("Not scored: ");
  const again = button("Try again", () => scoreAgain(model, host, notice), { class: "tu-button" });
  const leave = button("Leave this row out", () => leaveOut(model, model.row), { class: "tu-button" });
  const element = node(
    "div",
    {
      class: "tu-banner tu-failed",
      attributes: { role: "note", "aria-label": "This row could not be scored", hidden: true },
    },
    node("strong", { class: "tu-row-failed", text: "!", attributes: { "aria-hidden": true } }),
    words,
    node("div", { class: "tu-banner-acts" }, again, leave),
    notice.element,
  );
  let shown = null;
  const update = () => {
    setHidden(element, !model.row?.failure);
    if (element.hidden) return;
    if (shown !== model.row.id) notice.say("");
    shown = model.row.id;
    const out = isLeftOut(model, model.row);
    setText(
      words,
      out
        ? `Left out: this row could not be scored. ${model.row.failure}`
        : `This row could not be scored. ${model.row.failure}`,
    );
    setHidden(leave, out);
  };
  return { element, update };
}

async function scoreAgain(model, host, notice) {
  const { id } = model.row;
  const ask = () => host.ask("score_again", { scores_id: model.payload.scores_id, row: model.view.row });
  await notice.attempt(
    () => loadAnew(model, [id], ask),
    () => {
      const failed = model.payload.rows.find((row) => row.id === id)?.failure;
      if (!failed) host.say("The row is scored");
      return failed ? "It failed again." : "";
    },
  );
}

/** Forces all tokens of a row out, with the reason as a note on the first; one undo step. */
function leaveOut(model, { first, count, failure }) {
  const note = `Left out, as it could not be scored: ${failure}`;
  model.override(
    Array.from({ length: count }, (_, at) => ({
      index: first + at,
      state: "out",
      ...(at === 0 ? { note } : {}),
    })),
  );
}
