/** What the legend under the strip explains, and how soft weights become bars. */

import assert from "node:assert/strict";
import test from "node:test";
import { markMeans } from "../../app/web/model/mark_words.js";
import { amountWords, choiceOf } from "../../app/web/model/rule_settings.js";
import { weightWords } from "../../app/web/model/shown_unit.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { fullWeight, weightShare } from "../../app/web/text/strip_marks.js";
import { choiceWords, takenWords } from "../../app/web/tokens/choose/choose.js";
import { probabilityWords } from "../../app/web/tokens/details/details.js";
import { shownMarks } from "../../app/web/tokens/strip/strip_legend.js";
import { PICTURE, syntheticPayload } from "./synthetic_payload.mjs";

const kinds = (model) => shownMarks(model).map(([kind]) => kind);

test("the legend explains the marks that the strip can show now, and no other", () => {
  const model = new TokensModel(syntheticPayload(2));
  const always = ["chosen", "in", "out", "excluded", "subject", "unscored"];
  assert.deepEqual(kinds(model), always);
  model.setView({ gold: true, words: true });
  assert.deepEqual(kinds(model), ["chosen", "in", "out", "mixed", "excluded", "subject", "unscored", "gold"]);
  model.setView({ words: false });
  model.setRule({ exclude_subjects: false, exclude_stop_words: false, exclude_punctuation: false });
  assert.deepEqual(kinds(model), ["chosen", "in", "out", "subject", "unscored", "gold"]);
  const nameless = syntheticPayload(1, { gold: false });
  nameless.columns.subject.fill(0);
  nameless.columns.knowledge_swap[0] = nameless.columns.entropy[0] = 0;
  assert.deepEqual(kinds(new TokensModel(nameless, { view: { gold: true } })), [
    "chosen",
    "in",
    "out",
    "excluded",
  ]);
});

test("while facts are marked the legend explains the marks, and with the gold words those that the row has", () => {
  const model = new TokensModel(syntheticPayload(1));
  model.setView({ marking: true });
  assert.deepEqual(kinds(model), ["subject", "unscored", "gold", "fact", "other"]);
  model.markTokens([2], "other");
  model.setView({ marking: false });
  assert.deepEqual(kinds(model).slice(-1), ["unscored"]);
  model.setView({ gold: true });
  assert.deepEqual(kinds(model).slice(-2), ["gold", "other"]);
});

test("the legend says what is left out, as the rule stands", () => {
  const model = new TokensModel(syntheticPayload(1), { rule: { exclude_stop_words: false } });
  assert.equal(new Map(shownMarks(model)).get("excluded"), "The rule never takes it: names, punctuation");
});

test("soft weights are bars: the heaviest is full, a word has the mean of its tokens", () => {
  // φ of the candidates "born in" and "Oslo" with α = 1 over p99: about 1/30 and 1; with γ = 1 their mean is
  // 1.
  const model = new TokensModel(syntheticPayload(1), {
    rule: { alpha: 1, mode: "soft", normaliser: "min_max" },
  });
  const { weights } = model.mask;
  // Knowledge .1, .2, 6, 0 from 0 to 6; the candidates are .2/6 and 1, so their weights are these over their
  // mean.
  const mean = (0.2 / 6 + 1) / 2;
  assert.deepEqual(
    [...weights].map((weight) => weight.toFixed(6)),
    [0, 0, 0.2 / 6 / mean, 1 / mean, 0].map((weight) => weight.toFixed(6)),
  );
  const full = fullWeight(model);
  assert.equal(full.toFixed(6), (1 / mean).toFixed(6));
  assert.equal(weightShare(weights, [3], full), 1);
  assert.equal(weightShare(weights, [2], full).toFixed(6), (0.2 / 6).toFixed(6));
  assert.equal(weightShare(weights, [3, 4], full), 0.5);
  assert.equal(weightShare(weights, [3], 0), 0);
  assert.equal(weightWords(model, [3]), ", weight 1.94");
  assert.equal(weightWords(model, [0]), "");
  assert.deepEqual(kinds(model)[0], "weight");
  assert.match(shownMarks(model)[0][1], /The thickest is 1\.94; the mean is 1/);
  model.setRule({ mode: "top_fraction" });
  assert.equal(weightWords(model, [3]), "");
});

test("a tiny probability is a power of ten as it is written by hand", () => {
  assert.equal(probabilityWords(Math.log(7.9e-6)), "7.9·10⁻⁶");
  assert.equal(probabilityWords(Math.log(3e-12)), "3.0·10⁻¹²");
  assert.equal(probabilityWords(Math.log(0.0005)), "0.001");
  assert.equal(probabilityWords(Math.log(0.9941)), "0.994");
  assert.equal(probabilityWords(-Infinity), "0.000");
});

test("what was asked for and what is chosen, in words", () => {
  const model = new TokensModel(syntheticPayload(2), { rule: { fraction: 0.25 } });
  // 8 tokens have a score, 2 of them are asked; of the candidates, 2 facts and 2 "born in", 4 are eligible.
  assert.match(
    takenWords(model),
    /^You asked for 2 of 8 scored tokens; 2 are chosen\. Cut at φ ≥ 0\.\d{3}\.$/,
  );
  model.setRule({ fraction: 1 });
  assert.equal(takenWords(model), "You asked for 8 tokens. Only 4 are eligible, so all of them are chosen.");
  model.setRule({ mode: "top_k", k: 1 });
  assert.equal(takenWords(model), "1 of 10 tokens is chosen.");
});

test("what is chosen in the menus of the rule, and what marks mean, is told in words", () => {
  const model = new TokensModel(syntheticPayload(1), { rule: { mode: "top_k", scope: "row" } });
  assert.equal(
    choiceWords(model, ["mode", "scope"]),
    "Take the k tokens with the highest scores. Each row is taken by itself.",
  );
  assert.equal(choiceOf(model.payload, "mode", model.rule).amount, "k");
  assert.equal(markMeans(model, "gold"), "the fact, says the file");
  model.payload.marked_here = true;
  assert.equal(markMeans(model, "gold"), "the fact, as you marked it");
});

test("an amount is written by its unit", () => {
  const { fraction, k, threshold, gamma, alpha } = PICTURE.rule_settings;
  assert.equal(amountWords(fraction, 0.25), "25 %");
  assert.equal(amountWords(fraction, 0.254), "25.4 %"); // as it was set, not rounded
  assert.equal(amountWords(k, 1), "1 token");
  assert.equal(amountWords(k, 30), "30 tokens");
  assert.equal(amountWords(threshold, 0.5), "0.50");
  assert.equal(amountWords(threshold, 0.537), "0.537");
  assert.equal(amountWords(gamma, 1), "1.0");
  assert.equal(amountWords(alpha, 0.8), "0.80");
});
