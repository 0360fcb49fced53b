/**
 * Says once that a run has finished: a line for some seconds, and a dot at the Probe tab until it is opened.
 */

import { node, setText } from "../dom/dom.js";

const SHOWN_MS = 8000;

/**
 * Returns `{element, hear(done)}`; `done` are the ids of all finished runs, those of the first time are no
 * news.
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
    say(`${fresh.join(" and ")} finished. See before and after on the Probe tab.`);
    if (!probeIsOpen()) document.body.dataset.probeNews = "";
  };
  // After the click has done its work: a run's own button opens the tab as well.
  document.addEventListener("click", () =>
    requestAnimationFrame(() => probeIsOpen() && delete document.body.dataset.probeNews),
  );
  return { element, hear };
}

/**
 * Returns the ids that were not known; none while nothing was known at all. Pure.
 * @returns {string[]}
 */
export function freshOf(known, done) {
  return known === null ? [] : done.filter((id) => !known.includes(id));
}

function probeIsOpen() {
  return (
    document.querySelector('button[role="tab"][data-tab-id="probe"]')?.getAttribute("aria-selected") ===
    "true"
  );
}
