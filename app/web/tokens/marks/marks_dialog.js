/**
 * The dialog of marks: save as a named set, list, load, import rows with gold, export them, compare two
 * annotators.
 */

import { button, node, setText, tableHead } from "../../dom/dom.js";
import { download } from "../../dom/download.js";
import { fileField, nameForm } from "../../dom/name_form.js";
import { focusStripWhenDrawn } from "../../dom/strip_focus.js";
import { workNotice } from "../../dom/work_notice.js";
import { freeName } from "../../draft/draft_file.js";
import { sendFile } from "../../server/file_pieces.js";
import { agreementWords } from "../../text/numbers.js";

/** @type {Intl.DateTimeFormatOptions} */
const WHEN = { dateStyle: "medium", timeStyle: "short" };

/**
 * Returns `{element, show}`.
 * @param {import("../../draft/marks_desk.js").MarksDesk} desk
 */
export function marksDialog(desk) {
  const notice = workNotice();
  const { attempt } = notice;
  const body = node("tbody");
  const compare = button(
    "Compare the two",
    () =>
      attempt(
        async () =>
          comparison.show(
            await desk.ask("compare_marks", {
              first: [...ticked][0],
              second: [...ticked][1],
              rows: desk.model.marks.rows,
            }),
          ),
        () => "",
      ),
    { class: "tu-button" },
  );
  const ticked = new Set();
  const tick = (id, on) => {
    if (on) ticked.add(id);
    else ticked.delete(id);
    compare.disabled = ticked.size !== 2;
  };
  const element = node(
    "dialog",
    { class: "tu-help tu-masks", attributes: { "aria-label": "Marks" } },
    node("h2", { text: "Save these marks" }),
    nameForm(
      "Name of the marks",
      (name) => desk.addSet("save_mark_set", { name, rows: desk.model.marks.rows }),
      attempt,
    ),
    node("h2", { text: "Marks to compare" }),
    node("table", { class: "tu-masks-list" }, tableHead(["", "Name", "Rows", "Saved", ""]), body),
    node(
      "div",
      { class: "tu-masks-acts" },
      compare,
      button(
        "Export rows with gold",
        () =>
          attempt(
            async () => download(await desk.ask("export_marked_rows", { rows: desk.model.marks.rows })),
            () => "The rows that were reviewed are exported; what is marked is their gold.",
          ),
        { class: "tu-button" },
      ),
      importer(desk, attempt),
    ),
    notice.element,
  );
  const comparison = markComparison(desk, () => element.close());
  element.append(
    comparison.element,
    button("Close", () => element.close(), { class: "tu-button" }),
  );
  const update = () => {
    for (const id of ticked)
      if (!["now", "file"].includes(id) && !desk.sets.some((set) => set.id === id)) tick(id, false);
    tick("now", ticked.has("now"));
    const own = [
      { id: "now", name: "Now", rows: Object.keys(desk.model.marks.rows).length },
      ...(hasGold(desk.model) ? [{ id: "file", name: "The file", rows: "" }] : []),
    ];
    body.replaceChildren(
      ...[...own, ...[...desk.sets].reverse()].map((set) => line(set, { desk, attempt, tick, ticked })),
    );
  };
  desk.listed = update;
  return {
    element,
    show: () => {
      notice.say(desk.live ? "" : "Marks are saved as soon as the model is live.");
      update();
      element.showModal();
    },
  };
}

function hasGold({ columns, rowsOfSet, payload }) {
  return rowsOfSet.some((at) => columns.gold?.[payload.rows[at].first] >= 0);
}

function importer(desk, attempt) {
  const take = (file) =>
    attempt(async () => {
      const upload = await sendFile(file, (name, data) => desk.host.ask(name, data));
      const answer = await desk.addSet("import_marked_rows", {
        name: freeName(file.name.replace(/\.\w+$/, ""), desk.sets),
        upload,
      });
      await desk.host.ask("drop_upload", { upload });
      return answer;
    }, importedRowsWords);
  const accept = ".jsonl,.ndjson,.json,.csv,.tsv,.parquet";
  return fileField("Import rows with gold", "Rows with gold to import", accept, take);
}

