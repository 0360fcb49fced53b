/** What the server declares of the rule's settings, and how an amount is written; no mode is named here. Pure. */

/**
 * Returns the entry of the choice that a rule has under `name`: `{value, label, help, …}`.
 * @param {{rule_settings: Record<string, RuleSetting>}} payload
 * @param {string} name
 * @param {Rule} rule
 * @returns {RuleChoice}
 */
export function choiceOf({ rule_settings }, name, rule) {
  return rule_settings[name].choices.find(({ value }) => value === rule[name]);
}

/**
 * Returns an amount as a person reads it, by its unit: a share "25 %", a count "3 tokens", a number with the
 * digits of its step, or up to three where it has more.
 * @param {RuleSetting} setting
 * @param {number} value
 */
export function amountWords({ unit, step }, value) {
  if (unit === "fraction") return `${Number((100 * value).toPrecision(12))} %`;
  if (unit) return `${value} ${value === 1 ? unit.replace(/s$/, "") : unit}`;
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const few = value.toFixed(digits);
  const exact = value.toFixed(3).replace(/0+$/, "");
  return exact.length > few.length ? exact : few;
}
