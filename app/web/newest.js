/** Answers to questions that were asked side by side arrive in any order; the newest is the one to show. Pure. */

/**
 * Returns a function that takes a value and returns it, or the one it has where that was made later.
 * @returns {(value: {at?: number}|null|undefined) => object} `at`: the server's time, in seconds, of the value
 */
export function newest() {
  let kept = {};
  return (value) => {
    if ((value?.at ?? 0) >= (kept.at ?? 0)) kept = value ?? {};
    return kept;
  };
}
