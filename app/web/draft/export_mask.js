/** Saves files: what the server made, or without a server the draft with its weights. */

import { download } from "../dom/download.js";
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
