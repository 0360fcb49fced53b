/** Puts off what nobody looks at while a slider moves, so that the moves themselves are drawn in time. */

const REST_MS = 120;
// Safari has no idle callback.
const whenIdle = globalThis.requestIdleCallback ?? ((act) => setTimeout(act, REST_MS / 2));

/**
 * Returns `{soon, later}`, both of which run `draw` once: `soon` when the page is next idle, `later` when
 * neither has been asked for a moment.
 * @param {() => void} draw
 */
export function atRest(draw) {
  let timer = null;
  let waiting = false;
  const soon = () => {
    clearTimeout(timer);
    if (waiting) return;
    waiting = true;
    whenIdle(
      () => {
        waiting = false;
        draw();
      },
      { timeout: REST_MS },
    );
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(soon, REST_MS);
  };
  return { soon, later };
}
