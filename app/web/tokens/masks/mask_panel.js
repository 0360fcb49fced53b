/** The dialog of named masks: save as, list, load, export, remove, import, compare two. */

import { button, node, setText, tableHead } from "../../dom/dom.js";
import { download } from "../../dom/download.js";
import { fileField, nameForm } from "../../dom/name_form.js";
import { workNotice } from "../../dom/work_notice.js";
import { draftWords } from "../../draft/draft_file.js";
import { maskComparison } from "./mask_compare.js";

const MOST_BYTES = 3_500_000; // the server takes 4 MiB a request
/** @type {Intl.DateTimeFormatOptions} */
const WHEN = { dateStyle: "medium", timeStyle: "short" };
const OTHER_SCORES = "It was made on other scores of this text: its rule and overrides are applied to these";

/** Returns `{element, show, update}`. */
export function maskPanel(desk, host) {
  const notice = workNotice();
  const { attempt } = notice;
  const body = node("tbody");
  const table = node(
    "table",
    { class: "tu-masks-list" },
    tableHead(["", "Name", "Set", "Tokens", "Overrides", "Hash", "Saved", ""]),
    body,
  );
  const none = node("p", {
    class: "tu-note",
    text: "No mask is saved yet. A saved mask never changes; your draft goes on.",
  });
  const compare = button("Compare the two", () => compareTicked(), {
    class: "tu-button",
    attributes: { disabled: true },
  });
  const comparison = maskComparison(desk, { ...host, close: () => element.close() });
  const ticked = new Set();
  const compareTicked = () =>
    attempt(
      async () =>
        comparison.show(
          await host.ask("compare_masks", {
            scores_id: desk.scoresId,
            first: [...ticked][0],
            second: [...ticked][1],
          }),
        ),
      () => "",
    );
  let removed = null;
  const back = button(
    "",
    () =>
      attempt(
        () => desk.relist("restore_mask", removed.id),
        () => {
          back.hidden = true;
          return `“${removed.name}” is back.`;
        },
      ),
    { class: "tu-button", attributes: { hidden: true } },
  );
  const remove = (mask) =>
    attempt(
      () => desk.relist("remove_mask", mask.id),
      () => {
        removed = mask;
        setText(back, `Bring “${mask.name}” back`);
        back.hidden = false;
        back.focus();
        return `“${mask.name}” is removed.`;
      },
    );
  const tick = (id, on) => {
    if (on) ticked.add(id);
    else ticked.delete(id);
    compare.disabled = ticked.size !== 2;
  };

  const element = node(
    "dialog",
    { class: "tu-help tu-masks", attributes: { "aria-label": "Masks" } },
    node("h2", { text: "Save this mask" }),
    nameForm("Name of the mask", (name) => desk.save(name), attempt),
    node("h2", { text: "Saved masks" }),
    none,
    table,
    node("div", { class: "tu-masks-acts" }, compare, importer(desk, attempt)),
    node("div", { class: "tu-masks-acts" }, notice.element, back),
    comparison.element,
    button("Close", () => element.close(), { class: "tu-button" }),
  );
  const update = () => {
    for (const id of ticked) if (!desk.masks.some((mask) => mask.id === id)) tick(id, false);
    body.replaceChildren(
      ...[...desk.masks].reverse().map((mask) => line(mask, { desk, host, attempt, remove, tick, ticked })),
    );
    none.hidden = desk.masks.length > 0;
    table.hidden = compare.hidden = !none.hidden;
    comparison.update();
  };
  desk.listed = update;
  return {
    element,
    update,
    show: () => {
      notice.say(desk.live ? "" : "Masks are saved as soon as the model is live.");
      back.hidden = true;
      update();
      element.showModal();
    },
  };
}

function importer(desk, attempt) {
  const take = (file) =>
    attempt(async () => {
      if (file.size > MOST_BYTES)
        throw new Error(`${file.name} has ${file.size} bytes. At most ${MOST_BYTES} are taken.`);
      return desk.import(file.name.replace(/\.jsonl?$/, ""), await file.text());
    }, importedWords);
  const accept = ".jsonl,.json,application/jsonl,application/json";
  return fileField("Import a mask or draft file", "Mask file to import", accept, take);
}

/** Returns what an import did: of `drafts`, their masks; else of one mask. */
export function importedWords({ saved, drafts }) {
  if (drafts) return draftWords(drafts);
  return `Imported as “${saved.name}”; load it or compare it. Your draft is as it was.${movedWords(saved)}`;
}

/** Returns what loading a mask did. */
export function loadedWords(mask) {
  return `“${mask.name}” is loaded; undo brings the draft back.${movedWords(mask)}`;
}

/**
 * Returns what other scores make of a mask: `moved` counts the tokens they change, null for a mask of these
 * scores.
 */
function movedWords({ moved }) {
  if (moved === null) return "";
  const differ =
    moved === 0 ? "no token differs" : `${moved} ${moved === 1 ? "token differs" : "tokens differ"}`;
  return ` ${OTHER_SCORES}, and ${differ} from when it was made.`;
}

function line(mask, { desk, host, attempt, remove, tick, ticked }) {
  const box = node("input", { attributes: { type: "checkbox", "aria-label": `Compare ${mask.name}` } });
  box.checked = ticked.has(mask.id);
  box.addEventListener("change", () => tick(mask.id, box.checked));
  const load = () => attempt(() => desk.load(mask.id), loadedWords);
  const save = () =>
    attempt(
      async () => download(await host.ask("saved_mask_file", { scores_id: desk.scoresId, id: mask.id })),
      () => `“${mask.name}” is exported.`,
    );
  return node(
    "tr",
    {},
    node("td", {}, box),
    node(
      "th",
      { attributes: { scope: "row" } },
      node("bdi", { text: mask.name }),
      mask.other_scores
        ? node("span", { class: "tu-note", text: " from other scores", attributes: { title: OTHER_SCORES } })
        : null,
    ),
    node("td", { text: mask.set || "–" }),
    node("td", { text: `${mask.chosen} of ${mask.of}` }),
    node("td", { text: mask.overrides }),
    node("td", {}, node("code", { text: mask.hash.slice(0, 8), attributes: { title: mask.hash } })),
    node("td", { text: new Date(mask.saved).toLocaleString([], WHEN) }),
    node(
      "td",
      {},
      button("Load", load, { class: "tu-toggle", attributes: { "aria-label": `Load ${mask.name}` } }),
      button("Export", save, { class: "tu-toggle", attributes: { "aria-label": `Export ${mask.name}` } }),
      button("Remove", () => remove(mask), {
        class: "tu-toggle",
        attributes: { "aria-label": `Remove ${mask.name}` },
      }),
    ),
  );
}
