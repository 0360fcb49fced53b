/**
 * Says which act a key means while the strip has the focus (USERS 5.4), and while facts are marked there.
 * Pure, so node can test it.
 */

/** The keys as the help card lists them. */
export const KEYS = [
  ["← →", "previous, next token"],
  ["Home End", "first, last token"],
  ["Shift + ← →", "widen the range"],
  ["Enter", "lock or unlock the token"],
  ["Esc", "drop the range, then unlock"],
  ["Space", "override: rule → in → out → rule"],
  ["Shift + Space", "the same, backwards"],
  ["c", "note on the token; Enter keeps it, Esc does not"],
  ["[ ]", "previous, next row"],
  ["n", "next chosen token"],
  ["u", "next token where rule and fact differ"],
  ["1 2 3", "knowledge, entropy, fused"],
  ["g  w  v", "the marked fact, whole words, numbers"],
  ["m", "mark facts: say what is true"],
  ["Ctrl + Z  Ctrl + Y", "undo, redo"],
  ["?", "this card"],
];

/** The keys that mean something else while facts are marked. */
export const MARK_KEYS = [
  ["f", "this is the fact; once more: no mark"],
  ["x", "this is not the fact; once more: no mark"],
  ["Space", "fact → not the fact → no mark"],
  ["Delete", "take the mark away"],
  ["Enter", "row reviewed; go to the next one that is not"],
  ["Ctrl + Z  Ctrl + Y", "undo, redo a mark"],
  ["Esc", "drop the range, then end marking"],
];

const PLAIN = {
  ArrowLeft: { act: "move", step: -1 },
  ArrowRight: { act: "move", step: 1 },
  ArrowUp: { act: "line", step: -1 },
  ArrowDown: { act: "line", step: 1 },
  Home: { act: "edge", step: -1 },
  End: { act: "edge", step: 1 },
  Enter: { act: "lock" },
  Escape: { act: "release" },
  " ": { act: "override", step: 1 },
  "[": { act: "row", step: -1 },
  "]": { act: "row", step: 1 },
  c: { act: "note" },
  n: { act: "next-chosen" },
  u: { act: "next-differing" },
  1: { act: "signal", signal: "knowledge" },
  2: { act: "signal", signal: "entropy" },
  3: { act: "signal", signal: "fused" },
  g: { act: "toggle", name: "gold" },
  w: { act: "toggle", name: "words" },
  v: { act: "toggle", name: "numbers" },
  m: { act: "marking" },
  "?": { act: "help" },
};

const MARKING = {
  ...PLAIN,
  f: { act: "mark", mark: "fact" },
  x: { act: "mark", mark: "other" },
  " ": { act: "mark-cycle" },
  Delete: { act: "mark", mark: null },
  Backspace: { act: "mark", mark: null },
  Enter: { act: "looked" },
  Escape: { act: "end-marking" },
};

/**
 * Returns the act for a keydown, or null where the key is not ours (the browser keeps it).
 * @param {{key: string, shiftKey?: boolean, ctrlKey?: boolean, metaKey?: boolean, altKey?: boolean}} event
 * @param {boolean} [marking] whether facts are marked
 */
export function actFor(event, marking = false) {
  if (event.altKey) return null;
  if (event.ctrlKey || event.metaKey) return withControl(event);
  if (event.shiftKey && event.key === " " && !marking) return { act: "override", step: -1 };
  const plain = (marking ? MARKING : PLAIN)[event.key] ?? null;
  if (plain && event.shiftKey && ["move", "line", "edge"].includes(plain.act))
    return { ...plain, extend: true };
  return plain;
}

function withControl(event) {
  const key = event.key.toLowerCase();
  if (key === "z") return { act: event.shiftKey ? "redo" : "undo" };
  if (key === "y") return { act: "redo" };
  return null;
}
