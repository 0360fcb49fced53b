/** Gives the browser a file to save. */

import { node } from "./dom.js";

/**
 * Saves a text, or the pieces of a file in bytes.
 * @param {{filename: string, text?: string, pieces?: Uint8Array<ArrayBuffer>[], mime: string}} file
 */
export function download({ filename, text, pieces, mime }) {
  const content = pieces ?? [text];
  const address = URL.createObjectURL(new Blob(content, { type: mime ?? "application/octet-stream" }));
  const link = node("a", { attributes: { href: address, download: filename ?? "mask.json" } });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
