/** The Compare tab's lines, columns and what a panel draws from: the pure parts. */

import assert from "node:assert/strict";
import test from "node:test";

import { change, columnsOf, measuredKeys, short, shownColumns } from "../../app/web/compare/columns.js";
import { contextOf, hintText, nextSort, withLine } from "../../app/web/compare/compare_view.js";
import { differingKeys, headText, noStatistics, notAlike } from "../../app/web/compare/difference_panel.js";
import { keepView, keptView } from "../../app/web/compare/kept_view.js";
import {
  benches,
  drawnGroup,
  filtered,
  grouped,
  leftOutWords,
  linesOf,
  momentsOf,
  sorted,
  unmeasuredWords,
} from "../../app/web/compare/lines.js";
import { againstWords } from "../../app/web/compare/verdict_panel.js";
import { COLOURS, lookOf } from "../../app/web/runs/looks.js";
import { agreeing, signedShare } from "../../app/web/text/numbers.js";

const run = (number, more = {}) => ({
  run_id: `run-${number}`,
  name: "shared, chosen tokens",
  title: `learning rate 0.00${number}`,
  hue: number,
  state: "finished",
  text: "finished",
  step: 12,
  created: 100 + number,
  before: { fact_joint: 0.9 },
  after: { fact_joint: number / 10 },
  settings: { arm: ["Tokens trained", "chosen tokens"], "training.steps": ["Steps", `${number} steps`] },
  ...more,
});
const arm = (label, moment, now) => ({
  label,
  moment,
  hue: 5,
  seeds: [0, 1],
  costs: { step: 12, norm: 1.5, tokens: 45, seconds: 9 },
  values: { fact_joint: [now, now] },
  figures: { fact_joint: [now, now - 0.1, now + 0.1] },
});
const SWEEP = {
  run_id: "run-7",
  name: "shared, sweep",
  state: "finished",
  text: "finished",
  before: { fact_joint: 0.9 },
  lines: [
    arm("chosen tokens", "last step", 0.1),
    arm("random", "last step", 0.4),
    arm("random", "equal forgetting", 0.2),
  ],
  settings: {},
};
const FIGURES = [
  { key: "fact_joint", label: "Fact ↓", name: "Fact, joint", help: "", unit: "probability", shown: true },
  { key: "fluency", label: "Fluency ↑", name: "Fluency", help: "", unit: "nats per token", shown: false },
];
const VALUE = {
  runs: [
    run(3),
    run(1, { state: "failed", after: null, note: { name: "Mine", tags: ["paper"], text: "why" } }),
  ],
  sweeps: [SWEEP],
  figures: FIGURES,
};

test("runs and the arms of a sweep are lines of one list; an arm has the moment that is asked for", () => {
  const lines = linesOf(VALUE, "last step");
  assert.deepEqual(
    lines.map(({ id, title, group }) => [id, title, group]),
    [
      ["run-3", "learning rate 0.003", ""],
      ["run-1", "Mine", ""],
      ["run-7/chosen tokens", "chosen tokens", "run-7"],
      ["run-7/random", "random", "run-7"],
    ],
  );
  assert.deepEqual(
    linesOf(VALUE, "equal forgetting")
      .slice(2)
      .map(({ figures }) => figures.fact_joint.now),
    [0.2],
  );
  assert.deepEqual(lines[2].figures.fact_joint, {
    now: 0.1,
    low: 0,
    high: 0.2,
    before: 0.9,
    values: [0.1, 0.1],
  });
  assert.deepEqual(linesOf(undefined, "last step"), []);
});

