/**
 * The banner of a server that is gone, on every tab; meanwhile nothing can be pressed that needs the server.
 */

import { button, node, setText } from "../dom/dom.js";

// Only the server can do what stands in these.
const REMOTE = [
  ".tu-remote",
  ".tu-masks-acts",
  ".tu-masks-list",
  ".tx-chip",
  ".tx-actions",
  ".tx-side",
  ".tx-start",
  ".tx-pick",
  ".tx-ask",
  ".tx-run-list",
  ".tx-runs .tx-button",
].join();

/**
 * Returns the banner of a disk that takes nothing, or a folder of runs that is gone: `{element, show}`. A
 * server that is gone says nothing of its disk.
 * @param {import("../server/server_link.js").ServerLink} link
 */
export function troubleBanner(link) {
  const text = node("span");
  const element = node("div", { class: "tx-gone", attributes: { role: "alert", hidden: true } }, text);
  let words = "";
  const draw = () => {
    element.hidden = words === "" || link.value;
    if (words) setText(text, `${words}. What you see is kept; nothing new can be saved or started.`);
  };
  link.subscribe(draw);
  return {
    element,
    /** @param {string} given  why, in a sentence without its end, or "" */
    show: (given) => {
      words = given;
      draw();
    },
  };
}

/**
 * Returns the banner; it follows `link`.
 * @param {import("../server/server_link.js").ServerLink} link
 */
export function goneBanner(link) {
  const keep = button("Save my draft as a file", () => link.rescue?.(), { class: "tx-button" });
  const element = node(
    "div",
    { class: "tx-gone", attributes: { role: "alert", hidden: true } },
    node("span", {
      text: "The server does not answer. Your edits are kept on this page and sent as soon as it is back.",
    }),
    keep,
  );
  const still = (gone) => {
    for (const each of document.querySelectorAll(REMOTE)) each.toggleAttribute("inert", gone);
  };
  // A tab is made when it is first opened, perhaps meanwhile.
  const observer = new MutationObserver(() => still(true));
  link.subscribe((gone) => {
    element.hidden = !gone;
    document.body.toggleAttribute("data-gone", gone);
    keep.hidden = !link.rescue;
    still(gone);
    if (gone) observer.observe(document.body, { childList: true, subtree: true });
    else observer.disconnect();
  });
  return element;
}
