/**
 * Two named masks side by side: how far they agree, and each word on which they do not, in its sentence, to
 * take from either.
 */

import { button, node, setText, tableHead } from "../../dom/dom.js";
import { focusStripWhenDrawn } from "../../dom/strip_focus.js";
import { wordBounds } from "../../model/shown_unit.js";
import { agreementWords, plural } from "../../text/numbers.js";
import { GLYPHS } from "../../text/strip_marks.js";

const AROUND = 32; // characters of the answer on either side of a word

/** Returns `{element, show, update}`; `show(answer)` takes what the server's compare_masks returns. */
export function maskComparison(desk, host) {
  const words = node("p");
  const more = node("p", { class: "tu-note" });
  const table = node("table", { class: "tu-masks-list tu-masks-words" });
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
    nows.forEach(({ cell, tokens }) => {
      setText(cell, nowWords(desk.model, tokens[0]));
    });
  const show = (answer) => {
    element.hidden = false;
    setText(words, agreementWords(answer));
    setText(more, moreWords(answer));
    nows = [];
    table.hidden = answer.differing.length === 0;
    const heads = ["Word, in its answer", answer.first.name, answer.second.name, "Your draft", ""];
    let last = null;
    const lines = differingWords(answer.differing, desk.model).flatMap((each) => {
      const made = differing(each, answer, { desk, host, update });
      nows.push({ cell: made.now, tokens: each.tokens });
      if (each.row_id === last) return [made.line];
      last = each.row_id;
      return [questionLine(each, desk.model, heads.length), made.line];
    });
    table.replaceChildren(tableHead(heads), node("tbody", {}, ...lines));
    update();
  };
  return { element, show, update };
}

/**
 * Returns what differs by word: `{row_id, tokens, word, part, before, after, first, second}`. Tokens of one
 * word on which both decided alike are one; `part` is their text where they are not the whole word.
 */
export function differingWords(listed, model) {
  const { columns, payload } = model;
  const groups = [];
  for (const { index, row_id: rowId, first, second } of listed) {
    const last = groups.at(-1);
    const same = last && wordBounds(columns, last.tokens[0])[0] === wordBounds(columns, index)[0];
    if (same && sideWords(last.first) === sideWords(first) && sideWords(last.second) === sideWords(second))
      last.tokens.push(index);
    else groups.push({ row_id: rowId, tokens: [index], first, second });
  }
  return groups.map((group) => {
    const [low, high] = wordBounds(columns, group.tokens[0]);
    const answer = Array.from(payload.rows[columns.row[low]].answer);
    const piece = answer.slice(columns.start[low], columns.end[high]).join("");
    const begin = columns.start[low] + Array.from(/^\s*/.exec(piece)[0]).length;
    return {
      ...group,
      word: piece.trim() || (piece.includes("\n") ? "↵" : "␣"),
      part: group.tokens.length > high - low ? "" : group.tokens.map((at) => model.tokenText(at)).join(""),
      before: clipped(answer.slice(0, begin).reverse()).reverse().join(""),
      after: clipped(answer.slice(columns.end[high])).join(""),
    };
  });
}

/** Returns the first characters of a text, with an ellipsis where there are more. */
function clipped(characters) {
  return characters.length > AROUND ? [...characters.slice(0, AROUND), "…"] : characters;
}

function questionLine({ row_id: rowId, tokens }, { payload, columns }, span) {
  const { question } = payload.rows[columns.row[tokens[0]]];
  return node(
    "tr",
    {},
    node(
      "td",
      { class: "tu-note", attributes: { colspan: span, dir: "auto" } },
      node("bdi", { text: question || rowId }),
    ),
  );
}

function differing(each, answer, { desk, host, update }) {
  const { word, part, before, after, tokens } = each;
  const see = () => {
    host.close();
    host.show(tokens[0]);
    focusStripWhenDrawn();
  };
  const take = (side, name) =>
    button(
      `Take ${name}`,
      () => {
        desk.take(tokens, side, name);
        update();
      },
      { class: "tu-toggle", attributes: { "aria-label": `Take ${name} for ${word} in row ${each.row_id}` } },
    );
  const now = node("td");
  const line = node(
    "tr",
    {},
    node(
      "th",
      { attributes: { scope: "row", dir: "auto" } },
      node("span", { class: "tu-note", text: before }),
      button(word, see, { class: "tu-toggle", attributes: { title: "Show it on its row" } }),
      node("span", { class: "tu-note", text: after }),
      part ? node("span", { class: "tu-note", text: ` (only “${part}”)` }) : null,
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
  const cut =
    listed.length < differences ? ` The first ${listed.length} of ${differences} tokens are listed.` : "";
  return `“${first.name}” chose ${plural(first.chosen, "token")}, ${onlyFirst} of them alone; “${second.name}” ${second.chosen}, ${onlySecond} alone.${cut}`;
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