test("at another moment than the last step a run has no figures, and it is said", () => {
  const [first, , arm] = linesOf(VALUE, "equal forgetting");
  assert.deepEqual(first.figures.fact_joint, { now: null, before: 0.9 });
  assert.deepEqual([first.badges, first.about.step, first.settings], [null, null, VALUE.runs[0].settings]);
  assert.equal(first.unmeasured, "not measured at equal forgetting");
  assert.equal(
    unmeasuredWords([first, arm]),
    "learning rate 0.003: not measured at equal forgetting, runs only after their last step.",
  );
  assert.equal(unmeasuredWords(linesOf(VALUE, "last step")), "");
  assert.match(unmeasuredWords([first, first, first, first]), /^4 runs: not measured at equal forgetting/);
  assert.deepEqual(momentsOf(VALUE), ["last step", "equal forgetting"]);
  assert.deepEqual(momentsOf({ runs: [run(1)] }), []);
  const view = { ...keptView({ getItem: () => null }), moment: "equal forgetting" };
  assert.equal(contextOf(VALUE, view).view.moment, "equal forgetting");
  // Where no arm has it any more, the runs are shown as they were measured.
  const { view: at, all } = contextOf({ ...VALUE, sweeps: [] }, view);
  assert.deepEqual([at.moment, all[0].unmeasured], ["last step", ""]);
  assert.equal(
    headText(first, arm, momentsOf(VALUE), "equal forgetting"),
    "random against learning rate 0.003, equal forgetting",
  );
  assert.equal(headText(first, arm, [], "last step"), "random against learning rate 0.003");
});

test("two arms stand side by side with the sign of the verdict, chosen minus control", () => {
  const lines = SWEEP.lines.map((each) => ({ ...each, arm: each.label === "random" ? "random" : "chosen" }));
  const value = { ...VALUE, sweeps: [{ ...SWEEP, lines }] };
  const ticked = ["run-7/chosen tokens", "run-7/random"];
  const view = { ...keptView({ getItem: () => null }), ticked };
  const [first, second] = contextOf(value, view).pair;
  assert.deepEqual([first.title, second.title], ["random", "chosen tokens"]);
  assert.equal(
    noStatistics(first, second),
    "chosen tokens − random, one figure each, no statistics: see the verdict.",
  );
  // what a person picks in the menus stays as picked
  assert.equal(contextOf(value, { ...view, pair: ticked }).pair[0].title, "chosen tokens");
});

test("a mean says over how many of the seeds it is, where not over all", () => {
  const [column] = columnsOf(FIGURES).filter(({ key }) => key === "fact_joint");
  const line = linesOf(VALUE, "last step")[2];
  assert.equal(column.cell(line, "both").note, "[.00, .20] · was .90");
  const figures = { fact_joint: { ...line.figures.fact_joint, values: [0.1, null] } };
  assert.equal(column.cell({ ...line, figures }, "both").note, "[.00, .20] · was .90 · 1 of 2 seeds");
  assert.equal(column.cell({ ...line, figures }, "change").note, "1 of 2 seeds");
});

test("a search finds every word in name, id, state, tags and note; state and tag cut further", () => {
  const lines = linesOf(VALUE, "last step");
  const ids = (filter) => filtered(lines, filter).map(({ id }) => id);
  assert.deepEqual(ids({ search: "paper WHY" }), ["run-1"]);
  assert.deepEqual(ids({ search: "sweep random" }), ["run-7/random"]);
  assert.deepEqual(ids({ state: "failed" }), ["run-1"]);
  assert.deepEqual(ids({ tag: "paper", search: "learning" }), ["run-1"]); // its own words, under a given name
  assert.equal(ids({}).length, 4);
});

test("what has no value comes last both ways, and equal ones stay as they came", () => {
  const lines = linesOf(VALUE, "last step");
  const of = (line) => line.figures.fact_joint.now;
  assert.deepEqual(
    sorted(lines, of, false).map(({ id }) => id),
    ["run-7/chosen tokens", "run-3", "run-7/random", "run-1"],
  );
  assert.deepEqual(
    sorted(lines, of, true).map(({ id }) => id),
    ["run-7/random", "run-3", "run-7/chosen tokens", "run-1"],
  );
  assert.deepEqual(
    sorted(lines, () => 1, true),
    lines,
  );
  assert.deepEqual(
    grouped(sorted(lines, of, true)).map(({ group, lines: own }) => [group, own.length]),
    [
      ["", 2],
      ["run-7", 2],
    ],
  );
});

