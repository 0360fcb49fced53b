/**
 * A file or a set as it would be read: of a file which column is what, to be corrected; the first rows; the
 * lines that are refused.
 */

import { node, refill, tableHead } from "../dom/dom.js";
import { plural } from "../text/numbers.js";

const OPEN = "\u0000"; // no column is called that
const CUT = 160;

/**
 * Returns `{element, update(preview), clear()}`; `onColumns(columns)` hears the person's corrections, field →
 * column.
 */
export function dataPreview(onColumns) {
  let corrected = {};
  const words = node("p", { attributes: { role: "status" } });
  const notes = node("div", { class: "tu-open-notes" });
  const mapping = node("div", {
    class: "tu-open-mapping",
    attributes: { role: "group", "aria-label": "Which column is what" },
  });
  const more = node("div", { class: "tu-open-mapping" });
  const folded = node("details", { class: "tu-open-more" }, node("summary", { text: "More columns" }), more);
  const unread = node("p", { class: "tu-note" });
  const table = node("table", { class: "tu-open-rows" });
  const first = node(
    "div",
    {},
    node("h3", { text: "First rows, as they would be read" }),
    node(
      "div",
      { class: "tu-open-scroll", attributes: { tabindex: 0, role: "region", "aria-label": "First rows" } },
      table,
    ),
  );
  const refused = node("div");
  const columns = node("div", {}, node("h3", { text: "Which column is what" }), mapping, folded, unread);
  const element = node(
    "section",
    { class: "tu-open-preview", attributes: { "aria-label": "Preview", hidden: true } },
    words,
    notes,
    columns,
    first,
    refused,
  );
  const choose = (field, column) => {
    corrected = { ...corrected, [field]: column };
    onColumns(corrected);
  };
  const update = (preview) => {
    element.hidden = false;
    words.textContent = previewWords(preview);
    notes.replaceChildren(...previewNotes(preview).map((text) => node("p", { class: "tu-banner", text })));
    columns.hidden = preview.fields === null;
    if (preview.fields) map(preview);
    first.hidden = preview.rows.length === 0;
    table.replaceChildren(...rowsTable(preview));
    // While a column is to be chosen, every line lacks it: that says nothing of the lines.
    refused.replaceChildren(...(openColumns(preview).length ? [] : refusedList(preview)));
  };
  const map = (preview) => {
    const choices = (fields) => fields.map((field) => mappingChoice(field, preview, corrected, choose));
    const fields = Object.keys(preview.field_words);
    const [usual, others] = [true, false].map((is) =>
      fields.filter((field) => preview.field_words[field].usual === is),
    );
    refill(mapping, choices(usual));
    refill(more, choices(others));
    folded.open ||= others.some((field) => preview.fields[field]);
    unread.textContent = preview.unread.length ? `Not read: ${preview.unread.join(", ")}` : "";
  };
  const clear = () => {
    corrected = {};
    folded.open = false;
    element.hidden = true;
  };
  return { element, update, clear };
}

function mappingChoice(field, { fields, names, field_words: words }, corrected, choose) {
  const { label, says, none: without } = words[field];
  const known = fields[field] && !names.includes(fields[field]) ? [fields[field], ...names] : names;
  const none = field === "answer" ? [] : [node("option", { text: without, attributes: { value: "" } })];
  const missing =
    fields[field] === null
      ? [node("option", { text: "choose a column", attributes: { value: OPEN, disabled: true } })]
      : [];
  const select = node(
    "select",
    { attributes: { "aria-label": `Column of ${label.toLowerCase()}`, title: says, "data-key": field } },
    ...missing,
    ...none,
    ...known.map((name) =>
      node("option", { text: chatWords(name, field, fields), attributes: { value: name } }),
    ),
  );
  select.value = fields[field] ?? OPEN;
  select.addEventListener("change", () => choose(field, select.value));
  return node(
    "label",
    { class: "tu-menu" },
    node("span", { text: field in corrected ? `${label} (your choice)` : label }),
    select,
  );
}

/** Returns the column's name; where a chat gives question and answer, which message of it. */
function chatWords(name, field, fields) {
  const chat = name === fields.question && name === fields.answer;
  return chat && field in { question: 1, answer: 1 }
    ? `${name} (${field === "question" ? "user" : "assistant"})`
    : name;
}

/**
 * Returns "rows.csv: 18 rows to forget, 2 to keep; 3 lines are refused", or "common: 60 questions with
 * choices".
 */
