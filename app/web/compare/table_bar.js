/** Above the table of the Compare tab: search, state, tag, moment, what a figure shows, columns to choose. */

import { button, node, refill, segmented, setText } from "../dom/dom.js";
import { download } from "../dom/download.js";
import { measuredKeys, SHOWS, shownColumns } from "./columns.js";
import { present } from "./lines.js";

const DOWN = " down"; // behind a column's key, on a phone, where no head can be pressed

/**
 * Returns `{element, update}`; `change(values)` takes what a person changed of the view.
 * @param {(values: object) => void} change
 * @param {(name: string, data: object) => Promise<any>} ask
 */
export function tableBar(change, ask) {
  const search = node("input", {
    class: "tx-search",
    attributes: { type: "search", placeholder: "Find runs", "aria-label": "Find runs" },
    on: { input: () => change({ search: search.value }) },
  });
  const state = menu("Status", (value) => change({ state: value }));
  const tag = menu("Tag", (value) => change({ tag: value }));
  const data = menu("Data", (value) => change({ data: value }));
  const model = menu("Model", (value) => change({ model: value }));
  const moment = menu("Measured at", (value) => change({ moment: value }));
  const sort = menu("Sort by", (value) =>
    change({ sort: value.replace(DOWN, ""), down: value.endsWith(DOWN) }),
  );
  sort.element.classList.add("tx-narrow");
  const shows = segmented("What a figure shows", SHOWS, (value) => change({ show: value }));
  const group = node("input", {
    attributes: { type: "checkbox" },
    on: { change: () => change({ grouped: group.checked }) },
  });
  const grouping = node("label", { class: "tx-check" }, group, node("span", { text: "Group by sweep" }));
  const columns = columnMenu(change);
  let runs = [];
  const take = button(
    "Results (.csv)",
    async () => {
      try {
        const { left_out: without, ...file } = await ask("results_file", { runs });
        download(file);
        setText(said, without.length ? `Saved. ${without.join(" ")}` : "Saved.");
      } catch (error) {
        setText(said, error.message);
      }
    },
    { class: "tx-button", attributes: { title: "Every measurement of the runs and sweeps in the table" } },
  );
  const said = node("p", { class: "tx-note", attributes: { role: "status" } });
  const count = node("p", { class: "tx-note", attributes: { role: "status" } });
  const element = node(
    "div",
    { class: "tx-table-bar" },
    search,
    state.element,
    tag.element,
    data.element,
    model.element,
    moment.element,
    sort.element,
    shows.element,
    grouping,
    columns.element,
    take,
    said,
    count,
  );
  const update = (context) => {
    const { all, lines, view, moments, every } = context;
    element.hidden = all.length === 0;
    runs = present(lines.filter((line) => !line.run.recorded).map((line) => line.runId));
    take.hidden = runs.length === 0;
    state.update("any status", present(all.map((line) => line.state)), view.state);
    tag.update("any tag", present(all.flatMap((line) => line.tags)), view.tag);
    const several = (values) => (values.length > 1 ? values : []);
    data.update("any data", several(present(all.map(({ about }) => about.data))), view.data);
    model.update("any model", several(present(all.map(({ about }) => about.model))), view.model);
    moment.update("", moments, view.moment);
    const sorts = [{ key: "title", label: "Run" }, ...shownColumns(every, view.columns)].flatMap(
      ({ key, label }) => [
        [key, `${label}, lowest first`],
        [key + DOWN, `${label}, highest first`],
      ],
    );
    sort.update("newest first", sorts, view.down ? view.sort + DOWN : view.sort);
    shows.update(view.show);
    group.checked = view.grouped;
    grouping.hidden = !all.some((line) => line.group);
    columns.update(context, measuredKeys(all));
    const hidden = all.length - lines.length;
    const bounded = view.show !== "change" && lines.some(hasInterval);
    const words = [hidden ? `${lines.length} of ${all.length} shown` : "", bounded ? BRACKETS : ""];
    setText(count, words.filter(Boolean).join(" · "));
  };
  return { element, update };
}

const BRACKETS =
  "In brackets: the 95 % interval of an arm's mean, what other seeds would give; none of fewer than three seeds, or of equal ones";
const hasInterval = (line) => Object.values(line.figures).some(({ low }) => Number.isFinite(low));

/**
 * A labelled select that is hidden while there is nothing to choose between. `update(any, choices, value)`:
 * `any` is the choice of none, "" where one has to be chosen.
 */
function menu(label, choose) {
  const select = node("select", {
    attributes: { "aria-label": label },
    on: { change: () => choose(select.value) },
  });
  const element = node("label", { class: "tx-menu" }, node("span", { text: label }), select);
  let drawn = "";
  const update = (any, choices, value) => {
    const entries = choices.map((each) => (Array.isArray(each) ? each : [each, each]));
    element.hidden = entries.length < (any ? 1 : 2);
    // Not while it stays the same: a list that is open would close.
    const now = JSON.stringify([any, entries]);
    if (now !== drawn)
      select.replaceChildren(
        ...[...(any ? [["", any]] : []), ...entries].map(([key, text]) =>
          node("option", { text, attributes: { value: key } }),
        ),
      );
    drawn = now;
    select.value = entries.some(([key]) => key === value) ? value : any ? "" : (entries[0]?.[0] ?? "");
  };
  return { element, update };
}

function columnMenu(change) {
  const list = node("div", { class: "tx-column-list" });
  const element = node("details", { class: "tx-columns-menu" }, node("summary", { text: "Columns" }), list);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    element.open = false;
    element.querySelector("summary").focus();
  });
  let shown = null;
  // Three dozen boxes, which are made while somebody looks at them.
  const draw = () => refill(list, shown && element.open ? boxes(shown, change) : []);
  element.addEventListener("toggle", draw);
  const update = (context, measured) => {
    shown = { ...context, measured };
    draw();
  };
  return { element, update };
}

function boxes({ every, view, measured }, change) {
  const chosen = new Set(shownColumns(every, view.columns).map(({ key }) => key));
  const box = ({ key, name, help, figure }) => {
    const without = figure && !measured.has(key);
    const input = node("input", {
      attributes: { type: "checkbox", checked: chosen.has(key), "data-key": `column:${key}` },
      on: {
        change: () => {
          input.checked ? chosen.add(key) : chosen.delete(key);
          change({ columns: every.filter((each) => chosen.has(each.key)).map((each) => each.key) });
        },
      },
    });
    return node(
      "label",
      { class: "tx-check", attributes: { title: help } },
      input,
      node("span", { text: `${name}${without ? " (not measured here)" : ""}` }),
    );
  };
  return [
    ...every.map(box),
    button("As at first", () => change({ columns: null }), {
      class: "tx-button",
      attributes: { "data-key": "column:reset" },
    }),
  ];
}
