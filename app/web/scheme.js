/** Keeps the document's colour scheme that of Gradio's mark on the body; as :has() in the sheet it costs 2 ms a frame. */

/** Nothing; from now on `data-scheme` on the root says what the body's class does. */
export function followScheme(root = document.documentElement, body = document.body) {
  const follow = () => { root.dataset.scheme = body.classList.contains("dark") ? "dark" : "light"; };
  new MutationObserver(follow).observe(body, { attributes: true, attributeFilter: ["class"] });
  follow();
}
