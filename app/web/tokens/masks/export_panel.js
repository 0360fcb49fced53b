/** The dialog of exports: the heatmap as page, picture, table or data, and the mask as a file. */

import { button, node, segmented } from "../../dom/dom.js";
import { download } from "../../dom/download.js";
import { fileOf, rasterised } from "../../dom/save_picture.js";
import { workNotice } from "../../dom/work_notice.js";
import { exportMask } from "../../draft/export_mask.js";

const FORMATS = [
  ["html", "Web page", "Opens offline, without any script"],
  ["png", "Picture (PNG)", "For slides: 1920 pixels wide"],
  ["svg", "Picture (SVG)", "For papers: to be scaled or edited"],
  ["csv", "Table (CSV)", "One line per token, every signal; safe to open in a spreadsheet"],
  ["json", "Data (JSON)", "The same, for programs"],
];

/** Returns `{element, show}`. `host`: `{ask, draft, say}`; `draft()` is what the server recomputes. */
export function exportPanel(model, host) {
  let rows = "row";
  const notice = workNotice("Not exported: ");
  const exported = (work, words) =>
    notice.attempt(work, () => {
      host.say(words);
      return words;
    });
  const which = segmented(
    "Rows",
    [
      { value: "row", label: "This row" },
      { value: "set", label: "All rows of the set" },
    ],
    (value) => {
      rows = value;
      which.update(rows);
    },
  );
  const heatmap = (format) =>
    exported(
      async () =>
        download(
          await heatmapFile(format, (made) => heatmapQuestion(model, host.draft(), made, rows), host.ask),
        ),
      "Heatmap exported",
    );
  const element = node(
    "dialog",
    { class: "tu-help", attributes: { "aria-label": "Export" } },
    node("h2", { text: "Heatmap" }),
    node("p", {
      class: "tu-note",
      text: "Token by token, with legend, unit, model, mask hash, notes and date; coloured by the signal that is shown.",
    }),
    which.element,
    node(
      "div",
      { class: "tu-masks-acts" },
      ...FORMATS.map(([format, label, title]) =>
        button(label, () => heatmap(format), { class: "tu-button", attributes: { title } }),
      ),
    ),
    node("h2", { text: "Mask" }),
    node("p", {
      class: "tu-note",
      text: "Rule, overrides with notes and times, and each chosen token; for runs and for importing elsewhere.",
    }),
    node(
      "div",
      { class: "tu-masks-acts" },
      button(
        "Mask file (JSONL)",
        () =>
          exported(
            () => exportMask(host.draft(), model, (args) => host.ask("export_mask", args)),
            "Mask exported",
          ),
        { class: "tu-button" },
      ),
    ),
    notice.element,
    button("Close", () => element.close(), { class: "tu-button" }),
  );
  return {
    element,
    show: () => {
      notice.say("");
      which.update(rows);
      element.showModal();
    },
  };
}

/** Returns the file of a heatmap; one of points is drawn here, of the server's picture. */
async function heatmapFile(format, question, ask) {
  if (format !== "png") return ask("export_heatmap", question(format));
  const { text, filename } = await ask("export_heatmap", question("svg"));
  const drawn = await rasterised(`data:image/svg+xml,${encodeURIComponent(text)}`);
  return fileOf(drawn, filename.replace(/svg$/, "png"));
}

/** Returns what the server is asked for: the draft, the column that is shown, and which rows. */
export function heatmapQuestion(model, draft, format, rows) {
  const signal = model.view.signal === "all" ? "fused" : model.view.signal;
  return { ...draft, format, signal: model.columnName(signal), row: rows === "row" ? model.view.row : null };
}
