/**
 * The dialog for own data and own model: choose, look at what would be read, open; the open session stays
 * until then.
 */

import { button, node, segmented, setHidden, setText } from "../dom/dom.js";
import { focusStrip } from "../dom/strip_focus.js";
import { workNotice } from "../dom/work_notice.js";
import { sendFile } from "../server/file_pieces.js";
import { openingNow, openWanted } from "../server/shared_value.js";
import { dataPreview, openLabel } from "./data_preview.js";
import { modelForm } from "./model_form.js";
import { openingState } from "./opening_state.js";
import { setForm } from "./set_form.js";
import { taughtList } from "./taught_list.js";
import { teachForm } from "./teach_form.js";

const ACCEPTED = ".jsonl,.ndjson,.json,.csv,.tsv,.parquet";
const PARTS = [
  { value: "data", label: "Data" },
  { value: "model", label: "Model" },
  { value: "teach", label: "Teach a fact" },
];

/**
 * Returns `{element, show(part), take(file), demo()}`.
 * @param {{ask: (name: string, data: object) => Promise<any>, opened: () => void, seeTokens: () => void}} host
 *   `opened` is called when the server has begun: the page then has to ask how far it is; `seeTokens` leads to
 *   the tokens of what is open
 */
export function openPanel(host) {
  const data = dataPart(host, ({ at }) => begun(at));
  const notice = workNotice();
  const form = modelForm((request) =>
    notice.attempt(
      async () => begun((await host.ask("open_model", request)).at),
      () => "",
    ),
  );
  const openTaught = async (run, stays) => begun((await host.ask("open_taught", { run_id: run })).at, stays);
  const taught = taughtList({
    open: (run) => openTaught(run, false),
    discard: async (run) => (await host.ask("discard_taught", { run_id: run })).models,
  });
  const model = node(
    "section",
    { attributes: { "aria-label": "Model" } },
    form.element,
    notice.element,
    taught.element,
  );
  const teach = teachForm({
    ask: host.ask,
    refresh: host.opened,
    open: (run) => openTaught(run, true),
    watched: () => element.open && part === "teach",
    seeTokens: () => {
      element.close();
      host.seeTokens();
    },
  });
  const state = openingState(() =>
    notice.attempt(
      async () => {
        await host.ask("cancel_opening", {});
        begunAt = null;
        host.opened();
      },
      () => "",
    ),
  );
  /** @type {number|null} the server's time at which what is waited for was begun */
  let begunAt = null;
  /** Whether the dialog has something to say of what is being opened, so that it does not close by itself. */
  let staysOpen = false;
  let part = "data";
  let asked = "";
  const now = node("p", { class: "tu-open-now" });
  const parts = segmented("What to open", PARTS, (value) => {
    turn(value);
    ask();
  });
  const close = button("Close", () => element.close(), { class: "tu-button" });
  const element = node(
    "dialog",
    { class: "tu-help tu-open", attributes: { "aria-label": "Open data or a model" } },
    node("div", { class: "tu-open-head" }, parts.element, close),
    state.element,
    now,
    data.element,
    model,
    teach.element,
  );
  const turn = (value) => {
    part = value;
    parts.update(part);
    setHidden(data.element, part !== "data");
    setHidden(model, part !== "model");
    setHidden(teach.element, part !== "teach");
    setText(now, `Open now: ${openingNow.value.open[part === "teach" ? "model" : part]}`);
  };
  /** Asks what may have changed since the part was looked at last. */
  const ask = () => {
    asked = openingNow.value.open.model;
    if (part === "teach") teach.show();
    if (part === "model")
      host.ask("taught_models", {}).then(
        ({ models }) => taught.update(models),
        () => {}, // The form works without the list.
      );
  };
  element.addEventListener("close", () => teach.closed());
  const begun = (at, stays = false) => {
    begunAt = at;
    staysOpen = stays;
    host.opened();
  };
  openingNow.subscribe(({ at, opening, open }) => {
    state.update(opening);
    turn(part);
    if (element.open && open.model !== asked) ask(); // Another model may be ready now.
    // An answer from before says nothing of what was begun since.
    if (begunAt === null || at < begunAt) return;
    if (opening && opening.state !== "error") return;
    begunAt = null;
    if (opening) return;
    data.clear();
    if (staysOpen) return;
    element.close();
    // What had opened the dialog may have gone with the rows of before.
    if (document.activeElement === document.body) focusStrip();
  });
  openWanted.subscribe(({ part: wanted }) => show(wanted));
  acceptDrops(element, (file) => data.take(file));
  const show = (wanted) => {
    if (!element.isConnected) return;
    turn(wanted);
    state.update(openingNow.value.opening);
    data.offer();
    ask();
    if (!element.open) element.showModal();
  };
  const take = (file) => {
    show("data");
    data.take(file);
  };
  return {
    element,
    show,
    take,
    demo: () => {
      show("data");
      data.demo();
    },
  };
}

