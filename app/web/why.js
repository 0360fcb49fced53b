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
  knowledge_swap: "it depends on this very name",
  knowledge_subject: "it depends on the name",
  knowledge_prompt: "it depends on the question",
  knowledge_occlusion: "it depends on that one word",
  contrast: "it was learnt with the adapter",
};

/**
 * Returns the one sentence "why this token". A knowledge score is how far the log-probability moves, whichever way;
 * only the contrast has a sign, so only of it is said "less likely".
 * @param {{text: string, subject: boolean, value: number, source: string, plain?: boolean, entropy?: number, count?: number}} token value in
 *   nats; of a word of `count` tokens, the sum over them
 */
export function whySentence({ count = 1, ...token }) {
  const sum = count > 1 && Number.isFinite(token.value) ? ` Its score is the sum over its ${count} tokens.` : "";
  return scoreSentence(token) + sum;
}

function scoreSentence({ text, subject, value, source, plain, entropy }) {
  const shown = `“${text.trim() || "␣"}”`;
  if (subject && !Number.isFinite(value)) return "Part of the name itself: the name is what is changed, so it has no score.";
  if (!Number.isFinite(value) && plain) return `${shown} has no knowledge score: a plain text has no question to hide.`;
  if (!Number.isFinite(value)) return `${shown} has no ${source === "contrast" ? "contrast" : "knowledge"} score here: it could not be lined up with the changed text.`;
  const start = WITHOUT[source] ?? "With the knowledge masked";
  const change = source === "contrast" ? `${shown} becomes ${times(value)} less likely` : `the probability of ${shown} changes by a factor of ${factor(value)}`;
  if (value >= 3) return `${start}, ${change}: ${DEPENDS[source] ?? "it depends on the knowledge"}.`;
  if (value >= 1) return `${start}, ${change}: it leans on that, but not on that alone.`;
  if (source === "contrast" && value <= -0.1) return `${start}, ${shown} becomes likelier, not less (${value.toFixed(2)} nats).`;
  if (value >= 0.1) return `${start}, the probability of ${shown} changes a little (${value.toFixed(2)} nats).`;
  const open = Number.isFinite(entropy) && entropy >= 2 ? "an open choice of words" : "grammar";
  return `${start}, ${shown} is just as likely: ${open}, not knowledge.`;
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
