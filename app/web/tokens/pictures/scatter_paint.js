/**
 * Paints the plane of knowledge and entropy on a canvas: axes, every token, and its marks as in the strip.
 */

import { node } from "../../dom/dom.js";
import { formatNumber } from "../../text/numbers.js";
import { axisTicks, share } from "./scatter_points.js";

export const MARGIN = { left: 40, right: 12, top: 26, bottom: 36 };
const MOST_MARKED = 4000;

const COLOURS = ["ink", "muted", "line", "accent", "fused"];

/** Returns a hidden node whose children have the colours: a canvas knows nothing of custom properties. */
export function colourProbe() {
  return node(
    "span",
    { attributes: { hidden: true } },
    ...COLOURS.map((name) => node("i", { style: { color: `var(--tu-${name})` } })),
  );
}

/** Returns the colours of a `colourProbe` as they are now, light or dark, and the font. */
export function coloursOf(probe) {
  const colours = COLOURS.map((name, at) => [name, getComputedStyle(probe.children[at]).color]);
  return { ...Object.fromEntries(colours), font: getComputedStyle(probe).fontFamily };
}

/** Returns the colours and the font as they are at `element`, light or dark. */
export function pictureTheme(element) {
  const probe = element.appendChild(colourProbe());
  const theme = coloursOf(probe);
  probe.remove();
  return theme;
}

/** Returns the inner plot `{left, top, width, height}` of a picture. */
export function plotBox(width, height) {
  return {
    left: MARGIN.left,
    top: MARGIN.top,
    width: width - MARGIN.left - MARGIN.right,
    height: height - MARGIN.top - MARGIN.bottom,
  };
}

/**
 * Draws everything. `shown`: `{points, line, box, colours, stateOf, isGold (or null), inRow, locked, hovered,
 * labels}`.
 * @param {CanvasRenderingContext2D} pen
 */
export function paintScatter(pen, shown) {
  const { points, box } = shown;
  paintAxes(pen, shown);
  paintCut(pen, shown);
  /** @returns {[number, number]} */
  const place = (at) => [box.left + points.x[at] * box.width, box.top + (1 - points.y[at]) * box.height];
  const marked = [];
  pen.fillStyle = shown.colours.muted;
  for (let at = 0; at < points.indices.length; at += 1) {
    const index = points.indices[at];
    const state = shown.stateOf(index);
    if (["chosen", "mixed", "in", "out"].includes(state) || shown.isGold?.(index)) marked.push([at, state]);
    const [x, y] = place(at);
    pen.globalAlpha = shown.inRow(index) ? 0.9 : state === "excluded" ? 0.16 : 0.32;
    pen.fillRect(x - 1.5, y - 1.5, 3, 3);
  }
  pen.globalAlpha = 1;
  // A mask over ten thousand tokens would hide itself: then the last marks are left to the points.
  for (const [at, state] of marked.slice(0, MOST_MARKED))
    paintMark(pen, place(at), state, shown, points.indices[at]);
  for (const [index, width] of [
    [shown.hovered, 1.5],
    [shown.locked, 2.5],
  ]) {
    const at = points.indices.indexOf(index);
    if (at >= 0) ring(pen, place(at), 8, width, shown.colours.ink);
  }
}

/** The line of the cut, dashed. */
function paintCut(pen, { line, points, box, colours }) {
  pen.strokeStyle = colours.fused;
  pen.lineWidth = 1.5;
  pen.setLineDash([6, 4]);
  pen.beginPath();
  for (const [knowledge, entropy] of line) {
    pen.lineTo(
      box.left + share(knowledge, points.xAxis) * box.width,
      box.top + (1 - share(entropy, points.yAxis)) * box.height,
    );
  }
  pen.stroke();
  pen.setLineDash([]);
}

function paintMark(pen, [x, y], state, { colours, inRow, isGold }, index) {
  const near = inRow(index);
  if (state === "chosen") {
    pen.fillStyle = colours.fused;
    pen.globalAlpha = near ? 1 : 0.6;
    pen.beginPath();
    pen.arc(x, y, near ? 4.5 : 3, 0, 7);
    pen.fill();
    pen.globalAlpha = 1;
  } else if (state === "mixed") ring(pen, [x, y], near ? 4 : 3, 1.5, colours.fused);
  else if (state === "in" || state === "out")
    stroke(pen, x, y, state === "in" ? colours.accent : colours.ink, state === "in");
  if (!isGold?.(index)) return;
  pen.strokeStyle = colours.ink;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const below of [6.5, 8.5]) {
    pen.moveTo(x - 4, y + below);
    pen.lineTo(x + 4, y + below);
  }
  pen.stroke();
}

/** A plus for forced in, a minus for forced out. */
function stroke(pen, x, y, colour, plus) {
  pen.strokeStyle = colour;
  pen.lineWidth = 2;
  pen.beginPath();
  pen.moveTo(x - 5, y);
  pen.lineTo(x + 5, y);
  if (plus) {
    pen.moveTo(x, y - 5);
    pen.lineTo(x, y + 5);
  }
  pen.stroke();
}

function ring(pen, [x, y], radius, width, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.stroke();
}

function paintAxes(pen, { points, box, colours, labels }) {
  pen.font = `12px ${colours.font}`;
  pen.lineWidth = 1;
  const bottom = box.top + box.height;
  const line = (from, to, strong) => {
    pen.strokeStyle = strong ? colours.muted : colours.line;
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
  };
  pen.fillStyle = colours.muted;
  pen.textAlign = "center";
  for (const value of axisTicks(points.xAxis, box.width < 360 ? 4 : 6)) {
    const x = Math.round(box.left + share(value, points.xAxis) * box.width) + 0.5;
    line([x, box.top], [x, bottom], value === 0);
    pen.fillText(tickWords(value), x, bottom + 15);
  }
  pen.textAlign = "right";
  for (const value of axisTicks(points.yAxis, 4)) {
    const y = Math.round(box.top + (1 - share(value, points.yAxis)) * box.height) + 0.5;
    line([box.left, y], [box.left + box.width, y], value === 0);
    pen.fillText(tickWords(value), box.left - 6, y + 4);
  }
  pen.fillText(labels.x, box.left + box.width, bottom + 32);
  pen.textAlign = "left";
  pen.fillText(labels.y, 2, 12);
}

/** Returns a tick's number, with as many decimals as it has. */
export function tickWords(value) {
  return formatNumber(
    value,
    Number.isInteger(value) ? 0 : Math.min(6, String(value).split(".")[1]?.length ?? 0),
  );
}
