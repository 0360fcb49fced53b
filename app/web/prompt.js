/** The question above the strip, its subject underlined, and the banners that say when not to trust a score. */

import { button, node, setText } from "./dom.js";
import { markedParts } from "./units.js";

/** Returns `{element, update}`. */
export function promptView(model) {
  const question = node("p", { class: "tu-prompt" });
  const warning = node("span");
  const act = button("Use contrast", () => model.setRule({ knowledge: "contrast" }), { class: "tu-button" });
  const banner = node("div", { class: "tu-banner", attributes: { role: "note", hidden: true } }, warning, act);
  const element = node("div", {}, banner, question);
  let shown = null;
  const update = () => {
    const { row } = model;
    if (!row) return question.replaceChildren();
    if (row !== shown) question.replaceChildren(...markedParts(row.question, row.subject_spans ?? []).map(({ text, marked }) => (
      marked ? node("u", { text, attributes: { title: "the subject: what the knowledge mask changes" } }) : text)));
    shown = row;
    const words = bannerWords(row);
    banner.hidden = words === "";
    setText(warning, words);
    act.hidden = !row.unique_question || !model.signals.includes("contrast") || model.rule.knowledge === "contrast";
    return undefined;
  };
  return { element, update };
}

/** Returns the warning for a row, or "". */
export function bannerWords(row) {
  if (row.unique_question) {
    return "Each question occurs once here: masking is not to be trusted. Contrast is the better signal.";
  }
  if (row.subject_source === "none") {
    return "No name shared by question and answer: knowledge uses the whole question here.";
  }
  if (row.subject_source === "proposed") return `Subject proposed, not given by the data: “${row.subject}”.`;
  return "";
}
