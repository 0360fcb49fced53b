/** One question of the reader's own, answered by the model before and after, side by side. */

import { node } from "./dom.js";

/**
 * Mounts the view; `props.value` is null or `{question, before, after, error}`.
 * @param {{element: HTMLElement, props: object, watch: Function}} contract
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
  if (value.error) return [node("p", { class: "tx-error", attributes: { role: "alert" }, text: value.error })];
  const side = (head, text) => node("div", {}, node("h2", { class: "tx-heading", text: head }), node("p", { class: "tx-answer", text: text || "(nothing)" }));
  return [
    node("p", { class: "tx-question", text: value.question }),
    node("div", { class: "tx-columns" }, side("before", value.before), side("after", value.after)),
  ];
}
