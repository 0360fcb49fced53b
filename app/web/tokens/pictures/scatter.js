/**
 * Knowledge × entropy of every token of the set: hover previews, click and Enter lock the same token as in
 * the strip.
 */

import { node, setHidden, setText } from "../../dom/dom.js";
import { atRest } from "../../dom/later.js";
import { plotSaver } from "../../dom/save_picture.js";
import { release } from "../../model/moves.js";
import { decisionOf, shownIndex, textAt, tokensAt } from "../../model/shown_unit.js";
import { sourceLabel } from "../../model/signal_entry.js";
import { plural } from "../../text/numbers.js";
import { shortened, shortNumber, unitState } from "../../text/strip_marks.js";
import { planeFigure } from "./printed_pictures.js";
import { shownLine } from "./scatter_cut.js";
import { colourProbe, coloursOf, paintScatter, pictureTheme, plotBox } from "./scatter_paint.js";
import { nearest, neighbour, pointsOf } from "./scatter_points.js";

const HEIGHT = 260;
const REACH = 14;

/**
 * Returns `{element, update(kinds)}`; drawn when the page is idle and no slider moves, and only while it is
 * in view.
 */
export function scatter(model) {
  const canvas = node("canvas", { attributes: { "aria-hidden": true } });
  const probe = colourProbe();
  const said = node("p", {
    class: "tu-note tu-scatter-said",
    attributes: { id: "tu-scatter-said", "aria-live": "polite" },
  });
  const plot = node(
    "div",
    {
      class: "tu-scatter-plot",
      attributes: {
        role: "application",
        tabindex: 0,
        "aria-label":
          "Knowledge and entropy of every token: arrow keys go to a neighbour, Enter locks it in the strip, Space overrides it, Escape unlocks",
        "aria-roledescription": "scatter plot",
        "aria-describedby": "tu-scatter-said",
      },
    },
    canvas,
    probe,
  );
  const note = node("p", { class: "tu-note" });
  const legend = dotLegend();
  const save = plotSaver(() => {
    const points = shownPoints(model);
    return {
      title: `Knowledge against entropy, every token of the set: ${model.set}`,
      figure: (place) =>
        planeFigure(
          {
            points,
            line: shownLine(model, points),
            kindOf: (index) => stateAt(model, index),
            isGold: goldIn(model),
            labels: axisWords(model),
          },
          pictureTheme(place),
        ),
    };
  });
  const element = node(
    "section",
    { class: "tu-scatter", attributes: { "aria-label": "Knowledge and entropy" } },
    node("h2", { text: "Knowledge against entropy, every token of the set" }),
    plot,
    legend.element,
    said,
    note,
    save,
  );
  const state = { near: null, seen: false, width: 0 };
  const { soon, later } = atRest(() => {
    if (!state.seen || !element.isConnected || state.width < 120) return;
    const points = shownPoints(model);
    const line = shownLine(model, points);
    picture(canvas, model, { points, line }, { ...state, colours: coloursOf(probe) });
    setText(said, saidWords(model, state.near ?? shownIndex(model)));
    setText(note, noteWords(line.length > 0, model.rule.whole_words, points.missing));
    legend.update(model);
  });
  const update = (kinds) => (kinds.has("rule") ? later() : soon());
  new IntersectionObserver(([entry]) => {
    state.seen = entry.isIntersecting;
    soon();
  }).observe(plot);
  new ResizeObserver(() => {
    state.width = plot.clientWidth;
    soon();
  }).observe(plot);
  globalThis.matchMedia?.("(prefers-color-scheme: dark)").addEventListener("change", soon);
  listen(plot, model, state, soon);
  return { element, update };
}

/** Returns the set's points; made anew only for other columns, set or unit. */
export function shownPoints(model) {
  const [knowledge, entropy] = [model.valuesOf("knowledge"), model.valuesOf("entropy")];
  const heads = model.view.words
    ? model.indices.filter((index) => model.wordHeads.has(index))
    : model.indices;
  return model.memory.once("scatter", [knowledge, entropy, model.view.words], () =>
    pointsOf(knowledge, entropy, heads),
  );
}

function picture(canvas, model, drawn, { width, near, colours }) {
  const scale = globalThis.devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale)) {
    Object.assign(canvas, { width: Math.round(width * scale), height: Math.round(HEIGHT * scale) });
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, HEIGHT);
  const { first, count } = model.row;
  // While words are shown, the dot of a word is that of its first token.
  const dotOf = (index) => (index === null ? null : tokensAt(model, index)[0]);
  paintScatter(pen, {
    ...drawn,
    box: plotBox(width, HEIGHT),
    colours,
    stateOf: (index) => stateAt(model, index),
    isGold: goldIn(model),
    inRow: (index) => index >= first && index < first + count,
    locked: dotOf(model.view.locked),
    hovered: dotOf(near ?? model.view.hovered),
    labels: axisWords(model),
  });
}

