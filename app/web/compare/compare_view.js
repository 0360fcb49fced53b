/** The Compare tab: what is shown, then the table of all runs and arms, then what was ticked, side by side. */

import { button, node, refill, setText } from "../dom/dom.js";
import { glossary } from "../dom/glossary.js";
import { askServer } from "../server/server_ask.js";
import { liveLine } from "../server/shared_value.js";
import { NAT } from "../text/terms.js";
import { columnsOf, shownColumns } from "./columns.js";
import { curvesPanel } from "./curves_panel.js";
import { differencePanel } from "./difference_panel.js";
import { discardedPanel } from "./discarded_panel.js";
import { keepView, keptView } from "./kept_view.js";
import { filtered, LAST, linesOf, momentsOf } from "./lines.js";
import { paretoPanel } from "./pareto_panel.js";
import { reportParts } from "./report_parts.js";
import { runPanel } from "./run_panel.js";
import { runsTable } from "./runs_table.js";
import { seriesParts } from "./series_panel.js";
import { tableBar } from "./table_bar.js";
import { tokensPanel } from "./tokens_panel.js";
import { verdictPanel } from "./verdict_panel.js";

/**
 * Mounts the view; `props.value` is `{runs, sweeps, discarded, figures, rivals, verdict, empty}`
 * (app/actions/compare.py). Events: `act` {run_id, action}, `rival` {run_id, name}, `changed` where a server function
 * has changed a run. What the server is asked: app/tabs/compare.py.
 * @param {MountHost} host
 */
export function mount({ element, props, trigger, watch, server }) {
  let view = keptView();
  const change = (values) => {
    view = { ...view, ...values };
    keepView(view);
    draw();
  };
  const acts = {
    tick: (id) =>
      change({
        ticked: view.ticked.includes(id) ? view.ticked.filter((each) => each !== id) : [...view.ticked, id],
      }),
    sort: (key) => change(nextSort(view, key)),
    open: (line) => change({ open: view.open === line.id ? "" : line.id }),
  };
  const ask = (name, data) => askServer(server, name, data);
  const openMark = (id) => {
    const line = contextOf(shown(), view).all.find((each) => each.id === id);
    if (line?.kind === "run") trigger("act", { run_id: line.runId, action: "probe" });
    else if (line && !line.run.recorded) change({ open: id });
  };
  // Kept, so that what it says is not lost when a pulse draws anew.
  const reports = new Map();
  const reportOf = (runId) => {
    if (!reports.has(runId)) reports.set(runId, reportParts(runId, ask));
    return reports.get(runId);
  };
  const terms = glossary("What the columns mean");
  const hint = node("p", { class: "tx-note", attributes: { role: "status" } });
  const beside = node("div", { class: "tx-bar" });
  const verdicts = verdictPanel(trigger, (sweep) => [...seriesParts(sweep), reportOf(sweep.run_id)]);
  const panels = [
    { element: verdicts.head, update: verdicts.update },
    paretoPanel(change, openMark),
    { element: verdicts.rest, update: () => {} },
    tableBar(change, ask),
    runsTable(acts),
    {
      element: terms.element,
      update: ({ columns, lines }) => terms.update(lines.length ? termsOf(columns) : []),
    },
    runPanel(ask, trigger, () => change({ open: "" })),
    { element: hint, update: ({ all, ticked }) => setText(hint, hintText(all.length, ticked.length)) },
    {
      element: beside,
      update: ({ value, ticked }) =>
        refill(beside, rivalButtons(value.rivals ?? [], lastRun(ticked), trigger)),
    },
    differencePanel((pair) => change({ pair })),
    tokensPanel(ask),
    curvesPanel(ask),
    discardedPanel(ask, trigger),
  ];
  (element.querySelector(".tx-view") ?? element).replaceChildren(...panels.map((panel) => panel.element));

  const shown = () => withLine(props.value ?? {}, liveLine.value);
  const draw = () => {
    const context = contextOf(shown(), view);
    view = context.view;
    for (const panel of panels) panel.update(context);
  };
  watch("value", draw);
  liveLine.subscribe(draw);
  draw();
}

