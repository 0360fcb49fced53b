/** Takes a difference token by token along: as a table on the clipboard, or as a CSV file. */

import { csvOf, tabbed } from "../text/sheet.js";
import { button, node, setText } from "./dom.js";
import { download } from "./download.js";

/**
 * A row with the probability of each of its tokens on two sides; `gold` are spans of the fact, `trained` the
 * places of the tokens that were unlearned.
 * @typedef {{row_id: string, kind?: string, question: string, answer: string, starts: number[], ends: number[],
 *   before: number[], after: number[], gold: number[][], trained?: number[]}} ChangedRow
 */

/**
 * Returns the lines of the table, the names of the columns first. Pure.
 * @param {ChangedRow[]} rows
 * @param {string[]} sides what the two sides are called
 */
export function changeLines(rows, sides) {
  const heads = ["kind", "row", "question", "position", "token", "fact", ...sides.map((side) => `p ${side}`)];
  const lines = rows.flatMap((row) => {
    const characters = Array.from(row.answer);
    return row.starts.map((start, at) => {
      const end = row.ends[at];
      const fact = row.gold.some(([from, to]) => start < to && end > from);
      const [was, is] = [row.before[at], row.after[at]];
      return [
        ...[row.kind ?? "forget", row.row_id, row.question, at + 1, characters.slice(start, end).join("")],
        ...[fact ? 1 : 0, was, is, Number((is - was).toFixed(4))],
        ...(row.trained ? [row.trained.includes(at) ? 1 : 0] : []),
      ];
    });
  });
  const trained = rows.some((row) => row.trained) ? ["unlearned"] : [];
  return [[...heads, `${sides[1]} − ${sides[0]}`, ...trained], ...lines];
}

/**
 * Returns the buttons: what is shown to the clipboard, and all of it as a file.
 * @param {() => {shown: ChangedRow[], all: ChangedRow[], sides: string[], name: string}} what
 */
export function changeExport(what) {
  const said = node("span", { class: "tu-note", attributes: { role: "status" } });
  const copy = async () => {
    const { shown, sides } = what();
    try {
      await navigator.clipboard.writeText(tabbed(changeLines(shown, sides)));
      setText(said, "Copied: paste it into a spreadsheet.");
    } catch {
      setText(said, "The browser lets nothing be copied here. Take the file.");
    }
  };
  const save = () => {
    const { all, sides, name } = what();
    download({ filename: `${name}.csv`, text: csvOf(changeLines(all, sides)), mime: "text/csv" });
    setText(said, "Saved.");
  };
  return node(
    "div",
    { class: "tu-save" },
    button("Copy as a table", copy, {
      class: "tu-link",
      attributes: { title: "The answer that is shown, a line a token" },
    }),
    button("Save as CSV", save, { class: "tu-link", attributes: { title: "Every answer, a line a token" } }),
    said,
  );
}