function stateAt(model, index) {
  return unitState({ tokens: tokensAt(model, index) }, (token) => model.stateOf(token));
}

/** Returns what tells whether a token is the fact, null while that is not shown. */
function goldIn(model) {
  return model.view.gold ? (index) => model.columns.gold?.[index] === 1 : null;
}

/** Returns the words at the axes, with their units. */
export function axisWords(model) {
  const unit = (signal) => (model.unitOf(signal) ? `, ${model.unitOf(signal)}` : "");
  const of = (signal, name) => `${name}: ${sourceLabel(model, model.rule[signal])}${unit(signal)}`;
  return { x: `${of("knowledge", "knowledge")}, log scale →`, y: `↑ ${of("entropy", "entropy")}, log scale` };
}

/** Returns the sentence on one token of the plane, or what to do. */
export function saidWords(model, index) {
  if (index === null || index === undefined)
    return "Point at a dot, or use the arrow keys; a click or Enter locks its token.";
  const { columns, payload } = model;
  const value = (signal) => {
    const number = model.valuesOf(signal)[index];
    return Number.isFinite(number)
      ? `${shortNumber(number)}${model.unitOf(signal) ? ` ${model.unitOf(signal)}` : ""}`
      : "no score";
  };
  const decision = decisionOf(model, tokensAt(model, index));
  const row = payload.rows[columns.row[index]];
  const where =
    row === model.row ? "" : ` Row ${columns.row[index] + 1}, ${shortened(row.subject || row.question, 40)}.`;
  return `“${shortened(textAt(model, index), 40)}”: knowledge ${value("knowledge")}, entropy ${value("entropy")}, ${decision}.${where}`;
}

/**
 * Returns what stands below the plane: what its dashed line is, and how many tokens it cannot show.
 * @param {boolean} line whether there is one
 */
export function noteWords(line, wholeWords, missing) {
  const ofLine =
    line && `Dashed line: cut-off.${wholeWords ? " Tokens below it can be chosen as part of a word." : ""}`;
  const hidden =
    missing > 0 && `${plural(missing, "token")} without both scores ${missing === 1 ? "is" : "are"} hidden.`;
  return [ofLine, hidden].filter(Boolean).join(" ");
}

/** The marks of the dots in words, each drawn as in the plane; the fact's only while it is underlined. */
function dotLegend() {
  const item = (kind, words, glyph = "") =>
    node(
      "span",
      { class: `tu-dot-mark is-${kind}` },
      node("i", { text: glyph, attributes: { "aria-hidden": true } }),
      words,
    );
  const gold = item("gold", "the fact");
  const element = node(
    "p",
    { class: "tu-note tu-dots" },
    item("chosen", "chosen"),
    item("other", "not chosen"),
    item("pale", "in other rows"),
    item("forced", "forced in, out", "+ −"),
    item("ring", "the token shown"),
    gold,
  );
  return { element, update: ({ view }) => setHidden(gold, !view.gold) };
}

function listen(plot, model, state, soon) {
  const at = (event) => {
    const [frame, box] = [plot.getBoundingClientRect(), plotBox(state.width, HEIGHT)];
    const [x, y] = [
      (event.clientX - frame.left - box.left) / box.width,
      1 - (event.clientY - frame.top - box.top) / box.height,
    ];
    return nearest(shownPoints(model), x, y, box.width, box.height, REACH);
  };
  const preview = (index) => {
    state.near = index;
    const here = index !== null && model.columns.row[index] === model.view.row;
    model.setView({ hovered: here ? index : null });
    soon();
  };
  const lock = (index) => {
    if (index === null || index === undefined) return;
    const row = model.columns.row[index];
    if (row !== model.view.row) model.goTo(row);
    state.near = null;
    model.setView({ locked: index, focus: index, hovered: null, anchor: null });
    soon();
  };
  const override = (index, step) => {
    if (index !== null && index !== undefined) model.cycle(tokensAt(model, index), step);
  };
  const unlock = () => {
    preview(null);
    release({ model });
  };
  plot.addEventListener("pointermove", (event) => preview(at(event)));
  plot.addEventListener("pointerleave", () => preview(null));
  plot.addEventListener("click", (event) => lock(at(event)));
  plot.addEventListener("blur", () => preview(null));
  plot.addEventListener("keydown", (event) => {
    if (event.key === "Enter") lock(state.near ?? model.view.locked);
    else if (event.key === " ") override(state.near ?? model.view.locked, event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") unlock();
    else if (event.key.startsWith("Arrow"))
      preview(neighbour(shownPoints(model), state.near ?? model.view.locked, event.key) ?? state.near);
    else return;
    event.preventDefault();
  });
}
