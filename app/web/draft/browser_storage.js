/** What the browser keeps for this page: the one way to it, also where it forbids storage or keeps nonsense. */

/** What stands in for a storage that the browser forbids: it lasts as long as the page. */
class Memory extends Map {
  getItem(key) {
    return this.get(key) ?? null;
  }
  setItem(key, value) {
    this.set(key, value);
  }
}

/**
 * @typedef {"localStorage"|"sessionStorage"} StorageName
 * @typedef {{getItem: (key: string) => string|null, setItem: (key: string, value: string) => void}} KeyStorage
 * @type {Record<StorageName, KeyStorage>}
 */
const MEMORY = { localStorage: new Memory(), sessionStorage: new Memory() };

/**
 * Returns a storage of the browser; where it forbids storage, one that this page alone remembers.
 * @param {StorageName} name
 * @returns {KeyStorage}
 */
export function storageOf(name) {
  return given(name) ?? MEMORY[name];
}

/** Returns what a person should know where the browser forbids storage, "" where it does not. */
export function forbiddenWords() {
  if (given("sessionStorage") && given("localStorage")) return "";
  return "This browser forbids storage. A reload loses what the server has not saved, your place in the tour and the columns chosen on the Compare tab.";
}

/**
 * Returns what is kept under a key, as much of it as `fit` lets through: an older or newer version of this page
 * may have written it, or a hand.
 * @template Found
 * @param {KeyStorage} storage
 * @param {string} key
 * @param {(found: any) => Found} fit
 */
export function readKept(storage, key, fit) {
  let found = null;
  try {
    found = JSON.parse(storage.getItem(key));
  } catch {
    // No JSON, or the storage is gone: nothing is kept.
  }
  return fit(found);
}

/** Keeps a value under a key; silently not where the storage is full: each caller says why that may be. */
export function keep(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // Full.
  }
}

/** Returns a storage of the browser, null where it gives none: it throws where a person blocks all site data. */
function given(name) {
  try {
    return globalThis[name] ?? null;
  } catch {
    return null;
  }
}
