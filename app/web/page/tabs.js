/** Gradio's tabs from our side: which is open, opening one, and hearing of it. */

export const TABS = ".tx-tabs > .tab-wrapper [role='tablist']";

const listeners = new Set();

/** Returns the tabs of the page, none where there are none yet. */
export function tabs() {
  return /** @type {HTMLElement[]} */ ([...document.querySelectorAll(`${TABS} [role='tab']`)]);
}

/** Returns the id of the open tab; undefined where there are none. */
export function openTabId() {
  return tabs()
    .find((tab) => tab.ariaSelected === "true")
    ?.getAttribute("data-tab-id");
}

/** Opens the tab of that id, where there is one and it is not open. */
export function openTab(id) {
  const tab = tabs().find((each) => each.getAttribute("data-tab-id") === id);
  if (tab?.ariaSelected === "false") tab.click();
}

/** Calls `listener` with the id of each tab that is opened from now on; returns what ends it. */
export function onTabOpened(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Tells whoever listens that a tab is open. It begins at its top: tabs share the window, which would stand where
 * the one before was scrolled to.
 */
export function tellTabOpened(id) {
  globalThis.scrollTo?.({ top: 0, behavior: "instant" });
  for (const listener of listeners) listener(id);
}
