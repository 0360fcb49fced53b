/** Sweeps on the Compare tab: what is shown, the table of the arms, and the run's own buttons. */

import { node, tableHead } from "../dom/dom.js";
import { share } from "../text/numbers.js";
import { actButton, runButtons } from "./run_card.js";

/** Returns a section a sweep (app/views/sweeps.py), the newest first. */
export function sweepSections(sweeps, columns, trigger) {
  return sweeps.map((sweep) => section(sweep, columns, trigger));
}

function section(sweep, columns, trigger) {
  return node(
    "section",
    { class: "tx-sweep", attributes: { "aria-label": sweep.name } },
    node("h2", { class: "tx-heading", text: `${sweep.name} (${sweep.run_id})` }),
    node(
      "p",
      { class: "tx-note", attributes: { role: "status" } },
      node("span", { text: `${sweep.text} ` }),
      ...runButtons(sweep.buttons.filter((label) => label !== "Compare")).map((each) =>
        actButton(each, sweep, trigger),
      ),
    ),
    ...sweep.verdicts.flatMap(({ text, shown }) => [node("p", { text }), ...list(shown)]),
    ...sweep.notes.map((text) => node("p", { class: "tx-note", text })),
    sweep.lines.length ? table(sweep.lines, columns) : null,
    sweep.controls.length
      ? node(
          "details",
          {},
          node("summary", { text: "What each control rules out, where the chosen tokens do better" }),
          ...list(sweep.controls),
        )
      : null,
  );
}

function list(texts) {
  return texts.length ? [node("ul", {}, ...texts.map((text) => node("li", { text })))] : [];
}

function table(lines, columns) {
  const heads = ["Arm", "When", "Seeds", "Step", "Norm", "Tokens", ...columns.map(({ label }) => label)];
  return node(
    "div",
    { class: "tx-scroll", attributes: { tabindex: 0, role: "region", "aria-label": "Arms" } },
    node("table", { class: "tx-table" }, tableHead(heads), node("tbody", {}, ...lines.map(line(columns)))),
  );
}

const line = (columns) => (each) =>
  node(
    "tr",
    {},
    node("th", {
      text: each.method ? `${each.label}, ${each.method}` : each.label,
      attributes: { scope: "row" },
    }),
    node("td", { text: each.moment }),
    node("td", { text: each.seeds }),
    ...[each.step, each.norm, each.tokens].map((value) => node("td", { text: short(value) })),
    ...columns.map(({ key }) => node("td", { text: spread(each.figures[key], each.seeds) })),
  );

/** Returns a number in three digits or so, "–" where there is none. Pure. */
export function short(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "–";
}

/** Returns a mean with half the distance between the highest and the lowest seed. Pure. */
export function spread([mean, half], seeds) {
  return seeds > 1 && Number.isFinite(half) ? `${share(mean)} ± ${share(half)}` : share(mean);
}
