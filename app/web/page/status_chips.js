/**
 * The chips at the top right, the same on all tabs: model, data, run; the first two open the dialog for
 * others.
 */

import { node, setAttributes, setText } from "../dom/dom.js";
import { newest, Pulse } from "../server/pulse.js";
import { askServer } from "../server/server_ask.js";
import { serverLink } from "../server/server_link.js";
import {
  endedRuns,
  liveLine,
  liveRun,
  openingNow,
  scoringHeld,
  teachingNow,
  wantOpen,
} from "../server/shared_value.js";
import { ailmentsChip } from "./ailments.js";
import { goneBanner, troubleBanner } from "./gone_banner.js";
import { followScheme, leaveFrames, searchMenus } from "./gradio.js";
import { pageKeys } from "./page_keys.js";
import { runNews } from "./run_news.js";

/** @typedef {{text?: string, detail?: string, state?: string}} Chip */

/**
 * Mounts the view; `props.value` is `{model: {text, detail, state}, data: {text, detail}, opening, run:
 * {text, state, run_id, done, live, line}, held, at, busy, ailments, stamp}`: `held` while scoring is stopped, `busy` while
 * anything moves by itself, `at` the server's time of this answer, `done` the ids of finished runs (`ended`:
 * or kept), `live` null or the `{id, mask}` of the one under way, `trouble` why nothing can be saved, `stamp`
 * see `beat` in app/actions/status.py.
 * @param {MountHost} host
 */
export function mount({ element, props, trigger, watch, server }) {
  leaveFrames();
  followScheme();
  searchMenus();
  pageKeys();
  const opener = (part, ...content) =>
    node(
      "button",
      {
        class: `tx-chip tx-opener tx-${part}`,
        attributes: { type: "button" },
        on: { click: () => wantOpen(part) },
      },
      ...content,
    );
  const model = opener("model");
  const dataName = node("span");
  const dataRows = node("span", { class: "tx-wide" });
  const data = opener("data", dataName, dataRows);
  let shownRun = "";
  const run = node("button", {
    class: "tx-chip",
    attributes: { type: "button" },
    on: { click: () => trigger("show_run", { run_id: shownRun }) },
  });
  const news = runNews();
  const ailments = ailmentsChip();
  const trouble = troubleBanner(serverLink);
  (element.querySelector(".tx-view") ?? element).replaceChildren(
    model,
    data,
    run,
    ailments.element,
    news.element,
    goneBanner(serverLink),
    trouble.element,
  );
  // The chips themselves each second; all the rest, which costs far more, only where there is something new.
  // Where the server is gone nothing is sent: Gradio would reload the page as soon as it is back, and undo
  // would be lost.
  const ask = async () => {
    const value = await askServer(server, "beat", {}).catch(() => null);
    if (!value) return;
    show(value);
    if (value.stamp !== drawn) trigger("pulse", {});
  };
  const pulse = new Pulse({ ask, visible: () => document.visibilityState === "visible" });
  // A page that asks for nothing hears of runs that another one started, and that the server is gone, when
  // somebody turns to it.
  const look = () => pulse.beat();
  document.addEventListener("visibilitychange", look);
  globalThis.addEventListener("focus", look);
  document.addEventListener(
    "focusin",
    ({ target }) =>
      target instanceof Element && target.closest("button") && !target.closest(".tu-view") && look(),
  );
  serverLink.subscribe((gone) => {
    if (!gone) look();
  });
  const keep = newest();
  /** What the other parts of the page show. */
  let drawn;
  const show = (given) => {
    const value = keep(given);
    const shown = modelChip(value.model ?? {}, value.opening);
    setText(model, shown.text);
    setAttributes(model, { title: shown.title, "data-state": shown.state });
    const { text: rows = "", detail: name = "" } = value.data ?? {};
    setText(dataName, name && `Data: ${name}`);
    setText(dataRows, name && rows ? ` · ${rows}` : rows);
    setAttributes(data, { title: `${[name, rows].filter(Boolean).join(": ")}. Open other data…` });
    openingNow.set({ at: value.at ?? 0, opening: value.opening ?? null, open: openWords(value) });
    news.opened(openNow(value));
    scoringHeld.set(value.held ?? false);
    teachingNow.set(value.teaching ?? null);
    ailments.show(value.ailments ?? []);
    setText(run, value.run?.text ?? "no run");
    trouble.show(value.trouble ?? "");
    shownRun = value.run?.run_id ?? "";
    setAttributes(run, { "data-state": value.run?.state ?? "", title: value.run?.text ?? null });
    // What was built into the page may be of long ago: what has finished since is no news.
    if (value.stamp) news.hear(value.run?.done ?? []);
    endedRuns.set(value.run?.ended ?? []);
    liveRun.set(value.run?.live ?? null);
    liveLine.set(value.run?.line ?? null);
    pulse.heard({ at: value.at ?? 0, busy: (value.busy ?? false) || value.stamp !== drawn });
  };
  const draw = () => {
    drawn = props.value?.stamp ?? drawn;
    show(props.value);
  };
  watch("value", draw);
  draw();
}

/**
 * Returns what is open: `{model, data}` in words.
 * @param {{model?: Chip, data?: Chip}} value
 */
export function openWords({ model = {}, data = {} }) {
  const join = (first, second) => [first, second].filter(Boolean).join(". ");
  return { model: join(model.text, model.detail), data: join(data.detail, data.text) };
}

/**
 * Returns what is open, `{model, data}` in words, null while a model is being loaded. Pure.
 * @param {{model?: Chip, data?: Chip, opening?: object|null}} value
 */
export function openNow({ model = {}, data = {}, opening }) {
  if (model.state !== "live" || opening) return null;
  return {
    model: (model.text ?? "").replace(" · scoring stopped", ""),
    data: [data.detail, data.text].filter(Boolean).join(": "),
  };
}

/**
 * Returns what the model's chip says: what is open, or how far opening another one has come, or that it
 * failed.
 */
export function modelChip({ text = "", detail = "", state = "" }, opening) {
  const title = `${detail ? `${detail}. ` : ""}Open another model…`;
  if (!opening?.keeps) return { text, title, state };
  if (opening.state === "error")
    return { text: `not opened: ${opening.model}`, title: opening.error, state: "error" };
  return { text: `${opening.model}: ${opening.text}`, title, state: opening.state };
}
