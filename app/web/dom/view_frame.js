/**
 * Puts a view into its place on the page: as high as the window leaves, the focus in its strip if the one
 * before had it.
 */

import { focusStrip } from "./strip_focus.js";

/**
 * Shows and starts a view in the place of another.
 * @param {HTMLElement} place
 * @param {{element: HTMLElement, start: () => void}} view
 */
export function putUp(place, view) {
  const held = place.contains(document.activeElement);
  place.replaceChildren(view.element);
  fitHeight(view.element);
  view.start();
  if (held) focusStrip();
}

/** Tells the style sheet how much of the window lies above the view, also when its tab is opened later. */
function fitHeight(element) {
  const fit = () => {
    const { top, width } = element.getBoundingClientRect();
    if (width > 0)
      element.style.setProperty("--tu-top", `${Math.max(0, Math.round(top + globalThis.scrollY))}px`);
  };
  new ResizeObserver(fit).observe(element);
  fit();
}

/**
 * Keeps a part at the end of the column, or on a narrow page, where all columns are one, behind the panel
 * that belongs to what was selected in the column. Returns what ends it.
 */
export function belowOnNarrow(part, column, panel) {
  const narrow = globalThis.matchMedia("(max-width: 900px)");
  const place = () => (narrow.matches ? panel.after(part) : column.append(part));
  narrow.addEventListener("change", place);
  if (narrow.matches) queueMicrotask(place); // Once the panel stands on the page.
  return () => narrow.removeEventListener("change", place);
}
