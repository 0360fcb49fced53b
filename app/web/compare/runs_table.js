/** The table of the Compare tab: a line a run or arm, sorted by any column, in groups; on a phone, cards. */

import { button, node, refill } from "../dom/dom.js";
import { hueDot } from "../runs/looks.js";
import { plural } from "../text/numbers.js";
import { grouped, sorted, titleOf } from "./lines.js";

/**
 * Returns `{element, update}`. `acts`: `tick(id)`, `sort(key)`, `open(line)`.
 * @param {Record<string, (given: any) => void>} acts
 */
export function runsTable(acts) {
  const element = node("div", {
    class: "tx-scroll tx-table-place",
    attributes: { tabindex: 0, role: "region", "aria-label": "Runs" },
  });
  const update = (context) => {
    element.hidden = context.lines.length === 0;
    // A click may have begun on what is replaced: the place stays where it was scrolled to.
    const { scrollLeft, scrollTop } = element;
    refill(element, [table(context, acts)]);
    element.scrollTo(scrollLeft, scrollTop);
  };
  return { element, update };
}

function table(context, acts) {
  const { columns, view } = context;
  const wide = columns.length + 2;
  const of = sortOf(columns, view);
  const inOrder = of ? sorted(context.lines, of, view.down) : context.lines;
  const groups = view.grouped ? grouped(inOrder) : [{ group: "", lines: inOrder }];
  return node(
    "table",
    { class: "tx-table tx-runs", attributes: { role: "table" } },
    head(columns, view, acts),
    ...groups.map(({ group, lines }) =>
      node(
        "tbody",
        { attributes: { role: "rowgroup" } },
        group ? groupHead(lines, wide) : null,
        ...lines.map((line) => row(line, context, acts)),
      ),
    ),
  );
}

/** Returns what the lines are sorted by, null for the order in which they came. */
function sortOf(columns, { sort, show }) {
  if (sort === "title") return (line) => line.title;
  const column = columns.find(({ key }) => key === sort);
  return column ? (line) => column.value(line, show) : null;
}

function head(columns, view, acts) {
  const cell = ({ key, label, help, left }) =>
    node(
      "th",
      {
        class: left ? "tx-left" : "",
        attributes: {
          scope: "col",
          role: "columnheader",
          title: help,
          "aria-sort": view.sort === key ? (view.down ? "descending" : "ascending") : "none",
        },
      },
      button(label.replace(/ ([↑↓])$/, "\u00a0$1"), () => acts.sort(key), {
        class: "tx-sort",
        attributes: { "data-key": `sort:${key}` },
      }),
    );
  return node(
    "thead",
    { attributes: { role: "rowgroup" } },
    node(
      "tr",
      { attributes: { role: "row" } },
      node("td", { attributes: { role: "cell" } }),
      cell({ key: "title", label: "Run", help: "Named by what differs; select one for more", left: true }),
      ...columns.map(cell),
    ),
  );
}

function groupHead(lines, wide) {
  const { run } = lines[0];
  return node(
    "tr",
    { class: "tx-group", attributes: { role: "row" } },
    node(
      "th",
      { attributes: { colspan: wide, scope: "rowgroup", role: "rowheader" } },
      node("span", { text: `Sweep: ${titleOf(run)} ` }),
      node("span", {
        class: "tx-note",
        text: [
          run.recorded ? "recorded" : run.run_id,
          plural(lines.length, "arm"),
          plural(Math.max(...lines.map(({ seeds }) => seeds)), "seed"),
          ...(run.recorded ? [] : [run.text]),
        ].join(" · "),
      }),
    ),
  );
}

function row(line, { columns, view, open }, acts) {
  const on = view.ticked.includes(line.id);
  const tick = node("input", {
    attributes: {
      type: "checkbox",
      "aria-label": `Compare ${line.title}, ${line.runId}`,
      "data-key": `tick:${line.id}`,
      checked: on,
    },
    on: { change: () => acts.tick(line.id) },
  });
  const more =
    line.kind === "run" || !view.grouped
      ? node("span", { class: "tx-note", text: line.run.recorded ? " recorded" : ` ${line.runId}` })
      : null;
  const classes = [on && "tx-on", open?.id === line.id && "tx-open", line.kind === "arm" && "tx-of-group"];
  return node(
    "tr",
    { class: classes.filter(Boolean).join(" "), attributes: { role: "row", "data-line": line.id } },
    node("td", { class: "tx-tick", attributes: { role: "cell" } }, tick),
    node(
      "th",
      { class: "tx-name", attributes: { scope: "row", role: "rowheader" } },
      hueDot(line.hue),
      line.run.recorded ? node("span", { text: line.title }) : titleButton(line, open?.id === line.id, acts),
      more,
      node("span", { class: "tx-note tx-on-card", text: ` · ${line.state}` }),
      line.unmeasured ? node("span", { class: "tx-note", text: ` · ${line.unmeasured}` }) : null,
      ...(line.faults ?? []).map((text) => node("span", { class: "tx-note tx-fault", text })),
    ),
    ...columns.map((column) => cell(column, line, view.show)),
  );
}

/** The name of a line; on a phone two lines of it, until it is opened. */
function titleButton(line, opened, acts) {
  const element = button("", () => acts.open(line), {
    class: "tx-title-button",
    attributes: { "data-key": `${line.id}:open`, "aria-expanded": opened, title: line.title },
  });
  element.append(node("span", { class: "tx-title-words", text: line.title }));
  return element;
}

function cell(column, line, show) {
  const { text, note, title } = column.cell(line, show);
  return node(
    "td",
    {
      class: [column.left && "tx-left", `tx-of-${column.key}`].filter(Boolean).join(" "),
      attributes: { role: "cell", title, "data-label": column.label.replace(/ ([↑↓])$/, "\u00a0$1") },
    },
    node("span", { text }),
    note ? node("span", { class: "tx-was", text: note }) : null,
  );
}
