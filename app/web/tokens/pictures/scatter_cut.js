/** Where the rule cuts the plane of knowledge and entropy: the places whose fused score is the cut. Pure. */

import { bend, unbend } from "./scatter_points.js";

const PIECES = 40;

/**
 * Returns the line `[[knowledge, entropy], …]` on which α·K̂ + (1−α)·Ĥ is `cut`, up to the ends of the axes.
 * A scaled value stops at 1, so beyond that the line turns upright, or level. Empty where the rule cuts no
 * line.
 * @param {number} cut 0 to 1
 * @param {number} alpha 0 to 1
 * @param {[number, number]} knowledge the raw values that are scaled to 0 and to 1
 * @param {[number, number]} entropy as well
 * @param {{right: number, top: number}} ends the raw values at which the axes end
 * @returns {[number, number][]}
 */
export function cutLine(cut, alpha, knowledge, entropy, { right, top }) {
  if (!(cut > 0 && cut <= 1) || !(knowledge[1] > knowledge[0]) || !(entropy[1] > entropy[0])) return [];
  const raw = ([low, high], scaled) => low + scaled * (high - low);
  /** @returns {[number, number]} */
  const place = (scaledX, scaledY) => [raw(knowledge, scaledX), raw(entropy, scaledY)];
  if (alpha === 0) return [place(0, cut), [right, raw(entropy, cut)]];
  if (alpha === 1) return [[raw(knowledge, cut), top], place(cut, 0)];
  const upper = Math.min(1, cut / (1 - alpha));
  const last = Math.min(1, cut / alpha);
  const [from, to] = [
    place((cut - (1 - alpha) * upper) / alpha, upper),
    place(last, (cut - alpha * last) / (1 - alpha)),
  ];
  const line = [from, to];
  if (upper === 1) line.unshift([from[0], top]);
  if (last === 1) line.push([right, to[1]]);
  return line;
}

/**
 * Returns a line of straight pieces with the places between that it goes through on bent axes, where it is
 * straight no more.
 * @param {[number, number][]} line
 * @param {{knee: number}} xAxis
 * @param {{knee: number}} yAxis
 * @returns {[number, number][]}
 */
export function bent(line, xAxis, yAxis) {
  return line.flatMap((to, at) => {
    const from = line[at - 1];
    if (!from) return [to];
    // Equal steps of the one axis are none of the other: those of both, in order.
    const shares = [
      [from[0], to[0], xAxis],
      [from[1], to[1], yAxis],
    ].flatMap(([low, high, axis]) => (low === high ? [] : sharesOf(low, high, axis)));
    return [
      ...[...new Set(shares)]
        .sort((a, b) => a - b)
        .map(
          (part) =>
            /** @type {[number, number]} */ ([
              from[0] + part * (to[0] - from[0]),
              from[1] + part * (to[1] - from[1]),
            ]),
        ),
      to,
    ];
  });
}

/** Returns how far along from `low` to `high` the inner ends of equal steps on the bent axis are, 0 to 1. */
function sharesOf(low, high, axis) {
  const [start, end] = [bend(low, axis), bend(high, axis)];
  return Array.from(
    { length: PIECES - 1 },
    (_, at) => (unbend(start + ((at + 1) / PIECES) * (end - start), axis) - low) / (high - low),
  );
}

/**
 * Returns the model's line. Ranks and sigmoids bend it, a scale for each row makes many of it, and words
 * stand elsewhere than the tokens that are cut: then there is none.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 * @param {{xAxis: {knee: number, high: number}, yAxis: {knee: number, high: number}}} points
 */
export function shownLine(model, { xAxis, yAxis }) {
  const { rule, mask } = model;
  if (model.view.words || rule.normalise_over === "row" || mask.threshold === null) return [];
  const ends = { right: xAxis.high, top: yAxis.high };
  const scaled = {
    /** @returns {[number, number]} */
    p99: (signal) => [0, model.scaleOf(signal).limit],
    /** @returns {[number, number]} */
    min_max: (signal) => [model.sorted(signal).at(-1), model.sorted(signal)[0]],
  }[rule.normaliser];
  return scaled
    ? bent(cutLine(mask.threshold, rule.alpha, scaled("knowledge"), scaled("entropy"), ends), xAxis, yAxis)
    : [];
}
