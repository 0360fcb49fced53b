/** Attacks on a run: what each found, with its settings, or a button to begin; under way, its progress. */

import { button, node, setText, tableHead } from "../dom/dom.js";
import { share } from "../text/numbers.js";
import { actButton, runButtons } from "./run_card.js";

/** Returns a section an attack (app/actions/probe.py, `attacks`). */
export function attackSections(attacks, runId, trigger) {
  return attacks.map((attack) => section(attack, runId, trigger));
}

function section({ name, label, help, under_way: live, begins, results, fault }, runId, trigger) {
  const begin = button(
    results.length ? `Attack again: ${label}` : `Attack: ${label}`,
    () => trigger("attack", { run_id: runId, name }),
    { class: "tx-button", attributes: { "data-key": `attack:${name}` } },
  );
  return node(
    "section",
    { class: "tx-attack", attributes: { "aria-label": `Attack: ${label}` } },
    node("h2", { class: "tx-heading", text: label }),
    node("p", { class: "tx-note", text: help }),
    ...(live ? [progress(live, trigger)] : []),
    ...(begins ? [begin] : []),
    ...(results.length
      ? results.map(found)
      : [node("p", { class: "tx-note", text: fault || (begins ? "Not measured." : "Not measured yet.") })]),
  );
}

/** Returns the line of a run that is done to the shown one, with its buttons. */
export function progress(run, trigger) {
  return node(
    "p",
    { attributes: { role: "status" } },
    node("span", { text: lineWords(run), attributes: { "data-run": run.run_id } }),
    ...runButtons(run.buttons).map((each) => actButton(each, run, trigger)),
  );
}

function lineWords({ name, text }) {
  return `${name}: ${text} `;
}

/** Says in its place what the newest line of a run says: while it waits, the seconds come with the chips alone. */
export function tick(root, line) {
  for (const words of root.querySelectorAll("[data-run]"))
    if (words.dataset.run === line?.run_id) setText(words, lineWords(line));
}

function found(result) {
  return node(
    "div",
    {},
    node("ul", {}, ...result.says.map((text) => node("li", { text }))),
    node(
      "details",
      {},
      node("summary", { text: `${result.label}, step by step` }),
      node("p", { class: "tx-note", text: settingsText(result.settings) }),
      curve(result),
    ),
  );
}

/** Returns "rows 5 · steps 10 · …". Pure. */
export function settingsText(settings) {
  return Object.entries(settings)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`)
    .join(" · ");
}

/**
 * Returns a line a number of steps, with each model's figures in its own columns: `{heads, lines}`. What was
 * not measured is null. Pure.
 */
export function curveTable({ curve: points, columns }) {
  const models = [...new Set(points.map(({ model }) => model))];
  const keys = models.flatMap((model) => Object.keys(columns).map((name) => ({ model, name })));
  const heads = ["Steps", ...keys.map(({ model, name }) => `${columns[name]}, ${model}`)];
  const steps = [...new Set(points.map(({ taken }) => taken))].sort((a, b) => a - b);
  const lines = steps.map((taken) => [
    taken,
    ...keys.map(({ model, name }) => {
      const point = points.find((each) => each.model === model && each.taken === taken);
      return point?.figures[name] ?? null;
    }),
  ]);
  return { heads, lines };
}

function curve(result) {
  const { heads, lines } = curveTable(result);
  return node(
    "div",
    {
      class: "tx-scroll",
      attributes: { tabindex: 0, role: "region", "aria-label": `${result.label}, steps` },
    },
    node(
      "table",
      { class: "tx-table" },
      tableHead(heads),
      node(
        "tbody",
        {},
        ...lines.map(([taken, ...figures]) =>
          node(
            "tr",
            {},
            node("th", { text: String(taken), attributes: { scope: "row" } }),
            ...figures.map((value) => node("td", { text: share(value) })),
          ),
        ),
      ),
    ),
  );
}
