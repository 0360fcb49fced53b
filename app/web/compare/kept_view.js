/** What this browser keeps of how a person looks at the Compare tab. */

import { keep, readKept, storageOf } from "../draft/browser_storage.js";
import { fitting, isText, isTruth, listOf } from "../model/fitting.js";
import { SHOWS } from "./columns.js";

const KEY = "tokenunlearn.compare";
const KEPT = {
  columns: listOf(isText),
  show: (value) => SHOWS.some((each) => each.value === value),
  grouped: isTruth,
  sort: isText,
  down: isTruth,
  forgotten: isText,
  kept: isText,
};

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

/** Returns the view, with what was kept of it as far as it fits. */
export function keptView(storage = storageOf("localStorage")) {
  return { ...FIRST, ...readKept(storage, KEY, (found) => fitting(found, KEPT)) };
}

/** Keeps what is worth keeping. */
export function keepView(view, storage = storageOf("localStorage")) {
  // Without it the columns are as at first after a reload: no reason to stop.
  keep(storage, KEY, Object.fromEntries(Object.keys(KEPT).map((key) => [key, view[key]])));
}