/**
 * Returns the value with the run under way as far as it has come: a value is sent where a run begins, ends or has
 * measured an arm, not at each step. Pure.
 * @param {Record<string, any>} value
 * @param {Record<string, any>|null} line as of `run_line` (app/views/runs.py)
 */
export function withLine(value, line) {
  const come = (run) =>
    run.run_id === line?.run_id && !run.faults?.length
      ? { ...run, text: line.text, step: line.step, steps: line.steps, buttons: line.buttons }
      : run;
  return { ...value, runs: (value.runs ?? []).map(come), sweeps: (value.sweeps ?? []).map(come) };
}

/** Returns two lines in the order of the verdict, which says chosen minus control: the chosen tokens second. */
function asTheVerdict(pair) {
  const [first, second] = pair;
  return first?.chosen && second && !second.chosen && first.runId === second.runId ? [second, first] : pair;
}

/** Returns what every panel draws from: the value, the view without what is gone, all lines and those shown. */
export function contextOf(value, view) {
  const moments = momentsOf(value);
  const moment = moments.includes(view.moment) ? view.moment : LAST;
  const all = linesOf(value, moment);
  const byId = new Map(all.map((line) => [line.id, line]));
  const ticked = view.ticked.filter((id) => byId.has(id));
  const picked = view.pair.every((id) => ticked.includes(id)) && view.pair.length === 2;
  const pair = (picked ? view.pair : ticked.slice(0, 2)).map((id) => byId.get(id));
  const every = columnsOf(value.figures ?? [], value.success, all);
  return {
    value,
    view: { ...view, ticked, moment },
    moments,
    all,
    lines: filtered(all, view),
    every,
    columns: shownColumns(every, view.columns),
    ticked: ticked.map((id) => byId.get(id)),
    pair: picked ? pair : asTheVerdict(pair),
    open: byId.get(view.open) ?? null,
    gone: view.open && !byId.has(view.open) ? view.open.split("/")[0] : "",
  };
}

/** Returns what the columns mean, and the words that are used of all of them. Pure. */
export function termsOf(columns) {
  return [
    ["Run", "One training of one choice of tokens."],
    [
      "Arm, sweep",
      "A sweep trains several choices of tokens, its arms, in the same way and with several seeds.",
    ],
    [
      "Seed",
      "The number that random choices of a training begin with: another seed, another run of the same kind.",
    ],
    ["↑ ↓", "Which way is better: up for what should be kept, down for what should be forgotten."],
    ["Interval", "In brackets: where the mean of all such seeds lies, in 95 of 100 cases."],
    ...columns.map(({ name, help }) => [name, help]),
    NAT,
  ];
}

/** Returns how the table is sorted after a press on a head: upwards, downwards, then as it came. Pure. */
export function nextSort({ sort, down }, key) {
  if (sort !== key) return { sort: key, down: false };
  return down ? { sort: "", down: false } : { sort: key, down: true };
}

/** Returns what to do next, in one sentence; nothing where there is nothing to compare. Pure. */
export function hintText(count, ticked) {
  if (count < 2)
    return count === 1
      ? "One run so far. A second one, such as the random control, makes the comparison."
      : "";
  return ["Tick two runs to see what differs.", "Tick one more."][ticked] ?? "";
}

const lastRun = (ticked) => ticked.findLast((line) => line.kind === "run")?.runId;

/** A button a rival, on the model and rows of the run that was ticked last; none while none is. */
function rivalButtons(rivals, runId, trigger) {
  if (!runId) return [];
  return rivals.map(({ name, label, help }) =>
    button(`Add ${label} beside ${runId}`, () => trigger("rival", { run_id: runId, name }), {
      class: "tx-button",
      attributes: { title: help, "data-key": `rival:${name}` },
    }),
  );
}
