/** Tokens that a person forces in or out, with notes; unlimited undo and redo, one step per gesture. Pure. */

/**
 * @typedef {'in'|'out'|null} State  null: as the rule says
 * @typedef {{index: number, state: State, note: string, time: number}} Entry  time in ms since 1970
 * @typedef {{index: number, state?: State, note?: string}} Change  what is left out stays as it is
 */

const CYCLE = [null, "in", "out"];

/** The overrides of one mask. A note may stand on a token that is not forced. */
export class Overrides {
  /**
   * @param {Entry[]} entries of a saved draft; they are no undo step
   * @param {() => number} clock ms
   */
  constructor(entries = [], clock = Date.now) {
    /** @type {Map<number, Entry>} */
    this.current = new Map();
    for (const entry of entries) this.write(entry.index, { ...entry });
    /** @type {[number, Entry|null, Entry|null][][]} each step: index, before, after */
    this.past = [];
    this.future = [];
    this.clock = clock;
  }

  /**
   * One gesture: a click, a drag over tokens, or an act on a whole filter. Changes that change nothing
   * are dropped; a gesture without any is no step. Returns whether there was a step.
   * @param {Change[]} changes
   */
  apply(changes) {
    const before = new Map();
    const time = this.clock();
    for (const change of changes) check(change); // all of them first: a gesture is done whole or not at all
    for (const { index, ...change } of changes) {
      const old = this.current.get(index) ?? null;
      const entry = { index, state: old?.state ?? null, note: old?.note ?? "", ...change, time };
      if (entry.state === (old?.state ?? null) && entry.note === (old?.note ?? "")) continue;
      if (!before.has(index)) before.set(index, old);
      this.write(index, entry);
    }
    if (!before.size) return false;
    this.past.push([...before].map(([index, old]) => [index, old, this.current.get(index) ?? null]));
    this.future = [];
    return true;
  }

  /**
   * Steps the tokens rule → in → out → rule (with −1 backwards), all to the same; those that differ begin at
   * rule.
   * @param {number[]} indices
   * @param {1|-1} direction
   */
  cycle(indices, direction = 1) {
    if (!indices.length) return false;
    const shared = this.shared(indices);
    const now = shared === "mixed" ? null : shared;
    const next = /** @type {State} */ (CYCLE[(CYCLE.indexOf(now) + direction + 3) % 3]);
    return this.apply(indices.map((index) => ({ index, state: next })));
  }

  /**
   * Takes back the last gesture; returns its tokens, null where there was no gesture.
   * @returns {number[]|null}
   */
  undo() {
    const step = this.past.pop();
    if (!step) return null;
    for (const [index, before] of step) this.write(index, before);
    this.future.push(step);
    return step.map(([index]) => index);
  }

  /**
   * Does again what was taken back last; returns its tokens, null where there was nothing.
   * @returns {number[]|null}
   */
  redo() {
    const step = this.future.pop();
    if (!step) return null;
    for (const [index, , after] of step) this.write(index, after);
    this.past.push(step);
    return step.map(([index]) => index);
  }

  /**
   * Returns the same overrides, their steps included, on other tokens; what `place` gives null is left out.
   * @param {(index: number) => number|null} place
   */
  moved(place) {
    const there = ({ index }) => place(index) !== null;
    const put = (entry) => entry && { ...entry, index: place(entry.index) };
    const steps = (all) =>
      all.map((step) =>
        step
          .filter(([index]) => there({ index }))
          .map(([index, before, after]) => [place(index), put(before), put(after)]),
      );
    const result = new Overrides(this.entries().filter(there).map(put), this.clock);
    return Object.assign(result, { past: steps(this.past), future: steps(this.future) });
  }

  get canUndo() {
    return this.past.length > 0;
  }

  get canRedo() {
    return this.future.length > 0;
  }

  /**
   * @param {number} index
   * @returns {State}
   */
  state(index) {
    return this.current.get(index)?.state ?? null;
  }

  /**
   * Returns the state that all of these tokens have, "mixed" where they differ.
   * @param {number[]} indices
   * @returns {State|'mixed'}
   */
  shared(indices) {
    const first = this.state(indices[0]);
    return indices.every((index) => this.state(index) === first) ? first : "mixed";
  }

  /**
   * @param {number} index
   * @returns {string}
   */
  note(index) {
    return this.current.get(index)?.note ?? "";
  }

  /**
   * The entries in order of the text, as they are saved.
   * @returns {Entry[]}
   */
  entries() {
    return [...this.current.values()].sort((a, b) => a.index - b.index).map((entry) => ({ ...entry }));
  }

  /**
   * What `select` takes: the forced tokens only.
   * @returns {Map<number, 'in'|'out'>}
   */
  forced() {
    return new Map(this.entries().flatMap(({ index, state }) => (state ? [[index, state]] : [])));
  }

  /**
   * @param {number} index
   * @param {Entry|null} entry an entry that says nothing is removed
   */
  write(index, entry) {
    if (entry && (entry.state || entry.note)) this.current.set(index, entry);
    else this.current.delete(index);
  }
}

/** @param {Change} change */
function check({ index, state = null }) {
  if (!Number.isInteger(index) || index < 0) throw new RangeError(`There is no token ${index}.`);
  if (!CYCLE.includes(state))
    throw new RangeError(`The override of token ${index} is '${state}'. It must be "in", "out" or null.`);
}