export function previewWords(preview) {
  const { name, forget, retain, world, holdout, choice, refused_count: refused } = preview;
  const counts = [
    [retain, "to keep"],
    [world, "of the world’s facts"],
    [holdout, "held out"],
    [choice, "with choices"],
  ];
  const kept = counts.map(([count, words]) => (count ? `, ${count} ${words}` : "")).join("");
  if (openColumns(preview).length) return `${name}: ${plural(refused, "line")}, not read yet`;
  const left = refused ? `; ${plural(refused, "line is", "lines are")} refused` : "";
  if (preview.only_asked) return `${name}: ${plural(choice, "question", "questions")} with choices${left}`;
  return `${name}: ${plural(forget, "row", "rows")} to forget${kept}${left}`;
}

/**
 * Returns what a person should know before opening the file.
 * @returns {string[]}
 */
export function previewNotes(preview) {
  const { good, forget, retain, world, plain, contradictory, unkeyed } = preview;
  const notes = [];
  const open = openColumns(preview);
  if (open.length) notes.push(`No column is known to be the ${open.join(" or the ")}. Choose below.`);
  else if (!good) notes.push("No line is a row. Check which column is what; the reasons are at the end.");
  else if (preview.only_asked)
    notes.push(
      `These questions are asked to see what a model knows. No row is to forget, so they cannot be opened as tokens. Ask them in a terminal: python -m tokenunlearn probe ${preview.probe}`,
    );
  else if (!forget)
    notes.push(
      "No row has the split “forget”, so there is nothing to forget. Choose another column as split, or none.",
    );
  else if (!retain)
    notes.push(
      `Your file has no rows to keep, so ${standIn(world)} the model. To use your own, set split = retain.`,
    );
  if (contradictory)
    notes.push(
      `${plural(contradictory, "row is", "rows are")} both to forget and to keep: question and answer are the same.`,
    );
  if (unkeyed)
    notes.push(
      `${plural(unkeyed, "question", "questions")} with choices ${unkeyed === 1 ? "has" : "have"} no known true choice and will not be measured. Name it by number or letter.`,
    );
  if (plain)
    notes.push(
      `${plural(plain, "row is", "rows are")} plain text without a question: nothing can be hidden from the model, so knowledge is not known there unless a subject is given. Choose by entropy (α = 0).`,
    );
  return notes;
}

/** Returns which of question and answer have no column yet. */
function openColumns({ fields }) {
  return ["question", "answer"].filter((field) => fields?.[field] === null);
}

/**
 * Returns what is kept where no row of a file is to keep: its own general knowledge, else that of
 * assets/demo/world.jsonl.
 */
function standIn(world) {
  return world
    ? `its ${plural(world, "row of general knowledge protects", "rows of general knowledge protect")}`
    : "25 general-knowledge questions protect";
}

/** Returns "Open 18 good rows", "Open 18 rows", or "" where there is nothing to open. */
export function openLabel({ good, forget, refused_count: refused }) {
  if (!forget) return "";
  return `Open ${good} ${refused ? "good " : ""}${good === 1 ? "row" : "rows"}`;
}

function rowsTable({ rows, only_asked: asked, field_words: words }) {
  const told = ["choices", "subject", "gold", "set", ...(asked ? [] : ["split"])];
  const extra = told.filter((field) => rows.some((row) => row[field] && row[field] !== "forget"));
  const fields = ["question", "answer", ...extra, "id"];
  const lines = rows.map((row) =>
    node(
      "tr",
      {},
      ...fields.map((field) => node("td", { text: cut(row[field]), attributes: { dir: "auto" } })),
    ),
  );
  return [tableHead(fields.map((field) => words[field].label)), node("tbody", {}, ...lines)];
}

function refusedList({ refused, refused_count: count }) {
  if (!count) return [];
  const lines = refused.map(({ line, reason }) =>
    node("li", {}, line !== null && node("b", { text: `Line ${line}` }), node("span", { text: reason })),
  );
  const more =
    count > refused.length
      ? [node("p", { class: "tu-note", text: `The first ${refused.length} of ${count} are listed.` })]
      : [];
  const fold = node(
    "details",
    { class: "tu-open-refused" },
    node("summary", { text: `${plural(count, "line is", "lines are")} refused, and left out` }),
    node("ol", {}, ...lines),
    ...more,
  );
  fold.open = count <= 12;
  return [fold];
}

function cut(text) {
  return text.length > CUT ? `${text.slice(0, CUT)}…` : text;
}
