/**
 * A value that one part of the page tells the others: each is a component of its own, the module is the same.
 * No DOM.
 */

/**
 * Keeps a value; listeners hear each other one.
 * @template Value
 */
export class SharedValue {
  /** @param {Value} value */
  constructor(value) {
    this.value = value;
    this.listeners = [];
  }

  /**
   * Returns what ends it: a part that goes must not hear more.
   * @param {(value: Value) => void} listener
   */
  subscribe(listener) {
    this.listeners.push(listener);
    return () => {
      this.listeners = this.listeners.filter((each) => each !== listener);
    };
  }

  /**
   * Takes a value; one of the same content is no news.
   * @param {Value} value
   */
  set(value) {
    if (JSON.stringify(value) === JSON.stringify(this.value)) return;
    this.value = value;
    for (const listener of this.listeners) listener(value);
  }
}

/** The run under way, `{id, mask}`, or null; the chips know it, the mask bar says it. */
export const liveRun = new SharedValue(null);

/** The line of the run under way, as of `run_line` (app/views/runs.py), or null, as the chips last heard. */
export const liveLine = new SharedValue(null);

/** The ids of all runs that finished or were kept, as the chips last heard. */
export const endedRuns = new SharedValue([]);

/**
 * What is open, `{model, data}` in words, and what is being opened, as the server said at a time; `opening`
 * as in app/actions/status.py, or null.
 */
export const openingNow = new SharedValue({ at: 0, opening: null, open: { model: "", data: "" } });

/**
 * The newest lesson, `{run_id, state, live, text, share, opens, open}` (app/actions/lesson.py), or null, as the chips
 * last heard.
 */
export const teachingNow = new SharedValue(null);

/** Whether scoring was stopped with rows left, as the chips last heard. */
export const scoringHeld = new SharedValue(false);

/**
 * The draft on the Tokens tab: the id of its scores, the hash of its mask while that can be trained, else ""
 * and why it cannot.
 */
class DraftNow extends SharedValue {
  /**
   * Returns the draft of this very moment with its hash, as a start wants it.
   * @type {() => Promise<object|null>}
   */
  plan = async () => null;

  /**
   * Tells the server of it, which sums it up above Start.
   * @type {() => void}
   */
  tell = () => {};
}
export const draftNow = new DraftNow({ scores: "", hash: "", why: "" });

/**
 * Which part of the dialog for own data and own model a person asked for: `{part: "data"|"model"|"teach", count}`.
 */
export const openWanted = new SharedValue({ part: "data", count: 0 });

/**
 * Asks for the dialog.
 * @param {"data"|"model"|"teach"} part
 */
export function wantOpen(part) {
  openWanted.set({ part, count: openWanted.value.count + 1 });
}
