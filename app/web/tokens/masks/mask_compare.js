/**
 * Two named masks side by side: how far they agree, and each token on which they do not, to take from either.
 */

import { button, node, setText, tableHead } from "../../dom/dom.js";
import { focusStripWhenDrawn } from "../../dom/strip_focus.js";
import { agreementWords, plural } from "../../text/numbers.js";
import { GLYPHS } from "../../text/strip_marks.js";

/** Returns `{element, show, update}`; `show(answer)` takes what the server's compare_masks returns. */
export function maskComparison(desk, host) {
  const words = node("p");
  const more = node("p", { class: "tu-note" });
  const table = node("table", { class: "tu-masks-list" });
  const element = node(
    "section",
    { attributes: { "aria-label": "Two masks compared", hidden: true } },
    node("h2", { text: "Compared" }),
    words,
    more,
    table,
  );
  let nows = [];
  const update = () =>
    nows.forEach(({ cell, index }) => {
      setText(cell, nowWords(desk.model, index));
    });
  const show = (answer) => {
    element.hidden = false;
    setText(words, agreementWords(answer));
    setText(more, moreWords(answer));
    nows = [];
    table.hidden = answer.differing.length === 0;
    const heads = ["Row", "Token", answer.first.name, answer.second.name, "Draft", ""];
    let last = null;
    const lines = answer.differing.map((each) => {
      const made = differing(each, answer, { desk, host, update, newRow: each.row_id !== last });
      last = each.row_id;
      nows.push({ cell: made.now, index: each.index });
      return made.line;
    });
    table.replaceChildren(tableHead(heads), node("tbody", {}, ...lines));
    update();
  };
  return { element, show, update };
}

function differing(each, answer, { desk, host, update, newRow }) {
  const word = desk.model.tokenText(each.index) || (each.token.includes("\n") ? "↵" : "␣");
  const see = () => {
    host.close();
    host.show(each.index);
    focusStripWhenDrawn();
  };
  const take = (side, name) =>
    button(
      `Take ${name}`,
      () => {
        desk.take(each.index, side, name);
        update();
      },
      { class: "tu-toggle", attributes: { "aria-label": `Take ${name} for ${word} in row ${each.row_id}` } },
    );
  const now = node("td");
  const line = node(
    "tr",
    {},
    node("td", { text: newRow ? each.row_id : "" }),
    node(
      "th",
      { attributes: { scope: "row", dir: "auto" } },
      button(word, see, { class: "tu-toggle", attributes: { title: "Show it on its row" } }),
    ),
    node("td", { text: sideWords(each.first) }),
    node("td", { text: sideWords(each.second) }),
    now,
    node("td", {}, take(each.first, answer.first.name), take(each.second, answer.second.name)),
  );
  return { line, now };
}

/** Returns who chose what, in one sentence. */
export function moreWords({
  first,
  second,
  only_first: onlyFirst,
  only_second: onlySecond,
  differences,
  differing: listed,
}) {
  if (!differences)
    return `“${first.name}” and “${second.name}” are the same mask of ${plural(first.chosen, "token")}.`;
  const cut = listed.length < differences ? ` The first ${listed.length} of ${differences} are listed.` : "";
  return `“${first.name}” chose ${first.chosen}, ${onlyFirst} of them alone; “${second.name}” ${second.chosen}, ${onlySecond} alone.${cut}`;
}

/** Returns what one auditor decided on a token: mark, words, weight where it is soft, note, time. */
export function sideWords({ chosen, weight, state, note, time }) {
  const mark = state ? GLYPHS[state] : chosen ? GLYPHS.chosen : "";
  const decision = { in: "forced in", out: "forced out" }[state] ?? (chosen ? "by the rule" : "not chosen");
  const soft = chosen && weight !== 1 ? `, weight ${weight.toFixed(3)}` : "";
  const when = time ? ` (${new Date(time).toLocaleDateString()})` : "";
  return `${mark} ${decision}${soft}${note ? `: ${note}${when}` : ""}`.trim();
}

function nowWords(model, index) {
  const state = model.overrides.state(index);
  return sideWords({
    chosen: model.mask.selected[index] === 1,
    weight: model.mask.weights[index],
    state,
    note: "",
    time: 0,
  });
}
