/**
 * The histogram of the fused score over the set: pale = all, solid = chosen, a cut to drag. Count axis by
 * square root.
 */

import { drawing, node, setAttributes, setHidden, setText } from "../../dom/dom.js";
import { plotSaver } from "../../dom/save_picture.js";
import { takesBestFirst } from "../../score/modes.js";
import { histogramBins } from "../../score/scale.js";
import { fractionAt, rankingScores } from "../../score/summary.js";
import { plural } from "../../text/numbers.js";
import { histogramFigure } from "./printed_pictures.js";
import { pictureTheme } from "./scatter_paint.js";

const BINS = 40;
const HEIGHT = 72;
const STEP = 0.01;

/** Returns `{element, update}`; dragging the cut sets the share or, in other modes, the threshold. */
export function histogram(model) {
  const bars = drawing("path", { class: "tu-hist-all" });
  const solid = drawing("path", { class: "tu-hist-chosen" });
  const picture = drawing(
    "svg",
    {
      attributes: { viewBox: `0 0 ${BINS * 10} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": true },
    },
    bars,
    solid,
  );
  const label = node("span", { class: "tu-cut-label" });
  const cut = node(
    "div",
    {
      class: "tu-cut",
      attributes: {
        role: "slider",
        tabindex: 0,
        "aria-label": "Cut of the fused score",
        "aria-valuemin": 0,
        "aria-valuemax": 1,
      },
    },
    label,
  );
  const plot = node("div", { class: "tu-hist-plot" }, picture, cut);
  const most = node("span");
  const note = node("p", { class: "tu-note" });
  const save = plotSaver(() => ({
    title: `Fused score of all answer tokens, ${plural(model.mask.counts.chosen, "token")} chosen: ${model.set}`,
    figure: (place) => histogramFigure({ ...binsOf(model), cut: shownCut(model) }, pictureTheme(place)),
  }));
  const element = node(
    "section",
    { class: "tu-hist" },
    node("h2", { text: "Fused score of all answer tokens; drag the cut" }),
    plot,
    node("div", { class: "tu-axis" }, node("span", { text: "0" }), most, node("span", { text: "1" })),
    note,
    save,
  );
  listen(
    plot,
    cut,
    (value) => cutAt(model, value),
    (direction) => nudgeCut(model, direction),
  );
  const update = () => {
    const { mask, rule } = model;
    const { all, chosen } = binsOf(model);
    const top = Math.sqrt(Math.max(1, ...all));
    setAttributes(bars, { d: barsPath(all, top) });
    setAttributes(solid, { d: barsPath(chosen, top) });
    setText(most, `highest bar ${plural(Math.max(0, ...all), "token")}, square-root scale`);
    const at = shownCut(model);
    setHidden(cut, at === null);
    setText(note, at === null ? noCutWords(rule) : "");
    setHidden(note, at !== null);
    if (at === null) return;
    cut.style.setProperty("left", `${(100 * Math.min(1, at)).toFixed(2)}%`);
    cut.classList.toggle("is-right", at > 0.8);
    setText(label, `cut ${at.toFixed(2)}`);
    setAttributes(cut, {
      "aria-valuenow": at.toFixed(3),
      "aria-valuetext": `${at.toFixed(3)}, ${plural(mask.counts.chosen, "token")} chosen`,
    });
  };
  return { element, update };
}

/** Returns how many tokens are in each bin, and how many of them are chosen. */
function binsOf({ memory, mask }) {
  return {
    all: memory.once("histogram", mask.fused, () => histogramBins(mask.fused, BINS)),
    chosen: histogramBins(mask.fused, BINS, mask.selected),
  };
}

/** Sets the rule so that it cuts at `value`: the share in top_fraction over the set, else threshold mode. */
export function cutAt(model, value) {
  const { rule, mask, indices } = model;
  if (rule.mode === "top_fraction" && rule.scope === "set") {
    const { fused, excluded } = mask;
    const ranking = model.memory.once("ranking over all", [fused, excluded, rule.whole_words], () =>
      rankingScores(mask, model.columns, indices, rule.whole_words),
    );
    model.setRule({ fraction: fractionAt(value, { fused, ranking }, indices) });
  } else model.setRule({ mode: "threshold", threshold: Math.round(value * 1000) / 1000 });
}

/** Moves the cut by one key press: one token fewer or more, or one step of the threshold. */
export function nudgeCut(model, direction) {
  const { rule, mask } = model;
  if (rule.mode === "top_fraction" && rule.scope === "set") {
    const fraction = rule.fraction - direction / Math.max(1, mask.counts.scored);
    model.setRule({ fraction: Math.min(1, Math.max(0, fraction)) });
  } else cutAt(model, Math.min(1, Math.max(0, (mask.threshold ?? rule.threshold) + direction * STEP)));
}

/**
 * Returns where the cut stands: at the right end while a rule with a cut chooses nothing, null for one
 * without.
 */
export function shownCut({ mask, rule }) {
  const cuts = rule.scope === "set" && takesBestFirst(rule);
  return mask.threshold ?? (cuts ? 1 : null);
}

function noCutWords(rule) {
  if (rule.scope === "row" && takesBestFirst(rule))
    return "Each row has a cut of its own. Click the plot to cut over the set.";
  return "This way of choosing has no cut. Click the plot to choose by one.";
}

/** Returns all bars as one path: one attribute a move, not two of each bar. */
function barsPath(counts, top) {
  return counts
    .map((count, at) => {
      const height = (Math.sqrt(count) / top) * (HEIGHT - 4);
      return count ? `M${at * 10 + 0.75} ${HEIGHT}v${(-height).toFixed(1)}h8.5V${HEIGHT}z` : "";
    })
    .join("");
}

function listen(plot, cut, onCut, onNudge) {
  const valueAt = (event) => {
    const box = plot.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  plot.addEventListener("pointerdown", (event) => {
    plot.setPointerCapture(event.pointerId);
    onCut(valueAt(event));
  });
  plot.addEventListener("pointermove", (event) => {
    if (plot.hasPointerCapture(event.pointerId)) onCut(valueAt(event));
  });
  cut.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    onNudge(step);
  });
}
