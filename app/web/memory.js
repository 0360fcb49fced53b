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
   * @param {any} key compared with ===, so a text of settings or the array that the value comes from
   * @param {() => Value} make
   * @returns {Value}
   */
  once(step, key, make) {
    const last = this.steps.get(step);
    if (last && last.key === key) return last.value;
    const value = make();
    this.steps.set(step, { key, value });
    return value;
  }
}
