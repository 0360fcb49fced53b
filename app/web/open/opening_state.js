/** The line that says how far opening has come, with a button to give it up, and why it could not be done. */

import { button, node, setHidden, setText } from "../dom/dom.js";

/** Returns `{element, update(opening)}`; `onCancel()` gives up what is under way, or puts an error away. */
export function openingState(onCancel) {
  const words = node("span", { attributes: { role: "status" } });
  const reason = node("span", { attributes: { role: "alert" } });
  const cancel = button("Cancel", onCancel, { class: "tu-button" });
  const element = node(
    "div",
    { class: "tu-open-state", attributes: { hidden: true } },
    words,
    reason,
    cancel,
  );
  const update = (opening) => {
    setHidden(element, !opening);
    if (!opening) return;
    const failed = opening.state === "error";
    element.dataset.state = opening.state;
    setText(words, failed ? "" : openingWords(opening));
    setText(reason, failed ? failedWords(opening) : "");
    setText(cancel, failed ? "Dismiss" : "Cancel");
    cancel.hidden = failed && !opening.keeps;
  };
  return { element, update };
}

/** Returns "my-model on rows.csv: loading the model, 3 s so far". */
export function openingWords({ text, model, data, keeps }) {
  return `${model} on ${data}: ${text}${keeps ? ". You can go on using what is open." : ""}`;
}

/** Returns why it could not be done, and what is still there. */
export function failedWords({ error, model, data, keeps }) {
  return `${model} on ${data} was not opened. ${error}${keeps ? " What was open still is." : ""}`;
}
