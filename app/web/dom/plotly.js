/** Loads Plotly from this server once, on first use, and reads the page's colours for it. */

import { node } from "./dom.js";

let loading = null;

/** Returns a promise of the Plotly object; its bundle is the installed package's own. */
export function plotly() {
  if (globalThis.Plotly) return Promise.resolve(globalThis.Plotly);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../plotly.min.js", import.meta.url).href;
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => {
      loading = null;
      reject(new Error("Plotly could not be loaded from this server."));
    };
    document.head.append(script);
  });
  return loading;
}

/**
 * Returns the colours of these custom properties as they are at `element`, in light or dark.
 * @param {HTMLElement} element
 * @param {string[]} names
 */
export function coloursAt(element, names) {
  // A property holds light-dark(…) as text; only a colour that uses it says which of the two is drawn.
  const probe = element.appendChild(node("span"));
  const colours = names.map((name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return colours;
}

/** Returns the theme of charts: the page's colours as they are at `element`, in light or dark. */
export function chartTheme(element) {
  const [ink, muted, line, page, accent] = coloursAt(element, [
    "--tu-ink",
    "--tu-muted",
    "--tu-line",
    "--tu-page",
    "--tu-accent",
  ]);
  const font = getComputedStyle(element).fontFamily;
  return { ink, muted, line, page, accent, font };
}

/**
 * Draws a figure as wide as `place` is; resolves to whether it stands. Where it cannot be drawn `place` says
 * why, until the next one. Plotly's own way to follow the window forgets the height of a figure, which then
 * lies over what comes below it.
 * @param {HTMLElement} place
 * @param {{data: object[], layout: object}} figure
 */
export async function drawFigure(place, { data, layout }) {
  try {
    const Plotly = await plotly();
    if (place.clientWidth === 0) return false; // Hidden meanwhile: it is drawn when it has a width again.
    place.querySelector(":scope > .tx-note")?.remove();
    await Plotly.react(place, data, { ...layout, width: place.clientWidth }, { displayModeBar: false });
    return true;
  } catch (error) {
    globalThis.Plotly?.purge(place);
    place.replaceChildren(node("p", { class: "tx-note", text: error.message }));
    return false;
  }
}

/** Calls `redraw` when the page turns dark or light, and when `element` has another width. */
export function onThemeOrSize(element, redraw) {
  let width = 0;
  new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  new ResizeObserver(() => {
    const now = element.clientWidth;
    if (now === width) return;
    width = now;
    requestAnimationFrame(redraw);
  }).observe(element);
}
