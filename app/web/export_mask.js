/** Saves files: what the server made, or without a server the draft with its weights. */

import { node } from "./dom.js";

/** Asks the server for `{filename, text, mime}`; without an answer saves rule, overrides and weights as JSON. */
export async function exportMask(draft, model, ask) {
  try {
    const file = await ask(draft);
    if (file?.text !== undefined) return download(file);
  } catch {
    // No server: the draft must not be lost for that.
  }
  return download(localFile(draft, model.mask.weights));
}

/** Returns the file made here: `{filename, text, mime}`. */
export function localFile(draft, weights) {
  const chosen = {};
  weights.forEach((weight, index) => { if (weight > 0) chosen[index] = weight; });
  return { filename: "mask-draft.json", mime: "application/json", text: JSON.stringify({ ...draft, weights: chosen }, null, 1) };
}

/** Gives the browser a file to save. @param {{filename: string, text: string, mime: string}} file */
export function download({ filename, text, mime }) {
  const address = URL.createObjectURL(new Blob([text], { type: mime ?? "application/octet-stream" }));
  const link = node("a", { attributes: { href: address, download: filename ?? "mask.json" } });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
