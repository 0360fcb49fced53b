// What is remembered between two moves changes nothing; the order is that of a stable sort.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Memory } from "../../app/web/score/memoise.js";
import { MODES } from "../../app/web/score/modes.js";
import { overridden, select } from "../../app/web/score/selection.js";
import { order } from "../../app/web/score/sort.js";

let seed = 7;
const random = () => {
  seed = (seed * 1103515245 + 12345) % 2147483648;
  return seed / 2147483648;
};
const pick = (choices) => choices[Math.floor(random() * choices.length)];

test("a step is made again only when its key is another", () => {
  const memory = new Memory();
  let made = 0;
  const make = () => {
    made += 1;
    return made;
  };
  assert.deepEqual(
    ["a", "a", "b", "a"].map((key) => memory.once("step", key, make)),
    [1, 1, 2, 3],
  );
  const array = new Float64Array(1);
  assert.equal(memory.once("other", array, make), memory.once("other", array, make));
  assert.deepEqual(
    [
      [array, "a"],
      [array, "a"],
      [array, "b"],
      [new Float64Array(1), "b"],
    ].map((key) => memory.once("list", key, make)),
    [5, 5, 6, 7],
  );
});

test("order is a stable sort, both ways", () => {
  for (let round = 0; round < 50; round++) {
    const values = Float64Array.from({ length: Math.floor(random() * 60) }, () =>
      pick([0, -0, 1, -1, -1e-300, 5e-324, Infinity, -Infinity, random(), random() - 0.5]),
    );
    const places = Array.from(values, (_, place) => place);
    const by = (sign) =>
      places.toSorted((a, b) => (values[a] === values[b] ? a - b : sign * (values[a] < values[b] ? -1 : 1)));
    assert.deepEqual([...order(values)], by(1));
    assert.deepEqual([...order(values, true)], by(-1));
  }
});

/** Rows that do not lie together, ties, tokens without a score. */
function columnsOf(count) {
  const column = (make) => Float64Array.from({ length: count }, (_, index) => make(index));
  return {
    row: column((index) => Math.floor(index / 9) % 5),
    word: column((index) => Math.floor(index / 2)),
    subject: column(() => Number(random() < 0.1)),
    stop: column(() => Number(random() < 0.3)),
    punctuation: column(() => Number(random() < 0.1)),
    gold: column(() => pick([0, 1, NaN])),
    random_key: column(() => Math.round(random() * 20) / 20),
    K: column(() => pick([NaN, 0, 1 / 3, random() ** 4])),
    H: column(() => pick([NaN, random(), random(), 0.5])),
  };
}

const CHANGES = {
  alpha: () => pick([0, 1, random()]),
  normaliser: () => pick(["p99", "min_max", "rank", "z_sigmoid"]),
  normalise_over: () => pick(["set", "row"]),
  mode: () => pick(Object.keys(MODES)),
  scope: () => pick(["set", "row"]),
  fraction: random,
  k: () => Math.floor(random() * 9),
  threshold: random,
  gamma: () => 3 * random(),
  knowledge: () => pick(["K", "H"]),
  whole_words: () => random() < 0.5,
  exclude_subjects: () => random() < 0.5,
  exclude_stop_words: () => random() < 0.5,
};

test("600 moves with one memory give what each gives by itself", () => {
  const columns = columnsOf(150);
  const memory = new Memory();
  let rule = { knowledge: "K", entropy: "H" };
  for (let move = 0; move < 600; move++) {
    const name = pick(Object.keys(CHANGES));
    rule = { ...rule, [name]: CHANGES[name]() };
    const overrides = new Map(random() < 0.3 ? [[Math.floor(random() * 150), pick(["in", "out"])]] : []);
    assert.deepEqual(
      select(columns, rule, overrides, memory),
      select(columns, rule, overrides),
      JSON.stringify(rule),
    );
  }
});

test("moving only the cut neither normalises nor sorts again", () => {
  const columns = columnsOf(150);
  const memory = new Memory();
  const rule = { knowledge: "K", entropy: "H" };
  const first = select(columns, { ...rule, fraction: 0.2 }, {}, memory);
  const kept = ["normalised", "fused", "excluded", "units", "ranking"].map((step) => memory.steps.get(step));
  const second = select(columns, { ...rule, fraction: 0.6 }, {}, memory);
  assert.deepEqual(
    ["normalised", "fused", "excluded", "units", "ranking"].map((step) => memory.steps.get(step)),
    kept,
  );
  assert.equal(second.fused, first.fused);
  assert.notDeepEqual(second.weights, first.weights);
});

test("overrides are put on a selection without changing it", () => {
  const columns = columnsOf(20);
  const ruled = select(columns, { knowledge: "K", entropy: "H", mode: "top_k", k: 0 });
  const forced = overridden(ruled, { 3: "in" });
  assert.deepEqual(
    [forced.weights[3], forced.selected[3], ruled.weights[3], ruled.selected[3]],
    [1, 1, 0, 0],
  );
  assert.equal(overridden(ruled, {}), ruled);
});
