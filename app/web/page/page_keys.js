/**
 * The page by keyboard, beyond Gradio's: a link past its frame, arrow keys on the tabs, and no focus lost
 * when a tab is left.
 */

import { node, setAttributes } from "../dom/dom.js";
import { focusStrip, STRIP_ID } from "../dom/strip_focus.js";
import { openTab, openTabId, TABS, tabs, tellTabOpened } from "./tabs.js";

// Milliseconds: a tab is shown, and the last one hidden, after its parts have come over a slow line.
const OPEN_WITHIN = 20_000;
const LOOK_AGAIN = 50;

/** Begins all of it, once for a page. */
export function pageKeys() {
  if (document.querySelector(".tx-skip")) return;
  document.querySelector(".gradio-container")?.prepend(skipLink());
  document.addEventListener("keydown", walkTabs);
  followTabs();
}

/**
 * Returns the link to the strip, seen while it has the focus; from another tab it opens that of the tokens
 * first.
 */
function skipLink() {
  const go = (event) => {
    event.preventDefault(); // The address says which row and token are shown.
    toStrip();
  };
  return node("a", {
    class: "tx-skip",
    text: "Skip to the tokens",
    attributes: { href: `#${STRIP_ID}` },
    on: { click: go },
  });
}

/** Opens the tab of the tokens, where another one is open, and focuses the strip, else what comes first there. */
export function toStrip() {
  if (![undefined, "tokens"].includes(openTabId())) {
    openTab("tokens");
    focusOnceShown();
  } else if (!focusStrip()) {
    /** @type {HTMLElement|null} */
    const first = document.querySelector(".tokens-view button");
    first?.focus();
  }
}

/** Focuses the strip once its tab is shown. */
function focusOnceShown() {
  tryUntil(() => document.getElementById(STRIP_ID)?.getClientRects().length > 0 && focusStrip());
}

/** Tries again and again, until what is tried returns true or it has taken too long. */
function tryUntil(done, end = performance.now() + OPEN_WITHIN) {
  if (!done() && performance.now() < end) setTimeout(() => tryUntil(done, end), LOOK_AGAIN);
}

/** Returns the place that a key leads to in a list of tabs, or −1 for any other key. Pure. */
export function tabAfter(key, at, count) {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
  return step ? (at + step + count) % count : -1;
}

/** Opens the tab that a key leads to and takes the focus along. */
function walkTabs(event) {
  const tab = event.target.closest?.(`${TABS} [role='tab']`);
  if (!tab || event.ctrlKey || event.metaKey || event.altKey) return;
  const all = tabs();
  const next = all[tabAfter(event.key, all.indexOf(tab), all.length)];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
}

/**
 * Lets Tab reach the open tab only; when another is opened from within a page, whose buttons are then gone,
 * the focus goes to it. Watches the whole page: on a busy machine the list of tabs comes after the view that
 * begins this, or is put up anew.
 */
function followTabs() {
  let open = null;
  const follow = () => {
    for (const tab of tabs()) setAttributes(tab, { tabindex: tab.ariaSelected === "true" ? 0 : -1 });
    const now = openTabId();
    const changed = open && now && now !== open;
    open = now ?? open;
    if (!changed) return;
    focusOnceLost(now, document.activeElement);
    tellTabOpened(now);
  };
  new MutationObserver(follow).observe(document.body, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["aria-selected"],
  });
  follow();
}

/**
 * Focuses a tab that was opened from within a page, once that page is hidden, for the browser then takes the
 * focus from what held it: on a busy machine seconds after the tab is open.
 */
function focusOnceLost(id, held) {
  tryUntil(() => {
    const focused = document.activeElement;
    /** @type {HTMLElement|null} */
    const tab = document.querySelector(`${TABS} [data-tab-id='${id}']`);
    if (isLost(focused)) tab?.focus();
    return document.activeElement !== held || held === tab;
  });
}

function isLost(focused) {
  return !focused || focused === document.body || focused.getClientRects().length === 0;
}
