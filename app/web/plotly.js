/** Loads Plotly from this server once, on first use, and reads the page's colours for it. */

let loading = null;

/** Returns a promise of the Plotly object; its bundle is the installed package's own. */
export function plotly() {
  if (globalThis.Plotly) return Promise.resolve(globalThis.Plotly);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "/web/plotly.min.js";
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => {
      loading = null;
      reject(new Error("Plotly could not be loaded from this server."));
    };
    document.head.append(script);
  });
  return loading;
}

/** Returns the theme of charts, read from the page's custom properties at `element`. */
export function chartTheme(element) {
  const style = getComputedStyle(element);
  const colour = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  return {
    ink: colour("--tu-ink", "#1a1d21"), muted: colour("--tu-muted", "#667079"), line: colour("--tu-line", "#e7e4dd"),
    font: style.fontFamily,
    arms: {
      chosen: colour("--tu-accent", "#0b6b68"), gold: colour("--tu-knowledge", "#e0861a"),
      uniform: colour("--tu-entropy", "#4b63d6"), random: colour("--tu-muted", "#667079"),
    },
  };
}

/** Calls `redraw` when the page turns dark or light, or when `element` first gets a width. */
export function onThemeOrSize(element, redraw) {
  let width = 0;
  new MutationObserver(redraw).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  new ResizeObserver(() => {
    const now = element.clientWidth;
    if (now !== width && (width === 0 || (now < 640) !== (width < 640))) redraw();
    width = now;
  }).observe(element);
}
