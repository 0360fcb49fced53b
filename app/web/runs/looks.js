/** How a run is drawn, the same on every tab: its colour, then its dash and symbol. */

import { node } from "../dom/dom.js";
import { coloursAt } from "../dom/plotly.js";

/** As many as there are `--tx-run-…` in tokens.css. */
export const COLOURS = 8;
const DASHES = ["solid", "dash", "dot", "dashdot"];
const SYMBOLS = {
  run: ["circle", "square", "hexagon", "triangle-up"],
  arm: ["diamond", "cross", "star", "triangle-down"],
};

/**
 * Returns the look of a hue, pure, a whole number from 0: after every eight, the next dash and symbol.
 * @param {number} hue
 * @param {"run"|"arm"} kind
 */
export function lookOf(hue, kind = "run") {
  const round = Math.floor(hue / COLOURS) % DASHES.length;
  return { colour: hue % COLOURS, dash: DASHES[round], symbol: SYMBOLS[kind][round] };
}

/** Returns the colour of a hue as the style sheet names it. Pure. */
export function colourName(hue) {
  return `--tx-run-${lookOf(hue).colour}`;
}

/** Returns every colour of runs as it is at `element`, in light or dark. */
export function runColours(element) {
  return coloursAt(
    element,
    Array.from({ length: COLOURS }, (_, hue) => colourName(hue)),
  );
}

/** Returns the series of runs, each with the colour and the dash of its run as they are at `element`. */
export function lookedAs(series, element) {
  const colours = runColours(element);
  return series.map((each) => {
    const { colour, dash } = lookOf(each.hue);
    return { ...each, colour: colours[colour], dash };
  });
}

/** Returns the dot in the colour of a run, which stands before its name wherever that is listed. */
export function hueDot(hue) {
  return node("span", {
    class: "tx-hue",
    style: { background: `var(${colourName(hue)})` },
    attributes: { "aria-hidden": true },
  });
}
