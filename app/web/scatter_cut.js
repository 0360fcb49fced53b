/** Where the rule cuts the plane of knowledge and entropy: the places whose fused score is the cut. Pure. */

/**
 * Returns the line `[[knowledge, entropy], …]` on which α·K̂ + (1−α)·Ĥ is `cut`, up to the ends of the axes. A scaled
 * value stops at 1, so beyond that the line turns upright, or level. Empty where the rule cuts no line.
 * @param {number} cut 0 to 1 @param {number} alpha 0 to 1
 * @param {[number, number]} knowledge the raw values that are scaled to 0 and to 1 @param {[number, number]} entropy as well
 * @param {{right: number, top: number}} ends the raw values at which the axes end
 */
export function cutLine(cut, alpha, knowledge, entropy, { right, top }) {
  if (!(cut > 0 && cut <= 1) || !(knowledge[1] > knowledge[0]) || !(entropy[1] > entropy[0])) return [];
  const raw = ([low, high], scaled) => low + scaled * (high - low);
  const place = (scaledX, scaledY) => [raw(knowledge, scaledX), raw(entropy, scaledY)];
  if (alpha === 0) return [place(0, cut), [right, raw(entropy, cut)]];
  if (alpha === 1) return [[raw(knowledge, cut), top], place(cut, 0)];
  const upper = Math.min(1, cut / (1 - alpha));
  const last = Math.min(1, cut / alpha);
  const [from, to] = [place((cut - (1 - alpha) * upper) / alpha, upper), place(last, (cut - alpha * last) / (1 - alpha))];
  return [...(upper === 1 ? [[from[0], top]] : []), from, to, ...(last === 1 ? [[right, to[1]]] : [])];
}

/**
 * Returns the model's line. Ranks and sigmoids bend it, a scale for each row makes many of it, and words stand
 * elsewhere than the tokens that are cut: then there is none.
 * @param {import("./tokens_model.js").TokensModel} model @param {{xRange: number[], yRange: number[]}} points
 */
export function shownLine(model, { xRange, yRange }) {
  const { rule, mask } = model;
  if (model.view.words || rule.normalise_over === "row" || mask.threshold === null) return [];
  const ends = { right: xRange[1], top: yRange[1] };
  const scaled = { p99: (signal) => [0, model.scaleOf(signal).limit], min_max: (signal) => [model.sorted(signal).at(-1), model.sorted(signal)[0]] }[rule.normaliser];
  return scaled ? cutLine(mask.threshold, rule.alpha, scaled("knowledge"), scaled("entropy"), ends) : [];
}
