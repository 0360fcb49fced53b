/** Keeps Gradio from asking for sixty frames a second for as long as the page is open. */

// Its sign of loading counts the seconds in a loop of frames that does not end when the sign is taken away (6.31). Such a
// loop shows tenths of a second and gets its turn as often; whatever else asks for a frame, gets it.
const TENTH_MS = 100;
const COUNTS_SECONDS = /performance\.now\(\)\s*-/;

/**
 * Stands between Gradio's modules, which take `requestAnimationFrame` when they are loaded, and the browser; returns what
 * gives those that are loaded later the browser's own again.
 * @param {{requestAnimationFrame: (act: FrameRequestCallback) => number, setTimeout: (act: () => void, ms: number) => any}} host
 */
export function calmFrames(host) {
  const own = host.requestAnimationFrame;
  host.requestAnimationFrame = (act) => (COUNTS_SECONDS.test(String(act))
    ? host.setTimeout(() => act(performance.now()), TENTH_MS) : own.call(host, act));
  return () => { host.requestAnimationFrame = own; };
}

/** Ends it: Gradio has started. */
export const leaveFrames = globalThis.document ? calmFrames(globalThis) : () => {};
