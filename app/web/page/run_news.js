/**
 * Says once that a run has finished, or that something else was opened: a line for some seconds, and for a run a
 * dot at the Probe tab until it is opened.
 */

import { node, setText } from "../dom/dom.js";
import { openTabId } from "./tabs.js";

const SHOWN_MS = 8000;

/**
 * Returns `{element, hear(done), opened(now)}`; `done` are all finished runs, `{run_id, see}`, those of the first
 * time are no news; `now` is what is open, `{model, data}` in words, null while that is not known.
 */
export function runNews() {
  const element = node("div", { class: "tx-news", attributes: { role: "status" } });
  let known = null;
  let timer = null;
  const say = (words) => {
    clearTimeout(timer);
    setText(element, words);
    timer = setTimeout(() => setText(element, ""), SHOWN_MS);
  };
  const hear = (done) => {
    const fresh = freshOf(known, done);
    known = done;
    if (fresh.length === 0) return;
    say(newsWords(fresh));
    if (!probeIsOpen() && fresh.some(({ on }) => on === "probe")) document.body.dataset.probeNews = "";
  };
  // After the click has done its work: a run's own button opens the tab as well.
  document.addEventListener("click", () =>
    requestAnimationFrame(() => probeIsOpen() && delete document.body.dataset.probeNews),
  );
  let open = null;
  const opened = (now) => {
    const words = openedWords(open, now);
    open = now ?? open;
    if (words) say(words);
  };
  return { element, hear, opened };
}

/**
 * Returns what is open now where it was something else before, "" where it was not: another page of the same
 * server may have opened it. Pure.
 * @param {{model: string, data: string}|null} before
 * @param {{model: string, data: string}|null} now
 */
export function openedWords(before, now) {
  if (!before || !now || (before.model === now.model && before.data === now.data)) return "";
  const what = [now.data !== before.data && now.data, now.model !== before.model && now.model];
  return `Open now: ${what.filter(Boolean).join(", with ")}. What was decided before is kept with what was open then.`;
}

/**
 * Returns the runs that were not known; none while nothing was known at all. Pure.
 * @returns {{run_id: string, see: string, on: string}[]}
 */
export function freshOf(known, done) {
  const ids = (known ?? done).map(({ run_id: id }) => id);
  return done.filter(({ run_id: id }) => !ids.includes(id));
}

/** Returns "run-1 and run-2 finished. See …", a pair of sentences a place to look at. Pure. */
export function newsWords(fresh) {
  return [...new Set(fresh.map(({ see }) => see))]
    .map((place) => {
      const ids = fresh.filter(({ see }) => see === place).map(({ run_id: id }) => id);
      return `${ids.join(" and ")} finished. ${place}`;
    })
    .join(" ");
}

const probeIsOpen = () => openTabId() === "probe";
