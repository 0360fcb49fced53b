/**
 * The question above the strip, its subject underlined, and the banners that say when not to trust a score.
 */

import { button, node, setAttributes, setHidden, setText } from "../../dom/dom.js";
import { wantOpen } from "../../server/shared_value.js";
import { adapterRaises, figureHelp, rowKnownWords } from "../../text/known.js";
import { wordsTouched } from "../../text/subject_words.js";
import { markedParts } from "../../text/units.js";
import { failedNote } from "./failed_note.js";
import { subjectEditor } from "./subject_editor.js";

/** Returns `{element, update}`; `host` is that of the subject's form. */
export function promptView(model, host) {
  const question = node("p", { class: "tu-prompt" });
  const warning = node("span");
  const act = button("Use contrast", () => model.setRule({ knowledge: "contrast" }), { class: "tu-button" });
  const banner = node(
    "div",
    { class: "tu-banner", attributes: { role: "note", hidden: true } },
    warning,
    act,
  );
  const known = node("span", { class: "tu-note tu-known" });
  const teach = button("Teach these rows…", () => wantOpen("teach"), {
    class: "tu-toggle",
    attributes: { hidden: true },
  });
  const editor = subjectEditor(model, host);
  const failed = failedNote(model, host);
  const element = node(
    "div",
    {},
    failed.element,
    banner,
    node("div", { class: "tu-asked" }, question, editor.toggle),
    node("div", { class: "tu-known-line" }, known, teach),
    editor.element,
  );
  question.addEventListener("pointerup", () => {
    const words = selectedWords(question);
    if (words) editor.open(words);
  });
  let shown = null;
  const update = () => {
    const { row } = model;
    if (!row) return question.replaceChildren();
    if (row !== shown)
      question.replaceChildren(
        ...markedParts(row.question, row.subject_spans ?? []).map(({ text, marked }) =>
          marked
            ? node("u", { text, attributes: { title: "the subject: what the knowledge mask changes" } })
            : text,
        ),
      );
    shown = row;
    editor.update();
    failed.update();
    setText(known, rowKnownWords(row.known));
    setAttributes(known, { title: figureHelp(row.known) || null });
    setHidden(teach, !row.known || row.known.word === "yes");
    known.classList.toggle("is-unknown", row.known?.word === "no");
    // Nothing is switched off where there is none: all contrasts are 0.
    const adapted = model.payload.model?.adapter !== "none";
    const raised = adapted && adapterRaises(model, row);
    const swaps = model.rule.knowledge !== "contrast";
    const words = bannerWords(row, adapted, raised, swaps);
    setHidden(banner, words === "");
    setText(warning, words);
    setHidden(act, !raised || !row.unique_question || !swaps);
    return undefined;
  };
  return { element, update };
}

/** Returns the whole words of the question that are selected in it, or "". */
function selectedWords(question) {
  const selection = globalThis.getSelection();
  if (
    !selection ||
    selection.isCollapsed ||
    !question.contains(selection.anchorNode) ||
    !question.contains(selection.focusNode)
  )
    return "";
  const range = selection.getRangeAt(0);
  const before = document.createRange();
  before.setStart(question, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = before.toString().length;
  return wordsTouched(question.textContent, start, start + range.toString().length);
}

/**
 * Returns the warnings for a row, or ""; `adapted`: the model has an adapter that a contrast can switch off,
 * `raised`: it makes what the row says likelier (null: not measured), without which a contrast finds nothing
 * of it; `swaps`: the rule's knowledge is no contrast, which needs no other question.
 */
export function bannerWords(row, adapted = true, raised = null, swaps = true) {
  const {
    question,
    subject,
    given_subject: given,
    subject_source: source,
    subject_spans: spans,
    unique_question: unique,
  } = row;
  if (question === "" && source === "none")
    return "Plain text: there is no question to hide, so knowledge is not known here. Give a subject, or choose by entropy (α = 0).";
  const answerOnly =
    subject &&
    question !== "" &&
    spans?.length === 0 &&
    `“${subject}” occurs only in the answer: nothing of the question is hidden.`;
  if (source === "edited")
    return [`Subject given by hand: “${subject}”.`, answerOnly].filter(Boolean).join(" ");
  const elsewhere =
    given && `The data’s subject, “${given}”, occurs neither in the question nor in the answer.`;
  const ofSubject = {
    none: [elsewhere, "No name shared by question and answer: knowledge uses the whole question here."]
      .filter(Boolean)
      .join(" "),
    proposed: elsewhere
      ? `${elsewhere} Subject proposed instead: “${subject}”.`
      : `Subject proposed, not given by the data: “${subject}”.`,
    row: answerOnly,
  }[source];
  const alone = unique && swaps;
  const ofQuestion = alone && "No other row asks this question, so swapping names tells you little.";
  return [ofSubject, ofQuestion, alone && insteadWords(adapted, raised)].filter(Boolean).join(" ");
}

function insteadWords(adapted, raised) {
  if (!adapted) return "The model has no adapter, so there is no contrast either: choose by entropy (α = 0).";
  if (raised === null) return "";
  return raised
    ? "Contrast is the better signal."
    : "The adapter does not make this answer likelier, so contrast tells you no more.";
}