test("a press on a head sorts up, then down, then not", () => {
  const first = nextSort({ sort: "", down: false }, "step");
  assert.deepEqual(first, { sort: "step", down: false });
  const second = nextSort(first, "step");
  assert.deepEqual(second, { sort: "step", down: true });
  assert.deepEqual(nextSort(second, "step"), { sort: "", down: false });
});

test("columns are those that the server names, some at first, or those chosen", () => {
  const columns = columnsOf(FIGURES);
  assert.deepEqual(
    shownColumns(columns, null).map(({ key }) => key),
    ["state", "fact_joint", "badges"],
  );
  assert.deepEqual(
    shownColumns(columns, ["fluency", "step"]).map(({ key }) => key),
    ["step", "fluency"],
  );
  const [line] = linesOf(VALUE, "last step");
  const fact = columns.find(({ key }) => key === "fact_joint");
  assert.deepEqual(fact.cell(line, "both"), {
    text: ".30",
    note: "was .90",
    title: "after 0.3000, before 0.9000",
  });
  assert.equal(fact.cell(line, "change").text, "−.60");
  const arm = fact.cell(linesOf(VALUE, "last step")[3], "after");
  assert.deepEqual([arm.text, arm.note.slice(0, 10)], [".40", "[.30, .50]"]);
  assert.equal(columns.find(({ key }) => key === "norm").cell(line, "both").text, "–");
  assert.deepEqual([...measuredKeys(linesOf(VALUE, "last step"))], ["fact_joint"]);
});

test("a difference is that of the figures as they are, and what is shown adds up", () => {
  assert.deepEqual(agreeing(0.944, 0.925), { first: ".944", second: ".925", difference: "−.019" });
  assert.deepEqual(agreeing(0.5, 0.25), { first: ".50", second: ".25", difference: "−.25" });
  assert.deepEqual(agreeing(-2.614, -3.1), { first: "−2.61", second: "−3.10", difference: "−.49" });
  // The Probe tab said −.57 of it, as it took 0.03 from 0.60; the Compare tab −.56.
  assert.deepEqual(agreeing(0.5951, 0.0349), { first: ".595", second: ".035", difference: "−.560" });
  assert.equal(signedShare(0.0349 - 0.5951), "−.56");
  assert.deepEqual(agreeing(null, 0.2), { first: "–", second: ".20", difference: "–" });
  for (let at = 0; at < 400; at++) {
    const [a, b] = [Math.sin(at) / 2, Math.cos(3 * at) / 2];
    const [first, second, difference] = Object.values(agreeing(a, b)).map((text) =>
      Number(text.replace("−", "-").replace("±", "")),
    );
    assert.ok(Math.abs(second - first - difference) < 1.5e-5, `${a} ${b}`);
    assert.ok(Math.abs(difference - (b - a)) < 0.005, `${a} ${b}`);
  }
});

test("a change of nothing is ±.00, and one that cannot be formed a dash", () => {
  assert.deepEqual(
    [0.123, -0.5, -0.001, 1, null].map((value) => signedShare(value)),
    ["+.12", "−.50", "±.00", "+1.00", "–"],
  );
  assert.equal(change({ now: 0.2, before: null }), null);
  assert.deepEqual([0.37654, 45, 1234, null].map(short), ["0.377", "45", "1230", "–"]);
});

test("only the settings whose values differ are named", () => {
  const [first, second] = linesOf(VALUE, "last step");
  assert.deepEqual(differingKeys(first.settings, second.settings), ["training.steps"]);
  assert.deepEqual(differingKeys({ a: ["A", "1"] }, { b: ["B", "1"] }), ["a", "b"]);
  const share = (words, value) => ({ fraction: ["Share", words, value] });
  assert.deepEqual(differingKeys(share("30 %", "0.303"), share("30 %", "0.298")), ["fraction"]);
  assert.deepEqual(differingKeys(share("30 %", "0.3"), share("30.0 %", "0.3")), []);
});

