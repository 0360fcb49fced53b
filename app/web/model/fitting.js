/** Takes from a value that anybody may have written the parts that fit; the rest is dropped. Pure. */

/** @typedef {(value: any) => boolean} Fits */

/** @type {Fits} */
export const isText = (value) => typeof value === "string";
/** @type {Fits} */
export const isTruth = (value) => typeof value === "boolean";
/** @type {Fits} */
export const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
/** @type {Fits} */
export const isRecord = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/**
 * Returns whether a value is a list whose items all fit.
 * @param {Fits} fits
 * @returns {Fits}
 */
export const listOf = (fits) => (value) => Array.isArray(value) && value.every(fits);

/**
 * Returns a record with those of the named entries that are there and fit; {} where it is no record.
 * @param {any} found
 * @param {Record<string, Fits>} shapes
 * @returns {Record<string, any>}
 */
export function fitting(found, shapes) {
  return fittingEntries(found, (name, value) => Object.hasOwn(shapes, name) && shapes[name](value));
}

/**
 * Returns a record with the entries that fit, whatever their names; {} where it is no record.
 * @param {any} found
 * @param {(name: string, value: any) => boolean} fits
 * @returns {Record<string, any>}
 */
export function fittingEntries(found, fits) {
  const entries = isRecord(found) ? Object.entries(found) : [];
  return Object.fromEntries(entries.filter(([name, value]) => fits(name, value)));
}