/**
 * Returns `{element, take(file), demo(), clear(), offer()}`: choosing a file or a set, its preview, opening
 * it. `offer` asks which sets there are, once.
 */
function dataPart(host, begun) {
  let source = null;
  let turn = 0;
  const notice = workNotice();
  const picker = node("input", {
    attributes: { type: "file", accept: ACCEPTED, "aria-label": "File of rows" },
  });
  const path = node("input", {
    class: "tu-search",
    attributes: {
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      maxlength: 4000,
      placeholder: "/home/me/rows.jsonl",
      "aria-label": "Path on the server’s machine",
    },
  });
  const byPath = node(
    "form",
    { class: "tu-masks-acts" },
    path,
    node("button", { class: "tu-button", text: "Look at it", attributes: { type: "submit" } }),
  );
  const set = setForm(
    (asked) => {
      clear();
      look(asked);
    },
    () => clear(),
  );
  const open = button("", () => start(source), { class: "tu-button is-first", attributes: { hidden: true } });
  const table = dataPreview((columns) => look({ ...source, columns }));
  const element = node(
    "section",
    { attributes: { "aria-label": "Data" } },
    node(
      "div",
      { class: "tu-open-drop" },
      node("label", {}, node("span", { text: "Choose a file, or drop it here" }), picker),
      node("p", {
        class: "tu-note",
        text: "JSONL, JSON, CSV, TSV or Parquet with questions and answers, chats, or a column of plain text. The file is read into the server’s memory. Scores and results are saved in its runs folder.",
      }),
    ),
    node("p", { class: "tu-note", text: "Or the path of a file on the server’s machine" }),
    byPath,
    set.element,
    notice.element,
    table.element,
    node(
      "div",
      { class: "tu-masks-acts" },
      open,
      button("Open the demo rows", () => demo(), { class: "tu-button" }),
    ),
  );

  /** Asks how the file would be read; of two questions the later one counts. */
  const looked = async (asked, mine = ++turn) => {
    const answer = await host.ask("preview_rows", asked);
    if (mine === turn) show(asked, answer);
  };
  const look = (asked) =>
    notice.attempt(
      () => looked(asked),
      () => "",
    );
  const show = (asked, answer) => {
    source = asked;
    table.update(answer);
    open.textContent = openLabel(answer);
    open.hidden = !openLabel(answer);
  };
  const clear = () => {
    if (source?.upload) host.ask("drop_upload", { upload: source.upload }).catch(() => {});
    source = null;
    turn += 1;
    open.hidden = true;
    table.clear();
    notice.say("");
  };
  const take = (file) => {
    clear();
    set.clear();
    const mine = ++turn;
    return notice.attempt(
      async () => {
        const upload = await sendFile(file, host.ask, (share) => {
          if (mine === turn) notice.say(`Sending ${file.name}: ${Math.round(100 * share)} %`);
        });
        if (mine === turn) await looked({ upload }, mine);
      },
      () => "",
    );
  };
  const start = (asked) =>
    notice.attempt(
      async () => begun(await host.ask("open_rows", asked)),
      () => "",
    );
  const demo = () => start({ set: "demo" });
  let offered = false;
  const offer = () => {
    if (offered) return;
    offered = true;
    host.ask("known_sets", {}).then(
      ({ sets }) => set.fill(sets),
      () => {
        offered = false; // The server may answer when the dialog is opened again.
      },
    );
  };
  picker.addEventListener("change", () => {
    const file = picker.files[0];
    picker.value = ""; // Else the same file, saved anew, would be no change.
    if (file) take(file);
  });
  byPath.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = path.value.trim();
    if (!wanted) return;
    clear();
    set.clear();
    look({ path: wanted });
  });
  return { element, take, demo, clear, offer };
}

/**
 * Calls `take(file)` for the first file that is dropped on the element.
 * @param {HTMLElement} element
 */
export function acceptDrops(element, take) {
  const holdsFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  const mark = (on) => element.classList.toggle("is-dropping", on);
  element.addEventListener("dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    mark(true);
  });
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(/** @type {Node|null} */ (event.relatedTarget))) mark(false);
  });
  element.addEventListener("drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    mark(false);
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
}
