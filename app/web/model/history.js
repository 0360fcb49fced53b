/** Undo and redo over immutable snapshots; one slider drag counts as one step. */

const MERGE_MS = 800;

/** Keeps the current snapshot with those before and after it. */
export class History {
  /**
   * @param {any} present first snapshot
   * @param {() => number} [clock] milliseconds
   * @param {() => number} [hand] the gesture under way, 0 for none
   */
  constructor(present, clock = Date.now, hand = gesture) {
    this.present = present;
    this.past = [];
    this.future = [];
    this.clock = clock;
    this.hand = hand;
    this.held = 0;
    this.label = null;
    this.stamp = -Infinity;
  }

  /**
   * Records a snapshot. With the same non-empty `label` it replaces the last one while one gesture lasts,
   * however long the hand rests in it; keys have none, and those within 800 ms are one.
   */
  push(snapshot, label = "") {
    const [now, held] = [this.clock(), this.hand()];
    const goesOn = held === this.held && (held !== 0 || now - this.stamp < MERGE_MS);
    const merges = label !== "" && label === this.label && goesOn;
    this.held = held;
    if (!merges) this.past.push(this.present);
    this.present = snapshot;
    this.future = [];
    this.label = label;
    this.stamp = now;
  }

  /** Replaces every snapshot by what `change` makes of it; the steps stay. */
  rewrite(change) {
    Object.assign(this, {
      present: change(this.present),
      past: this.past.map(change),
      future: this.future.map(change),
    });
  }

  /** Steps back; returns whether there was a step. */
  undo() {
    if (this.past.length === 0) return false;
    this.future.push(this.present);
    this.present = this.past.pop();
    this.label = null;
    return true;
  }

  /** Steps forward; returns whether there was a step. */
  redo() {
    if (this.future.length === 0) return false;
    this.past.push(this.present);
    this.present = this.future.pop();
    this.label = null;
    return true;
  }
}

let held = 0;
let last = 0;

/** Returns the number of the gesture that is under way, 0 while no button is down. */
export function gesture() {
  return held;
}

// In the window's capture phase: before any part of the page acts on it.
globalThis.addEventListener?.(
  "pointerdown",
  () => {
    held = last += 1;
  },
  true,
);
// The last value of a slider comes with the release itself.
function end() {
  const ended = held;
  setTimeout(() => {
    if (held === ended) held = 0;
  });
}
for (const release of ["pointerup", "pointercancel"]) globalThis.addEventListener?.(release, end, true);
// The window's own: in the capture phase each element that loses the focus would end the drag that took it.
globalThis.addEventListener?.("blur", end);
