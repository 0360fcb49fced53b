/** Puts a view into its place on the page: as high as the window leaves, the focus in its strip if the one before had it. */

import { focusStrip } from "./strip_focus.js";

/** Shows and starts a view in the place of another. @param {HTMLElement} place @param {{element: HTMLElement, start: () => void}} view */
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
    if (width > 0) element.style.setProperty("--tu-top", `${Math.max(0, Math.round(top + globalThis.scrollY))}px`);
  };
  new ResizeObserver(fit).observe(element);
  fit();
}
