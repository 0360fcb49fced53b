/**
 * What Gradio leaves to be done: it must not ask for sixty frames a second, its colour scheme has to reach the
 * root, and typing into one of its menus has to search.
 */

// Its sign of loading counts the seconds in a loop of frames that does not end when the sign is taken away
// (6.31). Such a loop shows tenths of a second and gets its turn as often; whatever else asks for a frame,
// gets it.
const TENTH_MS = 100;
const COUNTS_SECONDS = /performance\.now\(\)\s*-/;

/**
 * Stands between Gradio's modules, which take `requestAnimationFrame` when they are loaded, and the browser;
 * returns what gives those that are loaded later the browser's own again.
 * @param {{requestAnimationFrame: (act: FrameRequestCallback) => number, setTimeout: (act: () => void, ms:
 *   number) => any}} host
 */
export function calmFrames(host) {
  const own = host.requestAnimationFrame;
  host.requestAnimationFrame = (act) =>
    COUNTS_SECONDS.test(String(act))
      ? host.setTimeout(() => act(performance.now()), TENTH_MS)
      : own.call(host, act);
  return () => {
    host.requestAnimationFrame = own;
  };
}

/** Ends it: Gradio has started. */
export const leaveFrames = globalThis.document ? calmFrames(globalThis) : () => {};

/** Nothing; from now on `data-scheme` on the root says what the body's class does. */
export function followScheme(root = document.documentElement, body = document.body) {
  const follow = () => {
    root.dataset.scheme = body.classList.contains("dark") ? "dark" : "light";
  };
  new MutationObserver(follow).observe(body, { attributes: true, attributeFilter: ["class"] });
  follow();
}

/**
 * From now on a menu of Gradio's has its text selected when a person turns to it: typing searches then.
 * Otherwise it goes between the letters of what is chosen, and nothing is found.
 */
export function searchMenus(body = document.body) {
  for (const turned of ["focusin", "click"])
    body.addEventListener(turned, ({ target }) => {
      if (target instanceof HTMLInputElement && target.matches("[role='combobox']:not(.tu-view *)"))
        target.select();
    });
}
