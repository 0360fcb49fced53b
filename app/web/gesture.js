/** Tells the acts of one gesture of the pointer from those of the next. */

let held = 0;
let last = 0;

/** Returns the number of the gesture that is under way, 0 while no button is down. */
export function gesture() {
  return held;
}

// In the window's capture phase: before any part of the page acts on it.
globalThis.addEventListener?.("pointerdown", () => { held = last += 1; }, true);
// The last value of a slider comes with the release itself.
function end() {
  const ended = held;
  setTimeout(() => { if (held === ended) held = 0; });
}
for (const release of ["pointerup", "pointercancel"]) globalThis.addEventListener?.(release, end, true);
// The window's own: in the capture phase each element that loses the focus would end the drag that took it.
globalThis.addEventListener?.("blur", end);
