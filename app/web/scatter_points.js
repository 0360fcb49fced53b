/** Where the tokens of a set lie in the plane of knowledge and entropy, and which one is meant. Pure. */

const STEPS = [1, 2, 5, 10];

/** Returns whole-numbered ticks from `low` to `high`, about `wanted` of them, at 1, 2 or 5 times a power of ten. */
export function ticks(low, high, wanted = 5) {
  const rough = (high - low) / wanted;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * STEPS.find((each) => each * power >= rough * 0.999);
  const from = Math.ceil(low / step - 1e-9);
  const to = Math.floor(high / step + 1e-9);
  return Array.from({ length: to - from + 1 }, (_, at) => Number(((from + at) * step).toPrecision(12)));
}

/** Returns `[low, high]` of the finite values at `indices`, always with 0; nothing is cut off. */
export function rangeOf(values, indices) {
  let [low, high] = [0, 0];
  for (const index of indices) {
    if (values[index] < low) low = values[index];
    if (values[index] > high) high = values[index];
  }
  return high > low ? [low, high] : [0, 1];
}

/** Returns where a value lies in a range, 0 to 1. */
export function share(value, [low, high]) {
  return (value - low) / (high - low);
}

/**
 * Returns `{indices, x, y, missing, xRange, yRange}`: the tokens that have both values, their places as shares of
 * the plot (x to the right, y up), how many of the set have not, and the ranges of the axes.
 */
export function pointsOf(knowledge, entropy, indices) {
  const xRange = rangeOf(knowledge, indices);
  const yRange = rangeOf(entropy, indices);
  const kept = Array.from(indices).filter((index) => Number.isFinite(knowledge[index]) && Number.isFinite(entropy[index]));
  return {
    indices: Int32Array.from(kept), missing: indices.length - kept.length, xRange, yRange,
    x: Float64Array.from(kept, (index) => share(knowledge[index], xRange)),
    y: Float64Array.from(kept, (index) => share(entropy[index], yRange)),
  };
}

/** Returns the token nearest to a place of the plot within `most` pixels, or null; the plot is width × height. */
export function nearest(points, x, y, width, height, most) {
  let best = null;
  let least = most * most;
  for (let at = 0; at < points.indices.length; at += 1) {
    const distance = ((points.x[at] - x) * width) ** 2 + ((points.y[at] - y) * height) ** 2;
    if (distance > least) continue;
    least = distance;
    best = points.indices[at];
  }
  return best;
}

const WAYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/**
 * Returns the token that an arrow key leads to: the nearest one further that way, with what lies aside counting
 * twice; null where there is none.
 */
export function neighbour(points, index, key) {
  const [right, up] = WAYS[key];
  const here = points.indices.indexOf(index);
  if (here < 0) return points.indices[0] ?? null;
  let best = null;
  let least = Infinity;
  for (let at = 0; at < points.indices.length; at += 1) {
    const [dx, dy] = [points.x[at] - points.x[here], points.y[at] - points.y[here]];
    const along = dx * right + dy * up;
    const distance = along + 2 * Math.abs(dx * up) + 2 * Math.abs(dy * right);
    if (along <= 1e-9 || distance >= least) continue;
    least = distance;
    best = points.indices[at];
  }
  return best;
}
