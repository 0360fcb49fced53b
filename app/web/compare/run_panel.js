/** One run in full, under the table: its name, tags and note, what can be taken from it, its settings. */

import { button, node, refill, setText } from "../dom/dom.js";
import { download } from "../dom/download.js";
import { actButton, runButtons } from "../runs/run_card.js";
import { reportParts } from "./report_parts.js";

/**
 * Returns `{element, update}`.
 * @param {(name: string, data: object) => Promise<any>} ask
 * @param {(name: string, data: object) => void} trigger
 * @param {() => void} close
 */
export function runPanel(ask, trigger, close) {
  const element = node("section", { class: "tx-run-panel" });
  let shown = "";
  const head = node("div");
  const update = ({ open, gone }) => {
    // Discarded by another page: what is typed here is not to go with it.
    if (!open && gone && gone === shown) return refill(head, goneParts(gone, close));
    element.hidden = !open;
    // What is typed is not drawn anew under the hand, whatever the run does meanwhile.
    if ((open?.runId ?? "") !== shown) {
      shown = open?.runId ?? "";
      element.setAttribute("aria-label", `Details of ${shown}`);
      refill(element, open ? [head, ...parts(open.run, ask, trigger, close)] : []);
      if (open) element.scrollIntoView({ block: "nearest" });
    }
    if (open) refill(head, headParts(open.run, trigger, close));
    return undefined;
  };
  return { element, update };
}

function goneParts(runId, close) {
  return [
    node(
      "div",
      { class: "tx-run-title" },
      node("h2", { class: "tx-run-name", text: `${runId} was discarded` }),
      node("span", {
        class: "tx-note",
        text: "on another page. What is typed below stays until you close this; bring the run back under “Discarded” to save it.",
      }),
      closeButton(close),
    ),
  ];
}

const closeButton = (close) =>
  button("Close", close, { class: "tx-button tx-quiet", attributes: { "data-key": "run:close" } });

function headParts(run, trigger, close) {
  const acts = runButtons((run.buttons ?? []).filter((label) => !["Compare", "Discard…"].includes(label)));
  return [
    node(
      "div",
      { class: "tx-run-title" },
      node("h2", { class: "tx-run-name", text: run.note?.name || run.title || run.name }),
      node("span", { class: "tx-note", text: `${run.run_id} · ${run.text}` }),
      closeButton(close),
    ),
    node("div", { class: "tx-actions" }, ...acts.map((each) => actButton(each, run, trigger))),
  ];
}

function parts(run, ask, trigger, close) {
  const said = node("p", { class: "tx-note", attributes: { role: "status" } });
  const text = node("pre", { class: "tx-taken", attributes: { hidden: true, tabindex: 0 } });
  const attempt = async (work, words) => {
    setText(said, "Working …");
    try {
      setText(said, words(await work()));
    } catch (error) {
      setText(said, error.message);
    }
  };
  const of = { run_id: run.run_id };
  /** Of the note that the form was made from. */
  let version = run.note?.version ?? "";
  return [
    noteForm(run, async (note) =>
      attempt(async () => {
        const { version: now, other } = await ask("save_note", { ...of, ...note, version });
        version = now;
        if (!other) trigger("changed", {});
        return other;
      }, savedWords),
    ),
    node("h3", { class: "tx-heading", text: "Take it along" }),
    node("div", { class: "tx-actions" }, ...takeButtons(run, of, { ask, trigger, attempt, text, close })),
    said,
    text,
    reportParts(run.run_id, ask),
    settingsFold(run),
  ];
}

function noteForm(run, save) {
  const { name = "", tags = [], text = "", fault = "" } = run.note ?? {};
  const field = (label, tag, value, more = {}) => {
    const input = /** @type {HTMLInputElement} */ (
      node(tag, { attributes: { maxlength: 80, autocomplete: "off", ...more } })
    );
    input.value = value;
    return { input, element: node("label", { class: "tx-field" }, node("span", { text: label }), input) };
  };
  const fields = {
    name: field("Name", "input", name, { type: "text", placeholder: run.title || run.name }),
    tags: field("Tags, with commas between", "input", tags.join(", "), { type: "text", maxlength: 400 }),
    note: field("Note", "textarea", text, { rows: 3, maxlength: 2000 }),
  };
  const form = node(
    "form",
    { class: "tx-note-form" },
    ...Object.values(fields).map(({ element }) => element),
    node("button", { class: "tx-button", text: "Save", attributes: { type: "submit" } }),
    fault ? node("p", { class: "tx-note", text: fault }) : null,
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save({
      name: fields.name.input.value,
      tags: tagsOf(fields.tags.input.value),
      note: fields.note.input.value,
    });
  });
  return form;
}

