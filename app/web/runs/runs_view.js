/** The Compare tab: all runs in a table; two chosen ones stand beside each other with what differs. */

import { button, node, refill, setText, tableHead } from "../dom/dom.js";
import { share } from "../text/numbers.js";
import { signed } from "./probe_view.js";
import { actButton } from "./run_card.js";
import { sweepSections } from "./sweeps.js";

/**
 * Mounts the view; `props.value` is `{runs, sweeps, columns, rivals, empty}` (app/actions/compare.py). Events: `act`
 * {run_id, action}, `rival` {run_id, name}.
 * @param {MountHost} host
 */
export function mount({ element, props, trigger, watch }) {
  let chosen = [];
  const empty = node("p", { class: "tx-empty" });
  const swept = node("div");
  const table = node("div", {
    class: "tx-scroll",
    attributes: { tabindex: 0, role: "region", "aria-label": "Runs" },
  });
  const hint = node("p", { class: "tx-note", attributes: { role: "status" } });
  const beside = node("div", { class: "tx-bar" });
  const difference = node("section", { attributes: { "aria-label": "Difference of two runs" } });
  (element.querySelector(".tx-view") ?? element).replaceChildren(
    empty,
    swept,
    table,
    hint,
    beside,
    difference,
  );

  const choose = (runId) => {
    chosen = chosen.includes(runId) ? chosen.filter((each) => each !== runId) : [...chosen, runId].slice(-2);
    draw();
  };
  const draw = () => {
    const { runs = [], sweeps = [], columns = [], rivals = [], empty: sentence = "" } = props.value ?? {};
    chosen = chosen.filter((runId) => runs.some((run) => run.run_id === runId));
    empty.hidden = runs.length > 0 || !sentence;
    refill(swept, sweepSections(sweeps, columns, trigger));
    setText(empty, sentence);
    table.hidden = runs.length === 0;
    refill(table, [runsTable(runs, columns, chosen, choose, trigger)]);
    setText(hint, hintText(runs.length, chosen.length));
    refill(beside, rivalButtons(rivals, chosen.at(-1), trigger));
    const [first, second] = chosen.map((runId) => runs.find((run) => run.run_id === runId));
    difference.replaceChildren(...(second ? differenceOf([first, second], columns) : []));
  };
  watch("value", draw);
  draw();
}

/** Returns what to do next, in one sentence; nothing where there is nothing to compare. Pure. */
export function hintText(count, chosen) {
  if (count < 2)
    return count === 1
      ? "One run so far. A second one, such as the random control, makes the comparison."
      : "";
  return ["Tick two runs to see what differs.", "Tick one more.", ""][chosen];
}

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

function runsTable(runs, columns, chosen, choose, trigger) {
  const heads = ["", "Run", "Arm", "State", "Step", ...columns.map(({ label }) => label), ""];
  return node(
    "table",
    { class: "tx-table tx-runs" },
    tableHead(heads),
    node("tbody", {}, ...runs.map((run) => line(run, columns, chosen, choose, trigger))),
  );
}

function line(run, columns, chosen, choose, trigger) {
  const tick = node("input", {
    attributes: {
      type: "checkbox",
      "aria-label": `Compare ${run.name}`,
      "data-key": run.run_id,
      checked: chosen.includes(run.run_id),
    },
    on: { change: () => choose(run.run_id) },
  });
  const probe = actButton({ action: "probe", label: "Probe", kind: "quiet" }, run, trigger);
  return node(
    "tr",
    { class: chosen.includes(run.run_id) ? "tx-on" : "" },
    node("td", {}, tick),
    node(
      "th",
      { attributes: { scope: "row" } },
      node("span", { text: run.name }),
      node("span", { class: "tx-note", text: ` ${run.run_id}` }),
    ),
    node("td", {}, node("span", { class: `tx-arm tx-arm-${run.arm}`, text: run.arm })),
    node("td", { text: run.state }),
    node("td", { text: `${run.step} / ${run.steps}` }),
    ...columns.map(({ key }) => node("td", { text: share(run.after?.[key]) })),
    node("td", {}, run.after ? probe : null),
  );
}

function differenceOf([first, second], columns) {
  return [
    node("h2", { class: "tx-heading", text: `${second.name} against ${first.name}` }),
    node("div", { class: "tx-columns" }, numbers(first, second, columns), settings(first, second)),
  ];
}

function numbers(first, second, columns) {
  const rows = columns.map(({ key, label }) => {
    const [a, b] = [first.after?.[key], second.after?.[key]];
    const both = Number.isFinite(a) && Number.isFinite(b);
    return [label, share(a), share(b), both ? signed(b - a) : "–"];
  });
  return plainTable(["after the run", first.run_id, second.run_id, "difference"], rows);
}

function settings(first, second) {
  const rows = differingKeys(first.settings, second.settings).map((key) => [
    key,
    text(first.settings[key]),
    text(second.settings[key]),
  ]);
  if (rows.length === 0) return node("p", { class: "tx-note", text: "The settings are the same." });
  return plainTable(["settings that differ", first.run_id, second.run_id], rows);
}

/** Returns the keys whose values differ, in order of first appearance. Pure. */
export function differingKeys(first, second) {
  const keys = [...new Set([...Object.keys(first ?? {}), ...Object.keys(second ?? {})])];
  return keys.filter((key) => JSON.stringify(first?.[key]) !== JSON.stringify(second?.[key]));
}

function text(value) {
  if (value === undefined || value === null) return "–";
  const whole = typeof value === "object" ? JSON.stringify(value) : String(value);
  // A hash is told apart by its first digits.
  return /^[0-9a-f]{64}$/.test(whole) ? whole.slice(0, 8) : whole;
}

function plainTable(heads, rows) {
  return node(
    "table",
    { class: "tx-table" },
    tableHead(heads),
    node(
      "tbody",
      {},
      ...rows.map(([head, ...cells]) =>
        node(
          "tr",
          {},
          node("th", { text: head, attributes: { scope: "row" } }),
          ...cells.map((cell) => node("td", { text: cell })),
        ),
      ),
    ),
  );
}
