/** One question of the reader's own, answered by the model before and after, side by side. */

import { node } from "../dom/dom.js";
import { answerBadge, figureWords } from "./run_card.js";

/**
 * Mounts the view; `props.value` is null or `{run, question, row, given, before, after, error}`, an answer
 * `{text, cut, fluency, fact_joint, …}`, the one after with its badge (app/actions/probe.py); while the models
 * are asked it is `{asking}`, the question.
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
  if (value.asking !== undefined)
    return [
      node("p", { class: "tx-question", text: value.asking }),
      node("p", { class: "tx-note", text: "Asking both models. This takes some seconds." }),
    ];
  if (value.error)
    return [node("p", { class: "tx-error", attributes: { role: "alert" }, text: value.error })];
  const side = (head, answer) =>
    node(
      "div",
      {},
      node("h2", { class: "tx-heading", text: head }),
      node("p", { class: "tx-answer", text: answer.text || "(nothing)" }),
      node(
        "p",
        { class: "tx-note tx-said" },
        answer.badge ? answerBadge(answer) : null,
        node("span", { text: measuredWords(answer) }),
      ),
    );
  return [
    node("p", { class: "tx-question", text: value.question }),
    node(
      "div",
      { class: "tx-columns" },
      side(`before ${value.run}`, value.before),
      side(`after ${value.run}`, value.after),
    ),
    node("p", { class: "tx-note", text: [judgedWords(value), value.given].filter(Boolean).join(" ") }),
  ];
}

/** Returns "fluency −2.50 · fact .00, 1 of 4 words of the fact is gone: “the”". Pure. */
export function measuredWords(answer) {
  const cut = answer.cut ? [`cut at ${answer.cut} tokens`] : [];
  return [...figureWords(answer), ...cut].join(" · ");
}

/** Returns by what the answer is judged. Pure. */
export function judgedWords({ row }) {
  return row
    ? `Asked and judged as the probe does, by row ${row}.`
    : "No row of the run asks this, so no fact says whether it is forgotten: only garbled answers and refusals are told.";
}
