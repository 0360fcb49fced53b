/** Puts a token's numbers into one sentence a newcomer understands. Pure. */

import { countText } from "./scale.js";

const WITHOUT = {
  knowledge_swap: "With another name in its place",
  knowledge_subject: "With the name hidden",
  knowledge_prompt: "Without the question",
  knowledge_occlusion: "With its most telling question word hidden",
  contrast: "Without the adapter",
};
const NEEDS = {
  knowledge_swap: "the model needs this very name to say it",
  knowledge_subject: "the model needs the name to say it",
  knowledge_prompt: "the model needs the question to say it",
  knowledge_occlusion: "it hangs on that one word",
  contrast: "it was learnt with the adapter",
};

/**
 * Returns the one sentence "why this token".
 * @param {{text: string, subject: boolean, value: number, source: string, entropy?: number, count?: number}} token value in
 *   nats; of a word of `count` tokens, the sum over them
 */
export function whySentence({ count = 1, ...token }) {
  const sum = count > 1 && Number.isFinite(token.value) ? ` Its score is the sum over its ${count} tokens.` : "";
  return scoreSentence(token) + sum;
}

function scoreSentence({ text, subject, value, source, entropy }) {
  const shown = `“${text.trim() || "␣"}”`;
  if (subject && !Number.isFinite(value)) return "Part of the name itself: the name is what is changed, so it has no score.";
  if (!Number.isFinite(value)) return `${shown} has no ${source === "contrast" ? "contrast" : "knowledge"} score here: it could not be lined up with the changed text.`;
  const start = WITHOUT[source] ?? "With the knowledge masked";
  if (value >= 1 && value < 3) return `${start}, ${shown} becomes ${times(value)} less likely: it leans on that, but not on that alone.`;
  if (value >= 3) return `${start}, ${shown} becomes ${times(value)} less likely: ${NEEDS[source] ?? "the model needs it"}.`;
  if (value >= 0.1) return `${start}, ${shown} becomes a little less likely (${value.toFixed(2)} nats).`;
  if (value <= -0.1) return `${start}, ${shown} becomes likelier, not less (${value.toFixed(2)} nats).`;
  const open = Number.isFinite(entropy) && entropy >= 2 ? "an open choice of words" : "grammar";
  return `${start}, ${shown} is just as likely: ${open}, not knowledge.`;
}

/** Returns e^nats as words: "about 303 times", "more than 10,000 times". */
export function times(nats) {
  const factor = Math.exp(nats);
  if (factor > 10000) return "more than 10,000 times";
  return `about ${factor < 10 ? factor.toFixed(1) : countText(Math.round(factor))} times`;
}

/**
 * Returns what the rule and the person decided about the token, in words.
 * @param {{state: string, subject: boolean, stop: boolean, punctuation: boolean, scored: boolean}} token
 */
export function decisionWords({ state, subject, stop, punctuation, scored }) {
  if (state === "in") return "forced in by hand";
  if (state === "out") return "forced out by hand";
  if (state === "chosen") return "targeted by the rule";
  if (state === "excluded" && subject) return "left out: a name";
  if (state === "excluded" && stop) return "left out: a stop word";
  if (state === "excluded" && punctuation) return "left out: punctuation";
  if (!scored) return "not targeted: no score";
  return state === "excluded" ? "left out" : "below the cut";
}
