/**
 * Asks one of the server functions of a view; what it refuses, or a server that is gone, is thrown as a
 * sentence.
 */

import { serverLink } from "./server_link.js";

export const NO_ANSWER = "the server does not answer";

/**
 * @param {Record<string, (data: object) => Promise<any>>} server
 * @param {string} name
 * @param {object} data
 * @param {boolean} [errorsToo] whether an `{error}` is an answer like any other
 */
export async function askServer(server, name, data, errorsToo = false) {
  if (typeof server[name] !== "function") throw new Error(`the server offers no ${name}`);
  const answer = await server[name](data).catch(() => null);
  // Gradio's client answers a refusal, or a server that is gone, with nothing at all.
  if (answer === undefined || answer === null) {
    serverLink.check();
    throw new Error(NO_ANSWER);
  }
  if (answer.error && !errorsToo) throw new Error(answer.error);
  return answer;
}