test("ticks of what is gone are dropped, and the pair is of the ticked alone", () => {
  const view = {
    ...keptView({ getItem: () => null }),
    ticked: ["run-3", "gone", "run-1", "run-7/random"],
    pair: [],
    open: "gone",
  };
  const context = contextOf(VALUE, view);
  assert.deepEqual(context.view.ticked, ["run-3", "run-1", "run-7/random"]);
  assert.deepEqual(
    context.pair.map(({ id }) => id),
    ["run-3", "run-1"],
  );
  const chosen = contextOf(VALUE, { ...view, pair: ["run-7/random", "run-3"] });
  assert.deepEqual(
    chosen.pair.map(({ id }) => id),
    ["run-7/random", "run-3"],
  );
  assert.deepEqual(
    contextOf(VALUE, { ...view, pair: ["gone", "run-3"] }).pair.map(({ id }) => id),
    ["run-3", "run-1"],
  );
  assert.equal(context.open, null);
  assert.deepEqual([hintText(3, 1), hintText(3, 2), hintText(0, 0)], ["Tick one more.", "", ""]);
});

const OTHER = { key: "b m", data: "own.csv, 3 rows", model: "tiny" };
const DEMO = { key: "a m", data: "demo, 20 rows", model: "tiny" };
const MIXED = linesOf(
  {
    runs: [run(3, { bench: OTHER }), run(2, { bench: DEMO }), run(1, { bench: DEMO })],
    sweeps: [{ ...SWEEP, bench: DEMO }],
  },
  "last step",
);

test("data and model are columns of their own, shown where they differ, and both filter and are found", () => {
  const shown = (lines) => shownColumns(columnsOf(FIGURES, {}, lines), null).map(({ key }) => key);
  assert.ok(shown(MIXED).includes("data") && !shown(MIXED).includes("model"));
  assert.ok(!shown(MIXED.slice(1)).includes("data"));
  const ids = (filter) => filtered(MIXED, filter).map(({ id }) => id);
  assert.deepEqual(ids({ data: "own.csv, 3 rows" }), ["run-3"]);
  assert.deepEqual(ids({ model: "tiny", search: "own.csv" }), ["run-3"]);
  assert.deepEqual(ids({ model: "another" }), []);
});

test("only what is of the same rows and model is drawn together, and what is left out is named", () => {
  const groups = benches(MIXED);
  assert.deepEqual(
    groups.map(({ key, lines }) => [key, lines.length]),
    [
      ["b m", 1],
      ["a m", 4],
    ],
  );
  assert.equal(drawnGroup(groups, "", []).key, "a m"); // the most
  assert.equal(drawnGroup(groups, "", [MIXED[1], MIXED[0]]).key, "b m"); // what was ticked last
  assert.equal(drawnGroup(groups, "a m", [MIXED[0]]).key, "a m"); // what a person chose
  assert.equal(drawnGroup(groups, "gone", []).key, "a m");
  assert.equal(drawnGroup([], "", []), undefined);
  assert.match(leftOutWords([MIXED[0]]), /^Left out, .*: 1 on own\.csv, 3 rows · tiny\.$/);
  assert.equal(leftOutWords([]), "");
  const [arms, whole] = ["tokens 24", "tokens 32"].map((way) =>
    linesOf({ runs: [run(4, { bench: { ...DEMO, key: way, way } })] }, "last step"),
  );
  assert.match(
    leftOutWords(arms, benches(whole)[0]),
    /: 1 measured in another way: tokens 24, not tokens 32\.$/,
  );
  assert.match(
    notAlike(MIXED[1], MIXED[0]),
    /one is of “own\.csv, 3 rows · tiny”, the other of “demo, 20 rows/,
  );
});

test("the answers stand beside the fluency as counts, the success first", () => {
  const columns = columnsOf(FIGURES, "forgot, fluent");
  const keys = columns.map(({ key }) => key);
  assert.equal(keys.indexOf("badges"), keys.indexOf("fluency") + 1);
  const { cell, value } = columns[keys.indexOf("badges")];
  const [line] = linesOf(
    { runs: [run(1, { badges: { "forgot, fluent": 3, "still knows": 1 }, after: { fluency: -2 } })] },
    "last step",
  );
  assert.deepEqual(cell(line, "both"), { text: "3 of 4 forgot, fluent", note: "1 still knows" });
  assert.equal(value(line, "both"), 0.75);
  const some = { ...line, seeds: 3, answered: 2 };
  assert.equal(cell(some, "both").note, "1 still knows · 2 of 3 seeds");
  assert.equal(cell({ ...line, badges: null }, "both").text, "–");
});

