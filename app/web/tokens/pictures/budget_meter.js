/** How much the mask takes and how well it meets the marked fact: share, recall, precision, each as a bar. */

import { node, setAttributes, setHidden, setText } from "../../dom/dom.js";
import { countText } from "../../text/numbers.js";

/**
 * Returns `[{name, of, part, help}]`: the share chosen, and where gold is known its recall and precision.
 * Tokens of rows whose gold is not known take no part in precision.
 * @param {{chosen: number, total: number, gold: number, goldChosen: number, judged: number}} counts
 */
export function budgetParts({ chosen, total, gold, goldChosen, judged }) {
  const parts = [{ name: "Chosen", part: chosen, of: total, help: "of all answer tokens of the set" }];
  if (gold === 0) return parts;
  return [
    ...parts,
    {
      name: "Fact recall",
      part: goldChosen,
      of: gold,
      help: "of the tokens that state the fact (gold) are chosen",
    },
    {
      name: "Fact precision",
      part: goldChosen,
      of: judged,
      none: chosen ? "none where the fact is marked" : "none chosen",
      help: "of the chosen tokens state the fact",
    },
  ];
}

/** Returns "67 of 400 (17 %)", or what `none` says of 0. */
export function partWords({ part, of, none = "none" }) {
  return of === 0 ? none : `${countText(part)} of ${countText(of)} (${Math.round((100 * part) / of)} %)`;
}

/** Returns `{element, update}`. */
export function budgetMeter(model) {
  const lines = ["Chosen", "Fact recall", "Fact precision"].map((name) => line(name));
  const none = node("p", { class: "tu-note" });
  const element = node(
    "section",
    { class: "tu-budget", attributes: { "aria-label": "Budget" } },
    node("h2", { text: "What the mask takes" }),
    node("table", {}, node("tbody", {}, ...lines.map((each) => each.element))),
    none,
  );
  const update = () => {
    const parts = budgetParts(model.mask.counts);
    lines.forEach((each, at) => each.update(parts[at]));
    setText(
      none,
      parts.length > 1
        ? "Recall: how much of the fact is chosen. Precision: how much of what is chosen is the fact."
        : "Nobody has marked the fact here, so recall and precision are not known. “Mark facts” changes that.",
    );
  };
  return { element, update };
}

function line(name) {
  const head = node("th", { text: name, attributes: { scope: "row" } });
  const bar = node("div", { class: "tu-meter", attributes: { "aria-hidden": true } });
  const words = node("td");
  const element = node("tr", {}, head, node("td", { class: "tu-budget-bar" }, bar), words);
  const update = (part) => {
    setHidden(element, !part);
    if (!part) return;
    setText(words, partWords(part));
    setAttributes(element, { title: part.help });
    bar.style.setProperty("--tu-part", `${part.of ? ((100 * part.part) / part.of).toFixed(1) : 0}%`);
  };
  return { element, update };
}
