/** What was really masked in a row: one without a name cannot have it swapped or hidden. Pure. */

const OF_THE_NAME = ["knowledge_swap", "knowledge_subject"];

/** Returns the knowledge source as it is in a row; without a name, masks of the name hide the whole question (passes.py). */
export function sourceIn(row, source) {
  return row?.masking === "prompt" && OF_THE_NAME.includes(source) ? "knowledge_prompt" : source;
}
