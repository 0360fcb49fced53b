/** Sends a file to the server's memory in pieces, because a request is limited. No DOM. */

import { countText } from "../text/numbers.js";

export const MOST_FILE = 64 * 1024 * 1024; // as in app/uploads.py
export const PIECE = 2_400_000; // bytes; a third more as base64, and the server takes 4 MiB a request
const STRETCH = 0x8000;

/**
 * Returns the id under which the server holds the file.
 * @param {{name: string, size: number, slice: Function}} file
 * @param {(name: string, data: object) => Promise<any>} ask
 * @param {(share: number) => void} told  hears the share that has arrived; may throw to end it
 */
export async function sendFile(file, ask, told = () => {}) {
  if (file.size > MOST_FILE) {
    throw new Error(
      `${file.name} has ${countText(file.size)} bytes; at most ${countText(MOST_FILE)} are taken from a browser. Put it on the server’s machine and type its path.`,
    );
  }
  const { upload } = await ask("begin_upload", { name: file.name, size: file.size });
  for (let at = 0; at < file.size; at += PIECE) {
    told(at / file.size);
    const bytes = new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
    await ask("add_piece", { upload, at, data: base64(bytes) });
  }
  told(1);
  return upload;
}

/**
 * Returns the bytes as base64.
 * @param {Uint8Array} bytes
 */
export function base64(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; at += STRETCH)
    text += String.fromCharCode(...bytes.subarray(at, at + STRETCH));
  return btoa(text);
}
