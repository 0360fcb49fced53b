/** Where the tokens of a set lie in the plane of knowledge and entropy, and which one is meant. Pure. */

// Most tokens score next to nothing and a few a thousand times as much: on straight axes they all lie in one
// corner. So an axis is straight up to its knee, about the median, and logarithmic beyond it, on both sides
// of 0.

const STEPS = [1, 2, 5, 10];

/**
 * Returns the axis `{low, high, knee}` of the finite values at `indices`, always with 0, nothing cut off. The
 * knee is the power of ten at or below the median of what is not 0.
 */
export function axisOf(values, indices) {
  let [low, high] = [0, 0];
  const sizes = [];
  for (const index of indices) {
    if (values[index] < low) low = values[index];
    if (values[index] > high) high = values[index];
    if (Math.abs(values[index]) > 0) sizes.push(Math.abs(values[index]));
  }
  if (!(high > low)) return { low: 0, high: 1, knee: 1 };
  const median = Float64Array.from(sizes).sort()[sizes.length >> 1];
  return { low, high, knee: 10 ** Math.floor(Math.log10(median) + 1e-9) };
}

/** Returns a value on the bent scale of an axis: 0 at 0, the knee at log 2, odd. */
export function bend(value, { knee }) {
  return Math.sign(value) * Math.log1p(Math.abs(value) / knee);
}

/** Returns the value at a place of the bent scale. */
export function unbend(place, { knee }) {
  return Math.sign(place) * knee * Math.expm1(Math.abs(place));
}

/** Returns where a value lies on an axis, 0 to 1. */
export function share(value, axis) {
  const low = bend(axis.low, axis);
  return (bend(value, axis) - low) / (bend(axis.high, axis) - low);
}

/**
 * Returns about `wanted` ticks of an axis, ascending: 0 and powers of ten beyond the knee, or where there are
 * few equal steps.
 */
export function axisTicks(axis, wanted) {
  const { low, high, knee } = axis;
  const sizes = [];
  for (let power = Math.round(Math.log10(knee)); 10 ** power <= Math.max(high, -low) * (1 + 1e-9); power += 1)
    sizes.push(Number(`1e${power}`));
  if (sizes.length < 3) return spread(steps(low, high, wanted), axis, wanted);
  const powers = [...sizes.map((size) => -size), 0, ...sizes].filter(
    (value) => value >= low && value <= high * (1 + 1e-9),
  );
  return spread(
    powers.sort((a, b) => a - b),
    axis,
    wanted,
  );
}

/**
 * Returns those of the ticks that keep their distance, 0 before all others and the far ones before the near.
 */
function spread(values, axis, wanted) {
  const kept = [];
  for (const value of [...values].sort(
    (a, b) => Number(b === 0) - Number(a === 0) || Math.abs(b) - Math.abs(a),
  )) {
    if (kept.every((each) => Math.abs(share(each, axis) - share(value, axis)) >= 0.5 / wanted))
      kept.push(value);
  }
  return kept.sort((a, b) => a - b);
}

/** Returns equal steps from `low` to `high`, about `wanted` of them, at 1, 2 or 5 times a power of ten. */
export function steps(low, high, wanted = 5) {
  const rough = (high - low) / wanted;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * STEPS.find((each) => each * power >= rough * 0.999);
  const from = Math.ceil(low / step - 1e-9);
  const to = Math.floor(high / step + 1e-9);
  return Array.from({ length: to - from + 1 }, (_, at) => Number(((from + at) * step).toPrecision(12)));
}

/**
 * Returns `{indices, x, y, missing, xAxis, yAxis}`: the tokens that have both values, their places as shares
 * of the plot (x to the right, y up), how many of the set have not, and the axes.
 */
export function pointsOf(knowledge, entropy, indices) {
  const xAxis = axisOf(knowledge, indices);
  const yAxis = axisOf(entropy, indices);
  const kept = Array.from(indices).filter(
    (index) => Number.isFinite(knowledge[index]) && Number.isFinite(entropy[index]),
  );
  return {
    indices: Int32Array.from(kept),
    missing: indices.length - kept.length,
    xAxis,
    yAxis,
    x: Float64Array.from(kept, (index) => share(knowledge[index], xAxis)),
    y: Float64Array.from(kept, (index) => share(entropy[index], yAxis)),
  };
}

/**
 * Returns the token nearest to a place of the plot within `most` pixels, or null; the plot is width × height.
 */
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
 * Returns the token that an arrow key leads to: the nearest one further that way, with what lies aside
 * counting twice; null where there is none.
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