test("a loop is fluent, and not the best for that: how many are garbled stands beside, and it is sorted last", () => {
  const [column] = columnsOf(FIGURES, "forgot, fluent").filter(({ key }) => key === "fluency");
  const lineWith = (badges, now) =>
    linesOf({ runs: [run(1, { badges, after: { fluency: now } })] }, "last step")[0];
  const loop = lineWith({ "forgot, fluent": 0, garbled: 1 }, -1.75);
  const some = lineWith({ "forgot, fluent": 3, garbled: 1 }, -2.5);
  assert.equal(column.cell(loop, "after").note, "1 of 1 garbled");
  assert.equal(column.cell(some, "after").note, "1 of 4 garbled");
  assert.equal(column.cell(lineWith(null, -2), "after").note, "");
  const by = (lines, down) => sorted(lines, (line) => column.value(line, "after"), down);
  assert.deepEqual([by([loop, some], true)[0], by([loop, some], false)[0]], [some, some]);
});

test("columns and order are kept for this browser; what is kept damaged counts as nothing", () => {
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text) };
  keepView(
    { ...keptView(storage), columns: ["step"], sort: "step", search: "not kept", ticked: ["run-1"] },
    storage,
  );
  const found = keptView(storage);
  assert.deepEqual([found.columns, found.sort, found.search, found.ticked], [["step"], "step", "", []]);
  for (const text of ["{", "null", '{"columns": 7, "sort": ["x"], "down": "yes"}', '{"columns": [1]}'])
    assert.deepEqual(keptView({ getItem: () => text }), keptView({ getItem: () => null }));
});

test("a run keeps its look: eight colours, then another dash", () => {
  assert.deepEqual(lookOf(3), lookOf(3));
  const seen = new Set(Array.from({ length: 4 * COLOURS }, (_, hue) => JSON.stringify(lookOf(hue))));
  assert.equal(seen.size, 4 * COLOURS);
  // An arm beyond the eighth has another mark than the one of its colour, and none that a run has.
  const symbols = ["run", "arm"].flatMap((kind) => [0, 8, 16, 24].map((hue) => lookOf(hue, kind).symbol));
  assert.equal(new Set(symbols).size, 8);
});

test("against a control it says what is better, worse and not shown", () => {
  const words = (...given) =>
    againstWords({ better: given[0], worse: given[1], open: given[2] }).map(({ text }) => text);
  assert.deepEqual(words("fact −.3", "", "retain"), ["Better: fact −.3.", "Not shown: retain."]);
  assert.deepEqual(words("", "", "fact, retain"), ["Not shown: fact, retain."]);
});

test("the run under way is as far as the chips say, all else as it was sent", () => {
  const line = { run_id: "run-3", text: "step 7 of 12", step: 7, steps: 12, buttons: ["Pause and save"] };
  const [live, other] = linesOf(withLine(VALUE, line), "last step");
  assert.deepEqual([live.text, live.about.step, live.run.buttons], [line.text, 7, line.buttons]);
  assert.deepEqual([other.text, other.about.step], ["finished", 12]);
  const [arm] = linesOf(withLine({ sweeps: [SWEEP] }, { ...line, run_id: "run-7" }), "last step");
  assert.deepEqual([arm.text, arm.about.step], ["step 7 of 12", 12]);
  const damaged = { runs: [run(3, { text: "It is damaged.", faults: ["It is damaged."] })] };
  assert.equal(linesOf(withLine(damaged, line), "")[0].text, "It is damaged.");
  assert.deepEqual(linesOf(withLine(VALUE, null), "last step"), linesOf(VALUE, "last step"));
});

test("what is wrong with a run's files stands in its line", () => {
  const [bad, good] = linesOf({ runs: [run(1, { faults: ["It is damaged."] }), run(2)] }, "");
  assert.deepEqual([bad.faults, good.faults], [["It is damaged."], []]);
});
