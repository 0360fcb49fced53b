/** Puts a token's numbers into one sentence a newcomer understands. Pure. */

import { countText } from "./numbers.js";

/** The states of an override in words. */
export const FORCED = { in: "forced in", out: "forced out" };

const NO_SCORE = "{token} has no score.";
// Below it the model does not expect the token, so nothing that it knows can be lost by masking
// (metrics/known.py).
const EXPECTED = Math.log(0.1);

/**
 * Returns the one sentence "why this token", as the entry of the signal that stands for knowledge puts it.
 * @param {{text: string, subject: boolean, value: number, entry: SignalEntry, logProb?: number, plain?: boolean,
 *   entropy?: number, count?: number}} token value and log-probability in nats; of a word of `count` tokens,
 *   those of the word
 */
export function whySentence({ count = 1, ...token }) {
  const how = { sum: "sum", mean: "mean" }[token.entry.over_word];
  const over =
    count > 1 && how && Number.isFinite(token.value)
      ? ` Its score is the ${how} over its ${count} tokens.`
      : "";
  return scoreSentence({ ...token, shown: `“${token.text.trim() || "␣"}”` }) + over;
}

function scoreSentence(token) {
  const { says = {}, without = {}, unit = "" } = token.entry;
  if (!Number.isFinite(token.value))
    return put(
      (token.subject && without.name) || (token.plain && without.plain) || without.other || NO_SCORE,
      token,
    );
  if (says.without) return moveSentence(token, says);
  const [, reached] = says.steps?.find(([from]) => token.value >= from) ?? [];
  return put(reached ?? says.below ?? "{token} has the score {value}.", token, unit);
}

/** Puts token and value into a sentence of an entry; neither may hold a place of its own. */
function put(sentence, { shown, value }, unit = "") {
  const places = {
    "{token}": shown,
    "{value}": `${value?.toFixed(2)}${unit ? ` ${unit}` : ""}`.replace("-", "−"),
  };
  return sentence.replace(/\{token\}|\{value\}/g, (place) => places[place]);
}

/**
 * Returns the sentence on a score that is how far the log-probability moves, whichever way: that it falls is
 * said where it cannot have risen, for no probability is above 1, and of a score with a sign.
 */
function moveSentence({ shown, value, entry, entropy, logProb = NaN }, { without, fully, partly, signed }) {
  if (!signed && value >= 1 && logProb < EXPECTED) {
    return `${without}, the probability of ${shown} changes by a factor of ${factor(value)}, but the model does not expect ${shown} here in the first place (p ${small(logProb)}).`;
  }
  const falls = signed || logProb + value > 0;
  const change = falls
    ? `${shown} becomes ${times(value)} less likely`
    : `the probability of ${shown} changes by a factor of ${factor(value)}`;
  if (value >= 1)
    return `${without}, ${change}${entry.spread ? " on average" : ""}: ${value >= 3 ? fully : partly}.`;
  if (signed && value <= -0.1)
    return `${without}, ${shown} becomes likelier, not less (${value.toFixed(2)} nats).`;
  if (value >= 0.1)
    return `${without}, the probability of ${shown} changes a little (${value.toFixed(2)} nats).`;
  const open = Number.isFinite(entropy) && entropy >= 2 ? "an open choice of words" : "grammar";
  return `${without}, ${shown} is just as likely: ${open}, not knowledge.`;
}

/** Returns a probability below .1 in words: ".04", "below .001". */
function small(logProb) {
  const probability = Math.exp(logProb);
  return probability < 0.001
    ? "below .001"
    : probability.toFixed(probability < 0.01 ? 3 : 2).replace(/^0/, "");
}

/** Returns e^nats as words: "about 303", "more than 10,000". */
function factor(nats) {
  const value = Math.exp(nats);
  if (value > 10000) return "more than 10,000";
  return `about ${value < 10 ? value.toFixed(1) : countText(Math.round(value))}`;
}

/** Returns e^nats as words: "about 303 times". */
export function times(nats) {
  return `${factor(nats)} times`;
}

/**
 * Returns what the rule and the person decided about the token, in words.
 * @param {{state: string, subject: boolean, stop: boolean, punctuation: boolean, scored: boolean}} token
 */
export function decisionWords({ state, subject, stop, punctuation, scored }) {
  if (state in FORCED) return `${FORCED[state]} by hand`;
  if (state === "chosen") return "chosen by the rule";
  if (state === "excluded" && subject) return "left out: a name";
  if (state === "excluded" && stop) return "left out: a stop word";
  if (state === "excluded" && punctuation) return "left out: punctuation";
  if (!scored) return "not chosen: no score";
  return state === "excluded" ? "left out" : "below the cut";
}
