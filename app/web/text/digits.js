/** Keeps the digits of a number in order where text runs from right to left. Pure. */

// A chip's own marks stand between it and the next one. To the browser they end a number, and it would lay
// "1950", in four chips, as "0591": digits are therefore made a part of left-to-right text (token_strip.css).
// The digits of N'Ko and Adlam run from the right as their letters do, and are no numbers here.
const DIGIT = "(?![\\u07c0-\\u07c9\\u{1e950}-\\u{1e959}])\\p{Nd}";
const NUMBER = new RegExp(`^(?=.*${DIGIT})(?:${DIGIT}|[.,:/])+$`, "u");
const SEPARATOR = /^[.,:/+-]$/;
// The blocks in which Unicode lets every letter run from the right; and the letters that run with their
// neighbours.
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const NEUTRAL = /[\u02b9\u02ba\u02c6-\u02cf\u02ec\u0374\u2e2f\ua67f\ua717-\ua71f\ua788]/;
const LETTER = /[\p{L}\u07c0-\u07c9\u{1e950}-\u{1e959}]/gu;

/**
 * Returns for each unit "" or, for digits, "on" where they go on with the number or the Latin text before
 * them and "first" where another one begins: two numbers side by side are read from the right, as the text
 * is.
 * @param {import("./units.js").Unit[]} units
 * @returns {(""|"on"|"first")[]}
 */
export function digitsOf(units) {
  let afterLatin = false;
  return units.map((unit, at) => {
    if (NUMBER.test(unit.text)) return afterLatin || goesOn(units, at) ? "on" : "first";
    for (const [letter] of unit.text.matchAll(LETTER))
      if (!NEUTRAL.test(letter)) afterLatin = !RIGHT_TO_LEFT.test(letter);
    return "";
  });
}

function goesOn(units, at) {
  const joined = (each) => each > 0 && units[each].before === "" && units[each - 1].after === "";
  // The piece before; stand-ins for further bytes of a character are none.
  const back = (each) => {
    while (joined(each) && units[each - 1].text === "·") each -= 1;
    return joined(each) ? each - 1 : -1;
  };
  const before = back(at);
  if (before < 0 || NUMBER.test(units[before].text)) return before >= 0;
  return SEPARATOR.test(units[before].text) && NUMBER.test(units[back(before)]?.text ?? "");
}
