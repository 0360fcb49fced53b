/** What this browser keeps of how a person looks at the Compare tab. */

const KEY = "tokenunlearn.compare";
const KEPT = ["columns", "show", "grouped", "sort", "down", "forgotten", "kept"];

/**
 * The view at first; of `ticked` and `pair` the ids of lines, `open` the line whose details are open, `forgotten` and
 * `kept` the figures on the axes of the plot, `bench` what the marks of the plot are of.
 */
const FIRST = {
  columns: null,
  show: "both",
  grouped: true,
  sort: "",
  down: false,
  search: "",
  state: "",
  tag: "",
  data: "",
  model: "",
  moment: "last step",
  ticked: [],
  pair: [],
  open: "",
  forgotten: "",
  kept: "",
  bench: "",
};

/** Returns the view, with what was kept; what is kept damaged counts as nothing. */
export function keptView(storage = globalThis.localStorage) {
  const found = {};
  try {
    const kept = JSON.parse(storage.getItem(KEY)) ?? {};
    for (const key of KEPT) if (fits(key, kept[key])) found[key] = kept[key];
  } catch {
    // Damaged, or storage is forbidden: the view at first.
  }
  return { ...FIRST, ...found };
}

function fits(key, value) {
  if (key === "columns") return Array.isArray(value) && value.every((each) => typeof each === "string");
  return typeof value === typeof FIRST[key];
}

/** Keeps what is worth keeping; silently not where storage is forbidden or full. */
export function keepView(view, storage = globalThis.localStorage) {
  try {
    storage.setItem(KEY, JSON.stringify(Object.fromEntries(KEPT.map((key) => [key, view[key]]))));
  } catch {
    // The columns are as at first after a reload: no reason to stop.
  }
}
