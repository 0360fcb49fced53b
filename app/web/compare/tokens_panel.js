/** Token by token: what two runs leave of the same answers. */

import { changeExport } from "../dom/change_export.js";
import { changeLegend, changeText } from "../dom/change_text.js";
import { node, refill, setText } from "../dom/dom.js";
import { LAST } from "./lines.js";

/**
 * Returns `{element, update}`.
 * @param {(name: string, data: object) => Promise<any>} ask
 */
export function tokensPanel(ask) {
  const view = { pair: "", rows: [], why: "", row: "" };
  const menu = node("select", {
    attributes: { "aria-label": "Answer" },
    on: {
      change: () => {
        view.row = menu.value;
        paint();
      },
    },
  });
  const body = node("div", { attributes: { role: "status" } });
  const title = node("h2", { class: "tx-heading" });
  const element = node(
    "section",
    { attributes: { "aria-label": "Token by token" } },
    title,
    node("label", { class: "tx-menu" }, node("span", { text: "Answer" }), menu),
    body,
  );
  let names = ["", ""];
  const shownRow = () => view.rows.find((each) => keyOf(each) === view.row) ?? view.rows[0];
  /** @type {(row: any) => import("../dom/change_export.js").ChangedRow} */
  const changed = ({ first, second, expected, ...row }) => ({
    ...row,
    answer: expected,
    before: first,
    after: second,
  });
  const take = changeExport(() => ({
    shown: [changed(shownRow())],
    all: view.rows.map(changed),
    sides: names,
    name: `tokens-${names.join("-")}`,
  }));

  const paint = () => {
    menu.parentElement.hidden = view.rows.length === 0;
    const row = shownRow();
    if (!row) return refill(body, [node("p", { class: "tx-note", text: view.why })]);
    menu.value = keyOf(row);
    const tokens = { starts: row.starts, ends: row.ends, before: row.first, after: row.second };
    const marks = row.gold.length ? "the fact is underlined" : "select a token for its numbers";
    return refill(body, [
      node("p", { class: "tx-question", text: row.question }),
      changeLegend("difference", marks, names),
      changeText(row.expected, tokens, row.gold, "difference", names),
      take,
    ]);
  };
  const update = ({ pair, view: { moment } }) => {
    const [first, second] = pair;
    element.hidden = !second || [first, second].some((line) => line.kind !== "run" || !line.run.after);
    if (element.hidden) return undefined;
    const wanted = JSON.stringify([first.id, second.id, first.state, second.state]);
    names = [first.id, second.id];
    setText(
      title,
      `Token by token: ${second.title} against ${first.title}${moment === LAST ? "" : `, ${LAST}`}`,
    );
    if (wanted === view.pair) return undefined;
    view.pair = wanted;
    return ask("token_difference", { first: first.id, second: second.id })
      .then(({ rows, why }) => {
        if (wanted !== view.pair) return;
        Object.assign(view, { rows: byChange(rows), why });
        menu.replaceChildren(...options(view.rows));
        paint();
      })
      .catch((error) => {
        Object.assign(view, { pair: "", rows: [], why: `Not shown: ${error.message}` });
        paint();
      });
  };
  return { element, update };
}

const keyOf = ({ kind, row_id: id }) => `${kind}/${id}`;

/** Returns the rows with the largest change of a token first, those to forget before the others. Pure. */
export function byChange(rows) {
  const largest = ({ first, second }) => Math.max(0, ...first.map((was, at) => Math.abs(second[at] - was)));
  const kinds = ["forget", "paraphrase"];
  const rank = ({ kind }) => (kinds.includes(kind) ? kinds.indexOf(kind) : kinds.length);
  return [...rows].sort((a, b) => rank(a) - rank(b) || largest(b) - largest(a));
}

function options(rows) {
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  return kinds.map((kind) =>
    node(
      "optgroup",
      { attributes: { label: kind } },
      ...rows
        .filter((row) => row.kind === kind)
        .map((row) => node("option", { text: row.question, attributes: { value: keyOf(row) } })),
    ),
  );
}
