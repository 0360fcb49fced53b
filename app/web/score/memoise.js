/** Keeps the last value of each step of a calculation. Pure. */

/** One value per step: made anew only when what it depends on, its `key`, is another than last time. */
export class Memory {
  constructor() {
    /** @type {Map<string, {key: any, value: any}>} */
    this.steps = new Map();
  }

  /**
   * Returns the value of a step. Whoever gets it must not write into it: the next one gets the same.
   * @template Value
   * @param {string} step
   * @param {any} key a text of settings, the array that the value comes from, or a list of such; compared
   *   with ===
   * @param {() => Value} make
   * @returns {Value}
   */
  once(step, key, make) {
    const last = this.steps.get(step);
    if (last && same(last.key, key)) return last.value;
    const value = make();
    this.steps.set(step, { key, value });
    return value;
  }

  /**
   * Forgets the steps that `stale` names: something that they depend on, and that is no part of their keys,
   * has changed.
   */
  forget(stale) {
    for (const step of this.steps.keys()) if (stale(step)) this.steps.delete(step);
  }
}

/** Returns whether two keys are the same: lists part by part, all else by ===. */
export function same(one, other) {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return one.length === other.length && one.every((part, at) => part === other[at]);
}
