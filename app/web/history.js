/** Undo and redo over immutable snapshots; one slider drag counts as one step. Pure. */

const MERGE_MS = 800;

/** Keeps the current snapshot with those before and after it. */
export class History {
  /** @param {object} present first snapshot @param {() => number} [clock] milliseconds */
  constructor(present, clock = Date.now) {
    this.present = present;
    this.past = [];
    this.future = [];
    this.clock = clock;
    this.label = null;
    this.stamp = -Infinity;
  }

  /** Records a snapshot. The same non-empty `label` within 800 ms replaces the last one (a slider being dragged). */
  push(snapshot, label = "") {
    const now = this.clock();
    const merges = label !== "" && label === this.label && now - this.stamp < MERGE_MS;
    if (!merges) this.past.push(this.present);
    this.present = snapshot;
    this.future = [];
    this.label = label;
    this.stamp = now;
  }

  /** Replaces every snapshot by what `change` makes of it; the steps stay. */
  rewrite(change) {
    Object.assign(this, { present: change(this.present), past: this.past.map(change), future: this.future.map(change) });
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
