/** The legend under the strip: the colour scale, then each mark drawn as on the chips, its word in it. */

import { node, setAttributes, setHidden } from "../../dom/dom.js";
import { markedBy } from "../../model/mark_words.js";
import { fullWeight, GLYPHS, shortNumber } from "../../text/strip_marks.js";

/** The marks as they stand, each `[kind, word, glyph]`. */
const MARKS = [
  ["chosen", "chosen", GLYPHS.chosen],
  ["weight", "weight", ""],
  ["in", "forced in", GLYPHS.in],
  ["out", "forced out", GLYPHS.out],
  ["mixed", "in part", GLYPHS.mixed],
  ["excluded", "left out", GLYPHS.excluded],
  ["subject", "name", ""],
  ["unscored", "no score", ""],
  ["gold", "the fact", ""],
  ["fact", "marked: fact", ""],
  ["other", "marked: not the fact", ""],
];
// What is true stands above the text (marks.css), what is chosen round and below it.
const TRUTHS = ["gold", "fact", "other"];

/**
 * Returns `{element, update}`; `scale` is the colour scale of the signal that is shown.
 * @param {HTMLElement} scale
 */
export function stripLegend(model, scale) {
  const marks = new Map(MARKS.map(([kind, word, glyph]) => [kind, mark(kind, word, glyph)]));
  const element = node(
    "div",
    { class: "tu-marks", attributes: { role: "group", "aria-label": "Legend" } },
    scale,
    ...marks.values(),
  );
  const update = () => {
    const shown = new Map(/** @type {[string, string][]} */ (shownMarks(model)));
    for (const [kind, each] of marks) {
      setHidden(each, !shown.has(kind));
      setAttributes(each, { title: shown.get(kind) ?? null });
    }
    marks.get("gold").classList.toggle("is-gold", model.view.gold);
  };
  return { element, update };
}

function mark(kind, word, glyph) {
  const drawn = TRUTHS.includes(kind)
    ? { class: "tu-mark", attributes: { "data-mark": kind } }
    : { class: `tu-mark is-${kind}` };
  return node(
    "span",
    drawn,
    node("span", { class: "tu-text", text: word }),
    node("span", { class: "tu-glyph", text: glyph, attributes: { "aria-hidden": true } }),
  );
}

/**
 * Returns the marks that the strip may show now, each `[kind, what it means]`.
 * @returns {string[][]}
 */
export function shownMarks(model) {
  const { rule, view, mask } = model;
  const soft = rule.mode === "soft";
  const skipped = [
    rule.exclude_subjects && "names",
    rule.exclude_stop_words && "stop words",
    rule.exclude_punctuation && "punctuation",
  ].filter(Boolean);
  const ofRow = new Set(view.gold ? model.unitMarks() : []);
  const truths = [
    mask.counts.gold > 0 &&
      (view.gold || view.marking) && ["gold", `What ${markedBy(model)} marked as the fact`],
    (view.marking || ofRow.has("fact")) && ["fact", "You say that it is the fact"],
    (view.marking || ofRow.has("other")) && ["other", "You say that it is not the fact"],
  ];
  const choices = [
    soft
      ? [
          "weight",
          `How much the token counts in training: the thicker the bar, the more. The thickest is ${shortNumber(fullWeight(model))}; the mean is 1`,
        ]
      : ["chosen", "Will be unlearned: the rule has chosen it"],
    ["in", `Will be unlearned${soft ? ", with weight 1" : ""}: a person has decided so`],
    ["out", "Stays: a person has decided so"],
    view.words && ["mixed", "Only some tokens of the word are chosen or forced"],
    skipped.length > 0 && ["excluded", `The rule never takes it: ${skipped.join(", ")}`],
  ];
  const tokens = [
    model.indices.some((index) => model.columns.subject[index] === 1) && [
      "subject",
      "Part of the name that the row is about",
    ],
    model.indices.some((index) => !Number.isFinite(mask.fused[index])) && [
      "unscored",
      "Not measured, which is not 0: it cannot be chosen by the rule",
    ],
  ];
  // While facts are marked, what is chosen is not drawn.
  return [...(view.marking ? [] : choices), ...tokens, ...truths].filter(Boolean);
}
