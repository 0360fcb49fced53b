/** One sentence: which signal the evidence on the set that is shown favours, or that there is not enough. It is only said; nobody switches for a person. */

import { node, setText } from "./dom.js";
import { interval, share } from "./marks_panel.js";

export const FEWEST_ROWS = 5;
const BASELINE = "content_words";
const BASELINES = ["random", BASELINE, "content_words_new"];

/**
 * Returns `{words, signal}`; `signal` is the one that is favoured, or null. Pure.
 * @param {{signal: string, label: string, auroc: number|null, low: number|null, high: number|null}[]} table of one set
 * @param {number} rows of which somebody has said what the fact is
 */
export function recommendation(table, rows) {
  if (rows === 0) return { signal: null, words: "Nobody has said yet what the fact is here, so nothing tells which signal finds it. Mark a few rows (m)." };
  const counted = `${rows} ${rows === 1 ? "row" : "rows"}`;
  if (rows < FEWEST_ROWS) return { signal: null, words: `Not enough evidence to prefer a signal: the fact is known in ${counted}, and ${FEWEST_ROWS} are needed.` };
  const known = table.filter(({ signal, auroc }) => auroc !== null && !BASELINES.includes(signal));
  const content = table.find(({ signal }) => signal === BASELINE)?.auroc ?? null;
  const best = known.reduce((most, each) => (most === null || each.auroc > most.auroc ? each : most), null);
  if (best === null) return { signal: null, words: "No signal was measured against the fact here." };
  const figure = `${share(best.auroc)} (${interval(best.low, best.high) || "no interval"})`;
  if (content !== null && !(best.low > content)) {
    return { signal: null, words: `No signal finds the fact here clearly better than the list of content words: the best, ${best.label}, has AUROC ${figure} over ${counted}, content words ${share(content)}.` };
  }
  const beside = content === null ? "" : `; content words have ${share(content)}`;
  return { signal: best.signal, words: `On this set “${best.label}” finds the fact best: AUROC ${figure} over ${counted}${beside}.` };
}

/** Returns `{element, update}`. @param {import("./marks_desk.js").MarksDesk} desk */
export function recommended(model, desk) {
  const element = node("p", { class: "tu-note tu-recommended" });
  const update = () => setText(element, model.memory.once("recommended", [model.payload.leaderboard, desk.evidence, model.set], () => recommendation(...evidenceOf(model, desk)).words));
  return { element, update };
}

/** Returns the table and the count of rows of the set's evidence: what was measured on marks, else on the gold of the file. */
function evidenceOf(model, desk) {
  if (desk.evidence?.set === model.set && desk.evidence.table.length) return [desk.evidence.table, desk.evidence.rows];
  const table = (model.payload.leaderboard ?? []).filter(({ set }) => (set ?? "") === model.set)
    .map(({ signal, label, auroc_word, low, high }) => ({ signal, label, auroc: auroc_word, low, high }));
  const withGold = model.rowsOfSet.filter((at) => Number.isFinite(model.columns.gold?.[model.payload.rows[at].first]));
  return [table, withGold.length];
}
