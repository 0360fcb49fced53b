/** Draws one recorded row before Gradio has started; gives way as soon as the real view stands. */

import { node } from "../dom/dom.js";
import "./gradio.js"; // Here, because this module comes before those of Gradio.

const PATIENCE_MS = 20_000;

/** Returns the pieces of an answer: `{text, score, chosen}`; text between tokens has score 0. Pure. */
export function pieces(answer, tokens) {
  const characters = Array.from(answer);
  const parts = [];
  let at = 0;
  for (const [start, end, score, chosen] of tokens) {
    const from = Math.max(at, start);
    if (from > at) parts.push({ text: characters.slice(at, from).join(""), score: 0, chosen: false });
    parts.push({ text: characters.slice(from, end).join(""), score, chosen });
    at = Math.max(from, end);
  }
  parts.push({ text: characters.slice(at).join(""), score: 0, chosen: false });
  return parts.filter((part) => part.text !== "");
}

function picture({ title, question, answer, tokens, state }) {
  const strip = pieces(answer, tokens).map(({ text, score, chosen }) =>
    node("span", {
      class: chosen ? "tx-first-chosen" : "",
      text,
      style: {
        background: `color-mix(in srgb, var(--tu-fused) calc(var(--tu-fill-top) * ${score}), transparent)`,
      },
    }),
  );
  return node(
    "div",
    { class: "tx-first-shot", attributes: { "aria-hidden": true } },
    node("strong", { class: "tx-first-title", text: title }),
    node(
      "div",
      { class: "tx-first-body" },
      node("p", { class: "tx-first-state", text: state }),
      node("p", { class: "tx-first-question", text: question }),
      node("p", { class: "tx-first-answer" }, ...strip),
    ),
  );
}

function show() {
  const record = JSON.parse(document.getElementById("tx-picture")?.textContent || "{}");
  if (!record.tokens?.length || document.querySelector(".tu-view")) return;
  const shown = picture(record);
  document.body.append(shown);
  const leave = () => {
    watcher.disconnect();
    shown.remove();
  };
  const watcher = new MutationObserver(() => {
    if (document.querySelector(".tu-view")) leave();
  });
  watcher.observe(document.body, { childList: true, subtree: true });
  setTimeout(leave, PATIENCE_MS);
}

if (globalThis.document) show();
