import assert from "node:assert/strict";
import test from "node:test";
import { freeName } from "../../app/web/draft/draft_file.js";
import {
  differenceReport,
  differenceWords,
  differingTokens,
  serverMask,
} from "../../app/web/draft/mask_changes.js";
import { agreementWords } from "../../app/web/text/numbers.js";
import { heatmapQuestion } from "../../app/web/tokens/masks/export_panel.js";
import { differingWords, moreWords, sideWords } from "../../app/web/tokens/masks/mask_compare.js";
import { importedWords, loadedWords } from "../../app/web/tokens/masks/mask_panel.js";

const model = {
  indices: [0, 1, 2],
  columns: { row: [0, 0, 1] },
  rule: { alpha: 1 },
  tokenText: (index) => `t${index}`,
  overridesOfSet: () => [[2, "in"]],
  mask: { selected: [1, 0, 1], weights: [1, 0, 0.5], fused: [0.9, 0.1, 0.5], ruled: [1, 0, 1] },
  payload: {
    scores_id: "s",
    rows: [
      { id: "a", first: 0 },
      { id: "b", first: 2 },
    ],
  },
};
const state = (chosen, weights = null) => ({
  hash: "h".repeat(64),
  count: 2,
  serverHash: "s".repeat(64),
  serverCount: 2,
  serverChosen: chosen,
  serverWeights: weights,
});

test("tokens differ in choice or in weight, as the hash counts it", () => {
  assert.deepEqual(differingTokens(state([0, 1]), model), [1, 2]);
  assert.deepEqual(differingTokens(state([0, 2], [1, 0.25]), model), [2]);
  assert.deepEqual(differingTokens(state([0, 2], [1, 0.5 + 1e-9]), model), []);
  assert.deepEqual(differingTokens(state(null), model), []);
});

test("the red bar names the tokens, the report all that is needed to find the cause", () => {
  assert.match(
    differenceWords(state([0, 2], [1, 0.25]), model),
    /1 token: “t2” in row 2\. Unlearning is off/,
  );
  assert.match(
    differenceReport(state([0, 2], [1, 0.25]), model),
    /row b token 0 here 0\.5 server 0\.25 fused 0\.5/,
  );
});

test("the server's mask takes the place of the page's, which is kept for the comparison", () => {
  const shown = { ...model, mask: serverMask(state([0, 1], [1, 0.25]), model) };
  assert.deepEqual(
    [[...shown.mask.selected], [...shown.mask.weights], shown.mask.counts.chosen, shown.mask.own],
    [[1, 1, 0], [1, 0.25, 0], 2, model.mask],
  );
  assert.deepEqual(differingTokens(state([0, 1], [1, 0.25]), shown), [1, 2]);
  assert.match(differenceWords(state([0, 1]), shown), /Shown now: the server's mask\. 2 tokens/);
  assert.match(differenceReport(state([0, 1]), shown), /row b token 0 here 0\.5 server 0 fused/);
});

test("agreement is written with κ, or with the reason why there is none", () => {
  assert.equal(
    agreementWords({ agreement: 4 / 6, kappa: 1 / 3, tokens: 6 }),
    "Agreement 66.7 % of 6 tokens · Cohen’s κ 0.33 (1 is full agreement, 0 is chance)",
  );
  assert.match(agreementWords({ agreement: 1, kappa: null, tokens: 6 }), /not measured/);
});

test("what each auditor decided, in words", () => {
  assert.equal(sideWords({ chosen: true, weight: 1, state: null, note: "", time: 0 }), "● by the rule");
  assert.match(
    sideWords({ chosen: false, weight: 0, state: "out", note: "a name", time: 86_400_000 }),
    /^− forced out: a name \(.*1970.*\)$|^− forced out: a name \(.*70.*\)$/,
  );
  assert.equal(
    sideWords({ chosen: true, weight: 0.5, state: null, note: "", time: 0 }),
    "● by the rule, weight 0.500",
  );
  const side = (name, chosen) => ({ name, chosen });
  assert.equal(
    moreWords({
      first: side("A", 3),
      second: side("B", 1),
      only_first: 2,
      only_second: 0,
      differences: 2,
      differing: [1, 2],
    }),
    "“A” chose 3 tokens, 2 of them alone; “B” 1, 0 alone.",
  );
  assert.match(
    moreWords({
      first: side("A", 3),
      second: side("B", 3),
      only_first: 0,
      only_second: 0,
      differences: 0,
      differing: [],
    }),
    /same mask of 3/,
  );
});

test("two masks are compared by word, in its sentence; tokens decided otherwise stand apart", () => {
  const answer = "She lived in 1987, a long time ago, they say, before it all.";
  const [start, end] = [
    [3, 13, 14, 15, 16, 17, 57],
    [9, 14, 15, 16, 17, 18, 60],
  ];
  const columns = { row: start.map(() => 0), word: [1, 3, 3, 3, 3, 3, 13], start, end };
  const compared = {
    columns,
    payload: { rows: [{ answer }] },
    tokenText: (index) => answer.slice(start[index], end[index]),
  };
  const side = (chosen) => ({ chosen, weight: Number(chosen), state: null, note: "", time: 0 });
  const differ = (index, first) => ({ index, row_id: "a", first: side(first), second: side(!first) });
  const found = differingWords([differ(0, true), ...[1, 2, 3, 4].map((at) => differ(at, at < 3))], compared);
  assert.deepEqual(
    found.map(({ word, part, tokens }) => [word, part, tokens]),
    [
      ["lived", "", [0]],
      ["1987,", "19", [1, 2]],
      ["1987,", "87", [3, 4]],
    ],
  );
  assert.deepEqual([found[0].before, found[0].after], ["She ", " in 1987, a long time ago, they …"]);
});

test("an imported file gets a name that is free", () => {
  const masks = [{ name: "Ada" }, { name: "ada (2)" }];
  assert.deepEqual(
    [freeName("ADA", masks), freeName("Bo", masks), freeName("", [])],
    ["ADA (3)", "Bo", "imported"],
  );
});

test("a heatmap is asked for by column and row", () => {
  const view = {
    view: { signal: "all", row: 3 },
    columnName: (signal) => ({ knowledge: "knowledge_swap" })[signal] ?? signal,
  };
  assert.deepEqual(heatmapQuestion(view, { set: "one" }, "svg", "row"), {
    set: "one",
    format: "svg",
    signal: "fused",
    row: 3,
  });
  assert.equal(
    heatmapQuestion({ ...view, view: { signal: "knowledge", row: 3 } }, {}, "csv", "set").signal,
    "knowledge_swap",
  );
});

test("an import, and a load, say what a mask of other scores has become", () => {
  const words = (moved) => importedWords({ saved: { name: "Ada", moved } });
  assert.equal(words(null), "Imported as “Ada”; load it or compare it. Your draft is as it was.");
  assert.match(words(0), /other scores of this text.*and no token differs from when it was made\.$/);
  assert.match(words(1), /and 1 token differs from when it was made\.$/);
  assert.equal(loadedWords({ name: "Ada", moved: null }), "“Ada” is loaded; undo brings the draft back.");
  assert.match(
    loadedWords({ name: "Ada", moved: 3 }),
    /other scores of this text.*and 3 tokens differ from when it was made\.$/,
  );
});
