/**
 * Under the strip: what an ended run did to the shown row's tokens: their probability before, after, or the
 * difference.
 */

import { changeExport } from "../../dom/change_export.js";
import { changeLegend, changeText } from "../../dom/change_text.js";
import { node, segmented, setText } from "../../dom/dom.js";
import { endedRuns } from "../../server/shared_value.js";

const SIDES = [
  { value: "before", label: "Before" },
  { value: "after", label: "After" },
  { value: "difference", label: "Difference" },
];

/**
 * Returns `{element, update, leave}`. It stays folded, and asks for a run's numbers when it is opened.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 * @param {(name: string, data: object) => Promise<any>} ask
 */
export function runText(model, ask) {
  const view = { run: "", side: "difference", runs: [], scores: null };
  /** @type {Map<string, Promise<{rows: Record<string, any>}>>} the rows of each run, once asked for */
  const known = new Map();
  const title = node("span");
  const menu = node("select", {
    attributes: { "aria-label": "Run" },
    on: {
      change: () => {
        view.run = menu.value;
        draw();
      },
    },
  });
  const sides = segmented("Before or after the run", SIDES, (side) => {
    view.side = side;
    draw();
  });
  const body = node("div", { attributes: { role: "status" } });
  /** @type {Record<string, any>} the rows of the run that is shown, by their ids */
  let changes = {};
  const changed = (rows) =>
    rows
      .filter(({ id }) => changes[id])
      .map((row) => ({
        ...changes[row.id],
        row_id: row.id,
        question: row.question,
        answer: row.answer,
        gold: goldSpans({ row, columns: model.columns }),
      }));
  const take = changeExport(() => ({
    shown: changed([model.row]),
    all: changed(model.payload.rows),
    sides: [`before ${view.run}`, `after ${view.run}`],
    name: `tokens-${view.run}`,
  }));
  const element = node(
    "details",
    { class: "tu-run-text", attributes: { hidden: true }, on: { toggle: () => draw() } },
    node("summary", {}, title),
    node("div", { class: "tu-bar-line" }, menu, sides.element),
    body,
  );

  const list = async () => {
    view.scores = model.payload.scores_id;
    const { runs } = endedRuns.value.length
      ? await ask("runs_of_rows", { scores_id: view.scores }).catch(() => view)
      : { runs: [] };
    view.runs = runs;
    if (!runs.some(({ run_id }) => run_id === view.run)) view.run = firstShown(runs);
    menu.replaceChildren(
      ...runs.map(({ run_id, name }) =>
        node("option", { text: `${run_id}: ${name}`, attributes: { value: run_id } }),
      ),
    );
    draw();
  };
  const draw = async () => {
    element.hidden = view.runs.length === 0;
    setText(title, `What ${view.run} did to this row`);
    if (element.hidden || !element.open) return;
    menu.value = view.run;
    sides.update(view.side);
    const { run, side } = view;
    const { row } = model;
    if (!known.has(run)) known.set(run, ask("run_tokens", { run_id: run }));
    try {
      const { rows } = await known.get(run);
      if (run !== view.run || side !== view.side || row !== model.row) return;
      changes = rows;
      body.replaceChildren(...parts(model, rows[row.id], side), ...(rows[row.id] ? [take] : []));
    } catch (error) {
      known.delete(run);
      body.replaceChildren(node("p", { class: "tu-note", text: `Not shown: ${error.message}` }));
    }
  };
  const leave = endedRuns.subscribe(list);
  if (endedRuns.value.length) list();
  const update = () => (view.scores !== null && view.scores !== model.payload.scores_id ? list() : draw());
  return { element, update, leave };
}

/**
 * Returns the newest run on tokens that somebody chose, else the newest.
 * @param {{run_id: string, arm: string}[]} runs
 */
export function firstShown(runs) {
  return (runs.find(({ arm }) => arm === "chosen") ?? runs[0])?.run_id ?? "";
}

/** The answer painted with a run's tokens, or the reason why there is none. */
function parts(model, tokens, side) {
  if (!tokens) return [node("p", { class: "tu-note", text: "The run did not measure this row." })];
  return [
    changeLegend(side, "the fact is underlined, what the run unlearned is outlined"),
    changeText(model.row.answer, tokens, goldSpans(model), side),
  ];
}

/**
 * Returns the gold tokens of the shown row as spans of characters.
 * @returns {number[][]}
 */
export function goldSpans({ row, columns }) {
  const indices = Array.from({ length: row.count }, (_, at) => row.first + at).filter(
    (index) => columns.gold?.[index] === 1,
  );
  return indices.map((index) => [columns.start[index], columns.end[index]]);
}
