/** The report of a run or sweep: the buttons that save it, and a line that says how it went. */

import { button, node, setText } from "../dom/dom.js";
import { download } from "../dom/download.js";

const FORMATS = [
  [
    "html",
    "Report (.html)",
    "One file that opens offline: what is shown, data, tokens, arms, answers, and what it does not prove",
  ],
  ["json", "Report data (.json)", "Every figure of the report"],
];

/**
 * Returns the element.
 * @param {string} runId
 * @param {(name: string, data: object) => Promise<any>} ask
 */
export function reportParts(runId, ask) {
  const said = node("span", { class: "tx-note", attributes: { role: "status" } });
  const save = async (format) => {
    setText(said, "Writing …");
    try {
      download(await ask("report_file", { run_id: runId, format }));
      setText(said, "Saved.");
    } catch (error) {
      setText(said, error.message);
    }
  };
  const buttons = FORMATS.map(([format, label, title]) =>
    button(label, () => save(format), {
      class: "tx-button",
      attributes: { title, "data-key": `report:${runId}:${format}` },
    }),
  );
  return node("div", { class: "tx-actions" }, ...buttons, said);
}