/** Returns what an import did, and what it left out. */
export function importedRowsWords({ saved, others, unmarked, refused }) {
  const out = [
    [others, "not in this text"],
    [unmarked, "without gold"],
    [refused, "no row"],
  ]
    .filter(([count]) => count > 0)
    .map(([count, why]) => `${count} ${why}`);
  const rest = out.length ? ` Left out: ${out.join(", ")}.` : "";
  return `${saved.rows} ${saved.rows === 1 ? "row" : "rows"} imported as “${saved.name}”; load or compare them. Your marks are as they were.${rest}`;
}

function line(set, { desk, attempt, tick, ticked }) {
  const box = node("input", { attributes: { type: "checkbox", "aria-label": `Compare ${set.name}` } });
  box.checked = ticked.has(set.id);
  box.addEventListener("change", () => tick(set.id, box.checked));
  const acts = set.saved
    ? [
        button(
          "Load",
          () =>
            attempt(
              () => desk.loadSet(set.id),
              () => `“${set.name}” is loaded into your marks; undo takes it back.`,
            ),
          { class: "tu-toggle", attributes: { "aria-label": `Load ${set.name}` } },
        ),
        button(
          "Remove",
          () =>
            attempt(
              () => desk.removeSet(set.id),
              () => `“${set.name}” is removed.`,
            ),
          { class: "tu-toggle", attributes: { "aria-label": `Remove ${set.name}` } },
        ),
      ]
    : [];
  return node(
    "tr",
    {},
    node("td", {}, box),
    node("th", { attributes: { scope: "row" } }, node("bdi", { text: set.name })),
    node("td", { text: set.rows }),
    node("td", { text: set.saved ? new Date(set.saved).toLocaleString([], WHEN) : "" }),
    node("td", {}, ...acts),
  );
}

/**
 * Returns `{element, show(answer)}`: how far two agree, and each word on which they do not, to take from
 * either.
 */
function markComparison(desk, close) {
  const words = node("p");
  const more = node("p", { class: "tu-note" });
  const table = node("table", { class: "tu-masks-list" });
  const element = node(
    "section",
    { attributes: { "aria-label": "Two sets of marks compared", hidden: true } },
    node("h2", { text: "Compared" }),
    words,
    more,
    table,
  );
  const show = (answer) => {
    element.hidden = false;
    setText(words, agreementWords({ ...answer, tokens: answer.words }, "word"));
    setText(more, comparedWords(answer));
    table.hidden = answer.differing.length === 0;
    let last = null;
    const lines = answer.differing.map((each) => {
      const made = difference(each, answer, desk, close, each.row_id !== last);
      last = each.row_id;
      return made;
    });
    table.replaceChildren(
      tableHead(["Row", "Word", answer.first.name, answer.second.name, ""]),
      node("tbody", {}, ...lines),
    );
  };
  return { element, show };
}

function difference(each, { first, second }, desk, close, newRow) {
  const see = () => {
    close();
    desk.model.lockAt(desk.tokenAt(each));
    focusStripWhenDrawn();
  };
  const take = (isFact, name) =>
    button(`Take ${name}`, () => desk.take(each, isFact), {
      class: "tu-toggle",
      attributes: { "aria-label": `Take ${name} for ${each.word} in row ${each.row_id}` },
    });
  return node(
    "tr",
    {},
    node("td", { text: newRow ? each.row_id : "" }),
    node(
      "th",
      { attributes: { scope: "row", dir: "auto" } },
      button(each.word, see, { class: "tu-toggle", attributes: { title: "Show it on its row" } }),
    ),
    node("td", { text: factWords(each.first) }),
    node("td", { text: factWords(each.second) }),
    node("td", {}, take(each.first, first.name), take(each.second, second.name)),
  );
}

function factWords(isFact) {
  return isFact ? "✓ the fact" : "✗ not the fact";
}

/** Returns who marked what, in one sentence. */
export function comparedWords({
  first,
  second,
  only_first: onlyFirst,
  only_second: onlySecond,
  rows,
  differences,
  differing,
}) {
  const both = `${rows} ${rows === 1 ? "row" : "rows"} that both reviewed`;
  if (!differences)
    return `“${first.name}” and “${second.name}” mark the same ${first.marked} words in ${both}.`;
  const cut =
    differing.length < differences ? ` The first ${differing.length} of ${differences} are listed.` : "";
  return `Over ${both}, “${first.name}” marked ${first.marked} words as the fact, ${onlyFirst} of them alone; “${second.name}” ${second.marked}, ${onlySecond} alone.${cut}`;
}
