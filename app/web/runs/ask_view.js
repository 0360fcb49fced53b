/** One question of the reader's own, answered by the model before and after, side by side. */

import { node } from "../dom/dom.js";
import { share } from "../text/numbers.js";

/**
 * Mounts the view; `props.value` is null or `{run, question, before, after, error}`, an answer `{text, cut, fluency}`.
 * @param {MountHost} host
 */
export function mount({ element, props, watch }) {
  const root = element.querySelector(".tx-view") ?? element;
  root.setAttribute("aria-live", "polite");
  const draw = () => root.replaceChildren(...answers(props.value));
  watch("value", draw);
  draw();
}

function answers(value) {
  if (!value) return [];
  if (value.error)
    return [node("p", { class: "tx-error", attributes: { role: "alert" }, text: value.error })];
  const side = (head, { text, cut, fluency }) =>
    node(
      "div",
      {},
      node("h2", { class: "tx-heading", text: head }),
      node("p", { class: "tx-answer", text: text || "(nothing)" }),
      node("p", {
        class: "tx-note",
        text: `fluency ${share(fluency)}${cut ? ` · cut at ${cut} tokens` : ""}`,
      }),
    );
  return [
    node("p", { class: "tx-question", text: value.question }),
    node(
      "div",
      { class: "tx-columns" },
      side(`before ${value.run}`, value.before),
      side(`after ${value.run}`, value.after),
    ),
  ];
}
