/**
 * The panel beside the strip while facts are marked: how much is marked, how far the learned signal can be
 * trusted.
 */

import { drawing, node, setAttributes, setHidden, setText, tableHead } from "../../dom/dom.js";
import { markedWords } from "../../model/mark_words.js";
import { interval, plural, share } from "../../text/numbers.js";

const WIDTH = 280;
const HEIGHT = 72;
const CHANCE = 0.5;

/**
 * Returns `{element, update}`.
 * @param {import("../../draft/marks_desk.js").MarksDesk} desk
 */
export function marksPanel(model, desk) {
  const count = node("p");
  const state = node("p", { class: "tu-note", attributes: { role: "status" } });
  const body = node("tbody");
  const table = node(
    "table",
    { class: "tu-values tu-trust" },
    tableHead(["", "AUROC", "interval", "P@|gold|"]),
    body,
  );
  const verdict = node("p", { class: "tu-verdict" });
  const curve = learningCurve();
  const trust = node(
    "div",
    {},
    node("h3", { text: "How well it finds facts in rows it has not seen" }),
    verdict,
    table,
    curve.element,
  );
  const element = node(
    "section",
    { class: "tu-learned", attributes: { "aria-label": "Learned from marks", hidden: true } },
    node("h2", { text: "Learned from marks" }),
    count,
    state,
    trust,
  );
  let shown;
  const update = () => {
    setHidden(element, !model.view.marking);
    if (!model.view.marking || !model.row) return;
    const { evidence } = desk;
    setText(count, markedWords(model.marks.rows));
    setText(state, desk.learning);
    if (evidence === shown) return;
    shown = evidence;
    setHidden(trust, evidence === null);
    if (evidence === null) return;
    setText(verdict, evidence.verdict);
    setHidden(table, evidence.table.length === 0);
    body.replaceChildren(...evidence.table.map((line) => trustLine(line)));
    curve.draw(
      evidence.curve,
      evidence.table.find(({ signal }) => signal === "content_words")?.auroc ?? null,
    );
  };
  return { element, update };
}

/** @param {Evidence} line */
function trustLine({ signal, label, auroc, low, high, precision }) {
  return node(
    "tr",
    { class: signal === "learned" ? "is-current" : "" },
    node("th", { text: label, attributes: { scope: "row" } }),
    node("td", { text: share(auroc) }),
    node("td", { text: interval(low, high) }),
    node("td", { text: share(precision) }),
  );
}

/**
 * The learning curve, as a small plot: agreement on rows that were not seen, over the number of marked rows.
 */
function learningCurve() {
  const band = drawing("path", { class: "tu-curve-band" });
  const line = drawing("path", { class: "tu-curve-line" });
  const level = drawing("line", { class: "tu-curve-level" });
  const plot = drawing(
    "svg",
    {
      class: "tu-curve",
      attributes: { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", preserveAspectRatio: "none" },
    },
    band,
    level,
    line,
  );
  const axis = node("div", { class: "tu-axis" }, node("span"), node("span"), node("span"));
  const element = node(
    "figure",
    { class: "tu-curve-figure" },
    node("h3", { text: "Learning curve: AUROC from .5 to 1" }),
    plot,
    axis,
  );
  const draw = (points, content) => {
    setHidden(element, points.length < 2);
    if (points.length < 2) return;
    const paths = curvePaths(points);
    setAttributes(line, { d: paths.line });
    setAttributes(band, { d: paths.band });
    setAttributes(level, {
      x1: 0,
      x2: WIDTH,
      y1: placeOf(content ?? 0),
      y2: placeOf(content ?? 0),
      visibility: content === null ? "hidden" : null,
    });
    const [first, last] = [points[0], points.at(-1)];
    setText(axis.children[0], `${plural(first.rows, "row")}: ${share(first.auroc)}`);
    setText(axis.children[1], content === null ? "" : `dashed: content words ${share(content)}`);
    setText(axis.children[2], `${plural(last.rows, "row")}: ${share(last.auroc)}`);
    setAttributes(plot, { "aria-label": curveWords(points) });
  };
  return { element, draw };
}

/** Returns what the plot says, in words. */
export function curveWords(points) {
  return `AUROC on rows kept apart, by marked rows: ${points.map(({ rows, auroc }) => `${share(auroc)} after ${plural(rows, "row")}`).join(", ")}`;
}

/**
 * Returns the paths `{line, band}` of a learning curve of two points or more; the scale goes from chance to
 * 1.
 */
export function curvePaths(points) {
  const most = points.at(-1).rows || 1;
  const at = (rows) => ((WIDTH * rows) / most).toFixed(1);
  const along = (values) =>
    values.map(({ rows, value }, step) => `${step ? "L" : "M"}${at(rows)} ${placeOf(value)}`).join("");
  const known = points.filter(({ low, high }) => low !== null && high !== null);
  const upper = known.map(({ rows, high }) => ({ rows, value: high }));
  const lower = known.map(({ rows, low }) => ({ rows, value: low })).reverse();
  return {
    line: along(points.map(({ rows, auroc }) => ({ rows, value: auroc }))),
    band: known.length < 2 ? "" : `${along([...upper, ...lower])}Z`,
  };
}

function placeOf(value) {
  return (HEIGHT * (1 - Math.max(0, (value - CHANCE) / (1 - CHANCE)))).toFixed(1);
}
