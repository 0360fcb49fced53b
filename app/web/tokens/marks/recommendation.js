/**
 * One sentence: which signal the evidence on the set that is shown favours, or that there is not enough. It
 * is only said; nobody switches for a person.
 */

import { node, setText } from "../../dom/dom.js";
import { interval, plural, share } from "../../text/numbers.js";

const FEWEST_ROWS = 5;
/** What needs no model: a signal that does not beat these is not recommended. */
const BASELINES = ["random", "content_words", "content_words_new"];

/**
 * Returns `{words, signal}`; `signal` is the one that is favoured, or null. Pure.
 * @param {{signal: string, label: string, auroc: number|null, low: number|null, high: number|null}[]} table
 *   of one set
 * @param {number} rows of which somebody has said what the fact is
 * @param {boolean} [better] whether the learned signal is above the best plain list, paired by row: the
 *   verdict of the trust panel
 */
export function recommendation(table, rows, better) {
  if (rows === 0)
    return {
      signal: null,
      words: "No facts are marked in this set, so no signal can be recommended yet. Mark a few rows first.",
    };
  const counted = plural(rows, "row");
  if (rows < FEWEST_ROWS)
    return {
      signal: null,
      words: `Not enough evidence to recommend a signal: facts are marked in ${counted}, and ${FEWEST_ROWS} are needed.`,
    };
  const measured = table.filter(({ auroc }) => auroc !== null);
  const best = highest(measured.filter(({ signal }) => !BASELINES.includes(signal)));
  const plain = highest(measured.filter(({ signal }) => BASELINES.includes(signal)));
  if (!best || !plain)
    return { signal: null, words: "No signal has been compared with the marked facts of this set." };
  const beats =
    best.signal === "learned" && better !== undefined ? better : best.low !== null && best.low > plain.auroc;
  const figure = `AUROC ${share(best.auroc)}${best.low === null ? "" : ` (${interval(best.low, best.high)})`} on ${counted}`;
  const beside = `“${plain.label}” ${share(plain.auroc)}`;
  return beats
    ? {
        signal: best.signal,
        words: `On this set “${best.label}” finds the facts best: ${figure}, ${beside}.`,
      }
    : {
        signal: null,
        words: `No signal clearly beats the plain baselines here: “${best.label}” has ${figure}, ${beside}.`,
      };
}

function highest(table) {
  return table.reduce((most, each) => (most === null || each.auroc > most.auroc ? each : most), null);
}

/**
 * Returns `{element, update}`.
 * @param {import("../../draft/marks_desk.js").MarksDesk} desk
 */
export function recommended(model, desk) {
  const element = node("p", { class: "tu-note tu-recommended" });
  const update = () =>
    setText(
      element,
      model.memory.once("recommended", [model.payload.leaderboard, desk.evidence, model.set], () =>
        recommendedWords(model, desk.evidence),
      ),
    );
  return { element, update };
}

/**
 * Returns the sentence on the set that is shown: by what was measured on marks, else on the gold of the file.
 * @param {Trust|null} evidence as `trust_marks` answers
 */
export function recommendedWords(model, evidence) {
  const marks = evidence?.set === model.set ? evidence : null;
  if (marks?.table.length) return recommendation(marks.table, marks.rows, marks.better).words;
  const table = (model.payload.leaderboard ?? [])
    .filter(({ set }) => (set ?? "") === model.set)
    .map(({ signal, label, auroc_word, low, high }) => ({ signal, label, auroc: auroc_word, low, high }));
  const withGold = model.rowsOfSet.filter((at) =>
    Number.isFinite(model.columns.gold?.[model.payload.rows[at].first]),
  );
  return withGold.length === 0 && marks?.rows ? marks.verdict : recommendation(table, withGold.length).words;
}