/** Returns what came of saving: "Saved.", or what somebody else has written meanwhile. Pure. */
export function savedWords(other) {
  if (!other) return "Saved.";
  const { name, tags, text } = other;
  const parts = [
    name && `name “${name}”`,
    tags.length > 0 && `tags ${tags.join(", ")}`,
    text && `note “${text}”`,
  ];
  const said = parts.filter(Boolean).join(", ") || "nothing any more";
  return `Not saved: on another page it says ${said}. Press Save again to put yours in its place.`;
}

/** Returns the tags in a line of text, each once. Pure. */
export function tagsOf(text) {
  return [...new Set(text.split(",").map((tag) => tag.trim()))].filter(Boolean);
}

function takeButtons(run, of, { ask, trigger, attempt, text, close }) {
  const show = async (name) => {
    const answer = await ask(name, of);
    text.hidden = false;
    setText(text, answer.text);
    // Where the browser forbids it, the text is there to be copied by hand.
    await navigator.clipboard?.writeText(answer.text).catch(() => {});
  };
  const take = (label, work, words, help = "") =>
    button(label, () => attempt(work, words), {
      class: "tx-button",
      attributes: { title: help, "data-key": `take:${label}` },
    });
  const adapter = [
    take(
      "Adapter with model card (.zip)",
      () => takeAdapter(run.run_id, ask),
      (size) => `Saved: ${megabytes(size)}.`,
      "The LoRA as PEFT reads it, and what it was made of",
    ),
    take(
      "Write merged model",
      () => ask("save_merged", of),
      ({ folder, bytes }) => `Written on the server's machine: ${folder}, ${megabytes(bytes)}.`,
      "The whole model with the adapter merged into its weights, into the run's folder on the server",
    ),
    take(
      "Open as the model",
      async () => {
        await ask("open_as_model", of);
        trigger("changed", {});
      },
      () => "It is being opened: the open rows are scored anew under it.",
      "The Tokens tab then shows what this model still knows",
    ),
  ];
  const discard = actButton(
    { label: "Discard…", action: "discard", kind: "quiet", sure: "Discard it? It can be brought back" },
    run,
    () =>
      attempt(
        async () => {
          await ask("discard_run", of);
          close();
          trigger("changed", {});
        },
        () => "Discarded.",
      ),
  );
  return [
    take(
      "Copy command line",
      () => show("run_command"),
      () => "Copied. It makes this run again:",
    ),
    take(
      "Copy configuration",
      () => show("run_configuration"),
      () => "Copied:",
    ),
    take(
      "Results (.csv)",
      async () => download(await ask("results_file", { runs: [run.run_id] })),
      () => "Saved.",
      "Every measurement",
    ),
    ...(run.adapter ? adapter : []),
    discard,
  ];
}

async function takeAdapter(runId, ask) {
  const pieces = [];
  let file = { filename: "", size: 1, data: "" };
  for (let at = 0; at < file.size; at += pieces.at(-1).length) {
    file = await ask("adapter_file", { run_id: runId, at });
    pieces.push(Uint8Array.from(atob(file.data), (letter) => letter.charCodeAt(0)));
    if (pieces.at(-1).length === 0) throw new Error("The file ended too early. Begin again.");
  }
  download({ filename: file.filename, pieces, mime: "application/zip" });
  return file.size;
}

/** Returns bytes as people read them: "4.9 MB", "30 kB". Pure. */
export function megabytes(bytes) {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

function settingsFold(run) {
  const rows = Object.values(run.settings ?? {}).map(([label, words]) =>
    node("div", {}, node("dt", { text: label }), node("dd", { text: words })),
  );
  return node(
    "details",
    {},
    node("summary", { text: "All settings" }),
    node("dl", { class: "tx-settings" }, ...rows),
  );
}
