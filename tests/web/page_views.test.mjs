/** The pure parts of the Unlearn, Probe and Compare views. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { changeFill, changeParts } from "../../app/web/dom/change_text.js";
import { pieces } from "../../app/web/page/first_paint.js";
import { judgedWords, measuredWords } from "../../app/web/runs/ask_view.js";
import { curveTable, settingsText } from "../../app/web/runs/attacks.js";
import { curvesFigure, pointsNote } from "../../app/web/runs/curves.js";
import { colourName, lookOf } from "../../app/web/runs/looks.js";
import { isOfRun, nextStep } from "../../app/web/runs/mask_summary.js";
import {
  answersShown,
  boundNote,
  byMeasured,
  countWords,
  stillFluent,
  verdict,
} from "../../app/web/runs/probe_view.js";
import {
  isLive,
  numberNow,
  retainWords,
  runButtons,
  saidHeading,
  withSeconds,
} from "../../app/web/runs/run_card.js";
import { fluencyDifference, share } from "../../app/web/text/numbers.js";

const THEME = { ink: "#000", muted: "#666", line: "#eee", font: "sans" };

test("every label of the server has its act, an unknown one none", () => {
  assert.deepEqual(
    runButtons(["Pause and save", "Resume from 12", "Fly"]).map(({ action }) => action),
    ["pause", "resume"],
  );
  assert.equal(runButtons(["Discard…"])[0].sure, "Discard it?");
  assert.deepEqual(["queued", "running", "finished", "kept"].map(isLive), [true, true, false, false]);
});

test("probabilities are written as people read them", () => {
  assert.deepEqual(
    [share(0.954), share(1), share(0), share(-0.001), share(null), share(NaN)],
    [".95", "1.00", ".00", ".00", "–", "–"],
  );
});

test("what has no figure is named below the table, as it stands in a sentence", () => {
  const labels = ["Fact, joint ↓", "Truth ratio ↑", "ROUGE-L, forget"].map((label, key) => ({ label, key }));
  const { measured, missing } = byMeasured({ labels, summary: { before: [0.9, null, NaN], after: null } });
  assert.deepEqual(
    [measured.map(({ key }) => key), missing],
    [[0], "Not measured here: truth ratio; ROUGE-L, forget."],
  );
  assert.equal(byMeasured({ labels, summary: { before: [0, 0, 0] } }).missing, "");
});

test("the retain loss stands beside the one at the start", () => {
  assert.equal(
    retainWords({ now: 5.126, start: 4.9 }),
    "Loss on the rows to keep: 5.13 nats a token, 4.90 at the start.",
  );
  assert.equal(retainWords({ now: 0.5, start: null }), "Loss on the rows to keep: 0.50 nats a token.");
  assert.deepEqual([retainWords({ now: null, start: 1 }), retainWords(undefined)], ["", ""]);
});

test("the seconds of a wait come with the chips, for the run and the step that they are of", () => {
  const run = { run_id: "run-2", state: "running", step: 0, text: "step 0 of 9, starting, 1 s so far" };
  const line = { ...run, text: "step 0 of 9, starting, 7 s so far" };
  assert.equal(withSeconds(run, line).text, line.text);
  for (const other of [null, { ...line, run_id: "run-3" }, { ...line, step: 1 }])
    assert.equal(withSeconds(run, other), run);
});

test("a few answers to forget have those to other words of their questions below them", () => {
  const answers = ["forget a", "forget b", "paraphrase b", "paraphrase a", "retain a"].map((name) => {
    const [kind, row] = name.split(" ");
    return { kind, row_id: row, name };
  });
  const names = (kind, from = answers) => answersShown(from, kind).map(({ name }) => name);
  assert.deepEqual(names("forget"), ["forget a", "paraphrase a", "forget b", "paraphrase b"]);
  assert.deepEqual(names("paraphrase"), ["paraphrase b", "paraphrase a"]);
  const many = [...answers, ...["c", "d"].map((row) => ({ kind: "forget", row_id: row, name: row }))];
  assert.deepEqual(names("forget", many), ["forget a", "forget b", "c", "d"]);
});

test("changes lie on the text by code points, with what is between tokens kept", () => {
  const parts = changeParts("😀 Oslo.", { starts: [0, 1], ends: [1, 6], before: [1, 0.9], after: [1, 0.1] });
  assert.deepEqual(
    parts.map(({ text }) => text),
    ["😀", " Oslo", "."],
  );
  assert.ok(Math.abs(parts[1].change + 0.8) < 1e-12);
  assert.equal(parts[2].change, null);
});

test("what stayed keeps the colour of the page; rise and fall have their own hue", () => {
  assert.equal(changeFill(0.004), "transparent");
  assert.equal(changeFill(NaN), "transparent");
  assert.match(changeFill(0.5), /--tx-rise.*0\.500/);
  assert.match(changeFill(-2), /--tx-fall.*1\.000/);
});

const DRAFT = { scores: "s1", hash: "b", why: "" };
const summed = (hash, more = {}) => ({ hash, plan: { scores_id: "s1" }, ...more });

test("a start trains the draft as it is now: the server is told of each one once", () => {
  assert.deepEqual(nextStep(null, DRAFT, ""), { words: "", offer: false, tell: true, stale: false });
  assert.equal(nextStep(summed("b"), DRAFT, "s1 b").tell, false);
  assert.deepEqual(nextStep(summed("a"), DRAFT, "s1 a"), {
    words: "",
    offer: false,
    tell: true,
    stale: true,
  });
  // told, and not answered yet; answered with a refusal
  assert.deepEqual(nextStep(summed("a"), DRAFT, "s1 b"), {
    words: "",
    offer: false,
    tell: false,
    stale: true,
  });
  assert.equal(nextStep({ error: "Not all rows are scored" }, DRAFT, "s1 b").stale, false);
  // the same weights on other rows are another mask
  assert.equal(nextStep(summed("b"), { ...DRAFT, scores: "s2" }, "s1 b").tell, true);
});

test("what cannot be trained says why in the place of what could", () => {
  const none = { scores: "s1", hash: "", why: "No token is chosen." };
  assert.deepEqual(nextStep(summed("a"), none, "s1 a"), {
    words: "No token is chosen.",
    offer: false,
    tell: false,
    stale: true,
  });
});

test("the tokens of a run that is done again stay until the draft is taken, or other scores are shown", () => {
  const again = summed("a", { run: "run-3" });
  assert.deepEqual(nextStep(again, DRAFT, ""), {
    words: "Your selection has changed.",
    offer: true,
    tell: false,
    stale: false,
  });
  assert.equal(nextStep(again, { ...DRAFT, hash: "a" }, "").words, "");
  assert.equal(nextStep(again, { ...DRAFT, scores: "s2" }, "").tell, true);
  assert.ok(
    isOfRun(again, DRAFT) &&
      isOfRun(again, { scores: "" }) &&
      !isOfRun(again, { scores: "s2" }) &&
      !isOfRun(summed("a"), DRAFT),
  );
});

test("answers are counted by kind, as the server counts them", () => {
  const counts = { forget: { "forgot, fluent": 0, garbled: 2 }, paraphrase: { "still knows": 1 } };
  const answers = ["forget", "forget", "paraphrase"].map((kind) => ({ kind }));
  assert.equal(
    countWords({ counts }, "forget", answers),
    "2 answers: 2 garbled. Asked in other words, 1 answer: 1 still knows",
  );
  assert.equal(countWords({ counts }, "paraphrase", answers.slice(2)), "1 answer: 1 still knows");
  assert.equal(countWords({ counts: {} }, "forget", answers.slice(1, 2)), "1 answer, not probed after yet");
});

test("a fall that is wanted is good only while the answers stay fluent", () => {
  assert.equal(verdict(-0.8, "down", "probability", true), "tx-good");
  assert.equal(verdict(-0.8, "down", "probability", false), "");
  assert.equal(verdict(0.8, "down", "probability", true), "tx-bad");
  assert.equal(verdict(-0.3, "up", "probability", true), "tx-bad");
  assert.equal(verdict(0.04, "up", "probability", true), "");
  // ROUGE-L of the forget answers has no wanted way; nats have another least change.
  assert.equal(verdict(-0.6, "", "recall", true), "");
  assert.equal(verdict(-0.4, "up", "nats per token", true), "");
  assert.equal(verdict(-0.5, "up", "nats per token", true), "tx-bad");
  const summaries = (before, after) => ({ before: { fluency: before }, after: { fluency: after } });
  assert.deepEqual(
    [
      stillFluent(summaries(-2.6, -3)),
      stillFluent(summaries(-2.6, -3.2)),
      stillFluent(summaries(-2.6, null)),
    ],
    [true, false, false],
  );
  assert.match(boundNote(-4.2246), /^Garbled: less fluent than −4\.22 nats/);
  assert.equal(boundNote(null), "");
});

test("the higher fluency is no gain where its answers are garbled", () => {
  assert.equal(fluencyDifference(-1.2, -0.4, [false, true]), "no gain: garbled");
  assert.equal(fluencyDifference(-0.4, -1.2, [true, false]), "no gain: garbled");
  assert.equal(fluencyDifference(-1.2, -0.4, [true, false]), "+.80");
  assert.equal(fluencyDifference(-0.4, -1.2, [false, true]), "−.80");
  assert.equal(fluencyDifference(null, -1.2, [false, true]), "–");
});

test("figures below zero have a minus, and no zero before the point", () => {
  assert.deepEqual([-2.61, -0.5, 0.95, 1, null].map(share), ["−2.61", "−.50", ".95", "1.00", "–"]);
});

test("a run has one colour and dash on every tab, whichever tokens it trained", () => {
  const run = { run_id: "run-3", label: "A", steps: [1], loss: [2], eval_steps: [0], ...lookOf(3) };
  const probed = { before: { step: 0, fact_joint: 1 }, after: null };
  const drawn = ["chosen", "random"].map((arm) => curvesFigure([{ ...run, arm, probed }], THEME, false).data);
  const colours = drawn.flat().map(({ line, marker }) => marker?.color ?? line.color);
  assert.deepEqual([...new Set(colours)], [lookOf(3).colour]);
  assert.deepEqual(
    drawn.map(([{ line }]) => line.dash),
    ["solid", "solid"],
  );
  assert.deepEqual([colourName(3), colourName(11), lookOf(11).dash], ["--tx-run-3", "--tx-run-3", "dash"]);
});

test("a figure has a line per panel and run, whole steps, and a legend only for several runs", () => {
  const run = {
    run_id: "a",
    label: "A",
    arm: "chosen",
    total: 4,
    steps: [1],
    loss: [2],
    eval_steps: [0],
    fact_joint: [1],
    other: [1],
    retain: [null],
  };
  const one = curvesFigure([run], THEME, false);
  assert.equal(one.data.length, 4);
  assert.deepEqual([one.layout.showlegend, one.layout.xaxis.dtick], [false, 1]);
  const two = curvesFigure([run, { ...run, run_id: "b" }], THEME, true);
  assert.deepEqual([two.data.length, two.layout.showlegend], [8, true]);
  assert.equal(curvesFigure([{ ...run, total: 60 }], THEME, false).layout.xaxis.dtick, 10);
  assert.equal(curvesFigure([{ ...run, total: 400 }], THEME, false).layout.xaxis.dtick, 100);
  // Three runs on a phone: three lines of legend fit above the first panel.
  const three = [run, { ...run, run_id: "b" }, { ...run, run_id: "c" }];
  assert.ok(curvesFigure(three, THEME, true).layout.margin.t >= 24 + 3 * 28);
});

test("a full probe is a mark of its own, and dotted pieces lead from it to the curve", () => {
  const probed = {
    before: { step: 0, fact_joint: 0.9, other: 1, retain: null },
    after: { step: 4, fact_joint: 0.1, other: 0.9, retain: null },
  };
  const run = {
    run_id: "a",
    label: "A",
    arm: "chosen",
    total: 4,
    steps: [1, 2],
    loss: [2, 1],
    eval_steps: [1, 2],
    fact_joint: [0.7, 0.3],
    other: [1, 1],
    retain: [null, null],
    probed,
  };
  const fact = curvesFigure([run], THEME, false).data.filter(({ xaxis }) => xaxis === "x");
  assert.deepEqual(
    fact.map(({ mode, x, y }) => [mode, x, y]),
    [
      ["lines+markers", [1, 2], [0.7, 0.3]],
      ["lines", [0, 1], [0.9, 0.7]],
      ["lines", [2, 4], [0.3, 0.1]],
      ["markers", [0, 4], [0.9, 0.1]],
    ],
  );
  // Nothing measured of retain, no probe of the loss; of the others two joints and the probes
  assert.equal(curvesFigure([run], THEME, false).data.length, 4 + 2 * 3);
  assert.match(pointsNote([run]), /full probe/);
  assert.equal(pointsNote([{ ...run, probed: { before: null, after: null } }]), "");
});

test("a tile shows as present only what is: live, or measured after the run", () => {
  const before = { step: 0, fact_joint: 0.85, paraphrased: 0.71, world: null };
  const series = {
    eval_steps: [3, 6],
    fact_joint: [0.6, 0.4],
    paraphrased: [null, null],
    world: [null, null],
    probed: { before, after: null },
  };
  assert.deepEqual(numberNow(series, "fact_joint", true), { now: ".40", note: "live, step 6 · before .85" });
  assert.deepEqual(numberNow(series, "paraphrased", true), {
    now: "–",
    note: "measured at the end · before .71",
  });
  assert.deepEqual(numberNow(series, "world", true), { now: "–", note: "not measured" });
  assert.deepEqual(numberNow(series, "paraphrased", false), { now: "–", note: "not measured · before .71" });
  assert.deepEqual(numberNow({ ...series, probed: {} }, "paraphrased", true), {
    now: "–",
    note: "measured at the end",
  });
  const after = { step: 12, fact_joint: 0, paraphrased: 0.02, world: null };
  assert.deepEqual(numberNow({ ...series, probed: { before, after } }, "paraphrased", false), {
    now: ".02",
    note: "before .71",
  });
  assert.deepEqual(numberNow({ ...series, probed: { before, after } }, "world", false), {
    now: "–",
    note: "not measured",
  });
});

test("the heading of an answer says whether the run had ended", () => {
  assert.equal(saidHeading(undefined), "It says");
  assert.equal(saidHeading({ step: 12, text: "x" }), "It says at step 12");
  assert.equal(saidHeading({ step: 14, text: "x", after: {} }), "It says after step 14");
});

test("the first picture loses no character of the answer", () => {
  const parts = pieces("Ada is 😀 here.", [
    [0, 3, 0.1, false],
    [6, 8, 0.9, true],
  ]);
  assert.equal(parts.map(({ text }) => text).join(""), "Ada is 😀 here.");
  assert.deepEqual(parts.find(({ chosen }) => chosen).text, " 😀");
});

test("a run that diverged is marked in each panel where it was stopped and at the step that was kept", () => {
  const run = {
    run_id: "a",
    label: "a",
    arm: "chosen",
    total: 30,
    steps: [1],
    loss: [1],
    eval_steps: [1],
    fact_joint: [1],
    other: [1],
    retain: [1],
  };
  const { shapes, annotations } = curvesFigure(
    [
      { ...run, stopped: { step: 9, kept: 8 } },
      { ...run, stopped: null },
    ],
    THEME,
    false,
  ).layout;
  assert.deepEqual(
    shapes.map(({ x0 }) => x0),
    [8, 9, 8, 9, 8, 9, 8, 9],
  );
  assert.deepEqual(
    annotations.filter(({ x }) => x > 1).map(({ text }) => text),
    ["kept 8", "stopped 9"],
  );
});

test("an attack's curve has a column a model and figure, and a dash where nothing was measured", () => {
  const figures = (held_out) => ({ trained: 0.25, held_out });
  const result = {
    columns: { trained: "Fact, rows trained on", held_out: "Fact, held-out rows" },
    curve: [
      { model: "unlearned", taken: 0, figures: figures(null) },
      { model: "unlearned", taken: 1, figures: figures(0.5) },
      { model: "never knew", taken: 1, figures: figures(0) },
    ],
  };
  const { heads, lines } = curveTable(result);
  assert.deepEqual(heads, [
    "Steps",
    "Fact, rows trained on, unlearned",
    "Fact, held-out rows, unlearned",
    "Fact, rows trained on, never knew",
    "Fact, held-out rows, never knew",
  ]);
  assert.deepEqual(lines, [
    [0, 0.25, null, null, null],
    [1, 0.25, 0.5, 0.25, 0],
  ]);
  assert.equal(settingsText({ learning_rate: 0.001, control: true }), "learning rate 0.001 · control true");
});

test("what Ask says beside an answer: its figures, its words, and by what it is judged", () => {
  const said = { fluency: -2.5, fact_joint: 0, gone: "1 of 4 words of the fact is gone: “the”" };
  assert.equal(measuredWords(said), "fluency −2.50 · fact .00; 1 of 4 words of the fact is gone: “the”");
  assert.equal(measuredWords({ fluency: -2.5, cut: 24 }), "fluency −2.50 · cut at 24 tokens");
  const unsound = { fluency: -0.1, fluency_said: "a loop", fact_joint: 1, fact_said: "not said" };
  assert.equal(measuredWords(unsound), "fluency −.10; a loop · fact 1.00; not said");
  assert.match(judgedWords({ row: "r0" }), /by row r0\.$/);
  assert.match(judgedWords({ row: "" }), /^No row of the run asks this/);
});
