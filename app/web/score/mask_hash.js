// The fingerprint of a mask. Twin: tokenunlearn/masks.py (mask_hash).
//
// crypto.subtle exists only in secure contexts: a page opened as http://<other machine>:7860 has none,
// and the mask bar must not lose its check mark there, hence the plain SHA-256 below.

const MOST_WEIGHT = 1e6;

/**
 * sha256 hex of "index:micro" lines over the tokens with micro = floor(weight · 1e6 + 0.5) above 0. Raises
 * RangeError for a weight that is not a number from 0 to MOST_WEIGHT.
 * @param {ArrayLike<number>} weights
 * @returns {Promise<string>}
 */
export async function mask_hash(weights) {
  const lines = [];
  for (let index = 0; index < weights.length; index++) {
    const weight = weights[index];
    if (!(weight >= 0 && weight <= MOST_WEIGHT)) throw new RangeError(`weight is ${weight}`);
    const millionths = micro(weight);
    if (millionths > 0) lines.push(`${index}:${millionths}`);
  }
  const bytes = new TextEncoder().encode(lines.join("\n"));
  const subtle = globalThis.crypto?.subtle;
  return hex(subtle ? new Uint8Array(await subtle.digest("SHA-256", bytes)) : sha256(bytes));
}

/**
 * Returns a weight as the hash counts it, in whole millionths.
 * @param {number} weight
 */
export function micro(weight) {
  return Math.floor(weight * 1e6 + 0.5);
}

/**
 * @param {Uint8Array} bytes
 * @returns {string}
 */
function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const PRIMES = firstPrimes(64);
const ROUND = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

/**
 * SHA-256 (FIPS 180-4) of the bytes, in plain JavaScript.
 * @param {Uint8Array} bytes
 * @returns {Uint8Array} 32 bytes
 */
export function sha256(bytes) {
  const padded = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(padded.length - 4, bytes.length << 3);
  const state = START.slice();
  for (let offset = 0; offset < padded.length; offset += 64) compress(state, view, offset);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => digest.setUint32(index * 4, word));
  return new Uint8Array(digest.buffer);
}

/**
 * One block of 64 bytes into the state.
 * @param {Uint32Array} state
 * @param {DataView} view
 * @param {number} offset
 */
function compress(state, view, offset) {
  const words = new Uint32Array(64);
  for (let index = 0; index < 16; index++) words[index] = view.getUint32(offset + index * 4);
  for (let index = 16; index < 64; index++) {
    const [near, far] = [words[index - 2], words[index - 15]];
    const low = turn(far, 7) ^ turn(far, 18) ^ (far >>> 3);
    const high = turn(near, 17) ^ turn(near, 19) ^ (near >>> 10);
    words[index] = words[index - 16] + low + words[index - 7] + high;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let index = 0; index < 64; index++) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + ROUND[index] + words[index]) | 0;
    const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + majority) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => (state[index] += word));
}

/**
 * @param {number} word
 * @param {number} bits
 * @returns {number} the word rotated right
 */
function turn(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}

/**
 * The first 32 bits of the fractional part.
 * @param {number} value
 * @returns {number}
 */
function fraction(value) {
  return Math.floor((value - Math.floor(value)) * 0x100000000);
}

/**
 * @param {number} count
 * @returns {number[]}
 */
function firstPrimes(count) {
  const primes = [];
  for (let number = 2; primes.length < count; number++) {
    if (primes.every((prime) => number % prime)) primes.push(number);
  }
  return primes;
}
