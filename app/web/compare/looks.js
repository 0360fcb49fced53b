/** How a run is drawn, the same everywhere on the Compare tab: its colour, then its dash and symbol. Pure. */

/** As many as there are `--tx-run-…` in compare.css. */
export const COLOURS = 8;
const DASHES = ["solid", "dash", "dot", "dashdot"];
const SYMBOLS = {
  run: ["circle", "square", "hexagon", "triangle-up"],
  arm: ["diamond", "cross", "star", "triangle-down"],
};

/**
 * Returns the look of a hue, a whole number from 0: after every eight, the next dash and symbol.
 * @param {number} hue
 * @param {"run"|"arm"} kind
 */
export function lookOf(hue, kind = "run") {
  const round = Math.floor(hue / COLOURS) % DASHES.length;
  return { colour: hue % COLOURS, dash: DASHES[round], symbol: SYMBOLS[kind][round] };
}

/** Returns the colour of a hue as the style sheet names it. */
export function colourName(hue) {
  return `--tx-run-${lookOf(hue).colour}`;
}
