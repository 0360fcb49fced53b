/**
 * The page by keyboard, beyond Gradio's: a link past its frame, arrow keys on the tabs, and no focus lost
 * when a tab is left.
 */

import { node, setAttributes } from "../dom/dom.js";
import { focusStrip, STRIP_ID } from "../dom/strip_focus.js";

const TABS = ".tx-tabs > .tab-wrapper [role='tablist']";

/** Begins all of it, once for a page. */
export function pageKeys() {
  if (document.querySelector(".tx-skip")) return;
  document.querySelector(".gradio-container")?.prepend(skipLink());
  document.addEventListener("keydown", walkTabs);
  const list = document.querySelector(TABS);
  if (list) followTabs(list);
}

/**
 * Returns the link to the strip, seen while it has the focus; from another tab it opens that of the tokens
 * first.
 */
function skipLink() {
  const go = (event) => {
    event.preventDefault(); // The address says which row and token are shown.
    /** @type {HTMLElement|null} */
    const tab = document.querySelector(`${TABS} [data-tab-id='tokens']`);
    if (tab?.ariaSelected === "false") {
      tab.click();
      focusOnceShown();
    } else if (!focusStrip()) {
      /** @type {HTMLElement|null} */
      const first = document.querySelector(".tokens-view button");
      first?.focus();
    }
  };
  return node("a", {
    class: "tx-skip",
    text: "Skip to the tokens",
    attributes: { href: `#${STRIP_ID}` },
    on: { click: go },
  });
}

/** Focuses the strip with the first frame in which its tab is shown. */
function focusOnceShown(frames = 60) {
  const shown = document.getElementById(STRIP_ID)?.getClientRects().length > 0;
  if (shown) focusStrip();
  else if (frames > 0) requestAnimationFrame(() => focusOnceShown(frames - 1));
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
  const tabs = [...tab.parentElement.querySelectorAll("[role='tab']")];
  const next = tabs[tabAfter(event.key, tabs.indexOf(tab), tabs.length)];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
}

/**
 * Lets Tab reach the open tab only; when another is opened from within a page, whose buttons are then gone,
 * the focus goes to it.
 */
function followTabs(list) {
  let open = null;
  const follow = () => {
    const tabs = [...list.querySelectorAll("[role='tab']")];
    for (const tab of tabs) setAttributes(tab, { tabindex: tab.ariaSelected === "true" ? 0 : -1 });
    const now = tabs.find((tab) => tab.ariaSelected === "true") ?? null;
    const changed = open !== null && now !== null && now !== open;
    open = now ?? open;
    if (changed) focusOnceLost(now, document.activeElement);
  };
  new MutationObserver(follow).observe(list, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["aria-selected"],
  });
  follow();
}

/**
 * Focuses a tab with the first frame in which the page that is left is hidden, for the browser then takes the
 * focus from what is in it; a busy page is hidden some frames after its tab is closed.
 */
function focusOnceLost(tab, held, frames = 60) {
  const focused = document.activeElement;
  if (isLost(focused)) tab.focus();
  else if (focused === held && frames > 0) requestAnimationFrame(() => focusOnceLost(tab, held, frames - 1));
}

function isLost(focused) {
  return !focused || focused === document.body || focused.getClientRects().length === 0;
}
