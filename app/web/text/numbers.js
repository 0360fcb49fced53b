/** How numbers are written: counts, decimals, shares, intervals, agreement, times of day. Pure. */

/** Returns "1st", "2nd", "93rd" … for a whole number. */
export function ordinal(number) {
  const tens = number % 100;
  const ending = tens >= 11 && tens <= 13 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[number % 10] ?? "th");
  return `${countText(number)}${ending}`;
}

const MINUS = "\u2212";
const NO_VALUE = "\u2013";
const COUNT = new Intl.NumberFormat("en"); // made once: a number's own toLocaleString makes one each time
const FIGURE_SPACE = "\u2007"; // as wide as a digit

/**
 * The number with a fixed count of decimals, a real minus, no "−0.00", and a dash for no value. With `width`,
 * filled from the left with spaces as wide as a digit (for `font-variant-numeric: tabular-nums`).
 * @param {number|null} value
 * @param {number} decimals
 * @param {number} width
 */
export function formatNumber(value, decimals = 2, width = 0) {
  if (value === null || value === undefined || Number.isNaN(value))
    return NO_VALUE.padStart(width, FIGURE_SPACE);
  if (!Number.isFinite(value)) return `${value < 0 ? MINUS : ""}∞`.padStart(width, FIGURE_SPACE);
  const digits = Math.abs(value).toFixed(decimals);
  const negative = value < 0 && Number(digits) !== 0;
  return ((negative ? MINUS : "") + digits).padStart(width, FIGURE_SPACE);
}

/**
 * Returns a count as people read it: "10,000".
 * @param {number} count
 */
export function countText(count) {
  return COUNT.format(count);
}

/**
 * Returns a count with its word: "1 row", "12 rows".
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function plural(count, one, many = `${one}s`) {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** @type {Intl.DateTimeFormatOptions} */
const CLOCK = { hour: "2-digit", minute: "2-digit" };

/**
 * Returns a time of day for people.
 * @param {number} milliseconds
 */
export function clockTime(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString([], CLOCK);
}

/** Returns "Agreement 95.2 % of 84 tokens · Cohen's κ 0.87"; `what` was compared. */
export function agreementWords({ agreement, kappa, tokens }, what = "token") {
  const share = `${(100 * agreement).toFixed(1)} %`;
  const beyond =
    kappa === null
      ? "not measured: both choose all or none"
      : `${kappa.toFixed(2)} (1 is full agreement, 0 is chance)`;
  return `Agreement ${share} of ${plural(tokens, what)} · Cohen’s κ ${beyond}`;
}

/** Returns an interval: ".88–.97". */
export function interval(low, high) {
  return low === null || high === null || low === undefined ? "" : `${share(low)}–${share(high)}`;
}

/** Returns a figure for people: ".95", "1.00", "−2.61", "–" where nothing was measured; a rounded nothing has no sign. */
export function share(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return value
    .toFixed(2)
    .replace(/^-(?=0\.00$)/, "")
    .replace(/^-/, "−")
    .replace(/^(−?)0(?=\.)/, "$1");
}

/** Returns "+.12", "−.95", "±.00", or "–" where nothing was measured. */
export function signedShare(value, decimals = 2) {
  if (value === null || !Number.isFinite(value)) return "–";
  const text = Math.abs(value).toFixed(decimals);
  const sign = Number(text) === 0 ? "±" : value < 0 ? MINUS : "+";
  return sign + text.replace(/^0(?=\.)/, "");
}

/**
 * Returns the difference of two mean fluencies as text: a loop is likely, so that where answers of the higher one
 * are garbled it is no gain. Pure.
 * @param {number|null|undefined} first
 * @param {number|null|undefined} second
 * @param {[boolean, boolean]} garbled whether answers of each are
 */
export function fluencyDifference(first, second, garbled) {
  const { difference } = agreeing(first, second);
  if (difference === "–" || first === second) return difference;
  return garbled[second > first ? 1 : 0] ? "no gain: garbled" : difference;
}

/**
 * Returns `{first, second, difference}` of two figures as text. The difference is that of the figures as they
 * are; all three have the fewest decimals, from two to five, with which what is shown adds up.
 */
export function agreeing(first, second) {
  if (!Number.isFinite(first) || !Number.isFinite(second))
    return { first: share(first), second: share(second), difference: "–" };
  const decimals =
    [2, 3, 4].find((count) => {
      const [a, b, difference] = [first, second, second - first].map((each) => Number(each.toFixed(count)));
      return (b - a).toFixed(count) === difference.toFixed(count);
    }) ?? 5;
  const written = (value) =>
    value
      .toFixed(decimals)
      .replace("-", MINUS)
      .replace(/^(−?)0(?=\.)/, "$1");
  return {
    first: written(first),
    second: written(second),
    difference: signedShare(second - first, decimals),
  };
}
