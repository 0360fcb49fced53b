/** Saves files: what the server made, or without a server the draft with its weights. */

import { node } from "../dom/dom.js";
import { localFile } from "./draft_file.js";

/** Asks the server for `{filename, text, mime}`; without an answer saves the draft. */
export async function exportMask(draft, model, ask) {
  try {
    const file = await ask(draft);
    if (file?.text !== undefined) return download(file);
  } catch {
    // No server: the draft must not be lost for that.
  }
  return saveDraft(model);
}

/** Saves the draft of all sets as a file that the dialog of masks imports. */
export function saveDraft(model) {
  download(localFile(model));
}

/**
 * Gives the browser a file to save: a text, or the pieces of one in bytes.
 * @param {{filename: string, text?: string, pieces?: Uint8Array<ArrayBuffer>[], mime: string}} file
 */
export function download({ filename, text, pieces, mime }) {
  const content = pieces ?? [text];
  const address = URL.createObjectURL(new Blob(content, { type: mime ?? "application/octet-stream" }));
  const link = node("a", { attributes: { href: address, download: filename ?? "mask.json" } });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
