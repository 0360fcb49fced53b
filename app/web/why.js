/** Puts a token's numbers into one sentence a newcomer understands. Pure. */

import { countText } from "./scale.js";

/** The states of an override in words. */
export const FORCED = { in: "forced in", out: "forced out" };

const WITHOUT = {
  knowledge_swap: "With another name in its place",
  knowledge_subject: "With the name hidden",
  knowledge_prompt: "Without the question",
  knowledge_occlusion: "With its most telling question word hidden",
  contrast: "Without the adapter",
};
const DEPENDS = {
  knowledge_swap: ["it depends on this very name", "it depends partly on the name"],
  knowledge_subject: ["it depends on the name", "it depends partly on the name"],
  knowledge_prompt: ["it depends on the question", "it depends partly on the question"],
  knowledge_occlusion: ["it depends on that one word", "it depends partly on that one word"],
  contrast: ["it was learnt with the adapter", "a part of it was learnt with the adapter"],
};
// Below it the model does not expect the token, so nothing that it knows can be lost by masking (metrics/known.py).
const EXPECTED = Math.log(0.1);

/**
 * Returns the one sentence "why this token". A knowledge score is how far the log-probability moves, whichever way; that
 * it falls is said where it cannot have risen, for no probability is above 1, and of the contrast, which has a sign.
 * @param {{text: string, subject: boolean, value: number, source: string, logProb?: number, plain?: boolean, entropy?: number, count?: number}}
 *   token value and log-probability in nats; of a word of `count` tokens, the sum over them
 */
export function whySentence({ count = 1, ...token }) {
  const sum = count > 1 && Number.isFinite(token.value) ? ` Its score is the sum over its ${count} tokens.` : "";
  return scoreSentence(token) + sum;
}

function scoreSentence({ text, subject, value, source, plain, entropy, logProb = NaN }) {
  const shown = `“${text.trim() || "␣"}”`;
  if (subject && !Number.isFinite(value)) return "Part of the name itself: the name is what is changed, so it has no score.";
  if (!Number.isFinite(value) && plain) return `${shown} has no knowledge score: a plain text has no question to hide.`;
  if (!Number.isFinite(value)) return `${shown} has no ${source === "contrast" ? "contrast" : "knowledge"} score here: it could not be lined up with the changed text.`;
  const start = WITHOUT[source] ?? "With the knowledge masked";
  if (source !== "contrast" && value >= 1 && logProb < EXPECTED) {
    return `${start}, the probability of ${shown} changes by a factor of ${factor(value)}, but the model does not expect ${shown} here in the first place (p ${small(logProb)}).`;
  }
  const falls = source === "contrast" || logProb + value > 0;
  const change = falls ? `${shown} becomes ${times(value)} less likely` : `the probability of ${shown} changes by a factor of ${factor(value)}`;
  const [fully, partly] = DEPENDS[source] ?? ["it depends on the knowledge", "it depends partly on the knowledge"];
  if (value >= 1) return `${start}, ${change}${source === "knowledge_swap" ? " on average" : ""}: ${value >= 3 ? fully : partly}.`;
  if (source === "contrast" && value <= -0.1) return `${start}, ${shown} becomes likelier, not less (${value.toFixed(2)} nats).`;
  if (value >= 0.1) return `${start}, the probability of ${shown} changes a little (${value.toFixed(2)} nats).`;
  const open = Number.isFinite(entropy) && entropy >= 2 ? "an open choice of words" : "grammar";
  return `${start}, ${shown} is just as likely: ${open}, not knowledge.`;
}

/** Returns a probability below .1 in words: ".04", "below .001". */
function small(logProb) {
  const probability = Math.exp(logProb);
  return probability < 0.001 ? "below .001" : probability.toFixed(probability < 0.01 ? 3 : 2).replace(/^0/, "");
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
  if (state === "chosen") return "targeted by the rule";
  if (state === "excluded" && subject) return "left out: a name";
  if (state === "excluded" && stop) return "left out: a stop word";
  if (state === "excluded" && punctuation) return "left out: punctuation";
  if (!scored) return "not targeted: no score";
  return state === "excluded" ? "left out" : "below the cut";
}
