/** The columns of the Compare table: which there are, what stands in a cell, which a person chose. Pure. */

import { plural, share, signedShare } from "../text/numbers.js";

/** How a figure is shown. */
export const SHOWS = [
  { value: "after", label: "After", title: "Each figure after the run" },
  { value: "both", label: "Before and after", title: "Each figure after the run, and below it before" },
  { value: "change", label: "Change", title: "After the run minus before it" },
];

const WHEN = new Intl.DateTimeFormat([], { dateStyle: "short", timeStyle: "short" });

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} label
 * @property {string} name in full
 * @property {string} help
 * @property {boolean} shown at first
 * @property {boolean} [left] text instead of numbers
 * @property {boolean} [figure]
 * @property {(line: import("./lines.js").Line, show: string) => any} value what it is sorted by
 * @property {(line: import("./lines.js").Line, show: string) => {text: string, note?: string, title?: string}} cell
 */

const FLUENCY = "fluency";

/** @type {Column[]} */
const ABOUT = [
  {
    ...about("state", "Status", "How the run stands"),
    left: true,
    shown: true,
    value: (line) => line.state,
    cell: (line) => ({ text: line.state, title: line.text }),
  },
  {
    ...about("tags", "Tags", "What you tagged it with"),
    left: true,
    value: (line) => line.tags.join(", ") || null,
    cell: (line) => ({ text: line.tags.join(", ") }),
  },
  {
    ...about("data", "Data", "The rows: their file or set, and how many there are to forget"),
    left: true,
    cell: (line) => ({ text: line.about.data ?? "–" }),
  },
  {
    ...about("model", "Model", "The model that the run began with, and its adapter"),
    left: true,
    cell: (line) => ({ text: line.about.model ?? "–" }),
  },
  { ...number("seeds", "Seeds", "Over how many seeds the figures are"), value: (line) => line.seeds },
  { ...number("step", "Step", "After how many steps it was measured; of an arm the mean over its seeds") },
  { ...number("norm", "Norm", "How far the weights were changed: the Frobenius norm of the whole change") },
  { ...number("tokens", "Tokens", "How many forget tokens were trained, over all steps") },
  { ...number("seconds", "Seconds", "How long the training steps took") },
  {
    ...about("created", "Begun", "When it was put into the queue"),
    left: true,
    value: (line) => line.about.created,
    cell: (line) => ({ text: line.about.created ? WHEN.format(line.about.created * 1000) : "–" }),
  },
].map((column) => ({ cell: (line) => ({ text: short(column.value(line)) }), ...column }));

function about(key, label, help) {
  return { key, label, name: label, help, shown: false, value: (line) => line.about[key] };
}

function number(key, label, help) {
  return about(key, label, help);
}

/**
 * Returns all columns: what is known of a run, then each figure that the server names; beside the fluency, which a
 * text that repeats itself may raise, what became of the answers. Data and model are shown where they differ.
 * @param {Record<string, any>[]} figures
 * @param {string} success what is read of an answer that is a success
 * @param {import("./lines.js").Line[]} lines
 * @returns {Column[]}
 */
export function columnsOf(figures, success = "", lines = []) {
  const differs = (key) => new Set(lines.map((line) => line.about[key])).size > 1;
  const first = ABOUT.map((each) =>
    ["data", "model"].includes(each.key) ? { ...each, shown: differs(each.key) } : each,
  );
  const columns = figures
    .map(figureColumn)
    .map((each) => (each.key === FLUENCY ? besideGarbled(each) : each));
  const at = columns.findIndex(({ key }) => key === FLUENCY) + 1 || columns.length;
  return [...first, ...columns.slice(0, at), answersColumn(success), ...columns.slice(at)];
}

/**
 * Returns the column of the fluency with how many answers are garbled: a loop is likely, and so has a high one.
 * Where most are, it is sorted last.
 * @param {Column} column
 * @returns {Column}
 */
function besideGarbled(column) {
  const most = ({ badges }) => badges && 2 * (badges.garbled ?? 0) > total(badges);
  return {
    ...column,
    value: (line, show) => (most(line) ? null : column.value(line, show)),
    cell: (line, show) => {
      const cell = column.cell(line, show);
      const garbled = line.badges?.garbled;
      if (!garbled) return cell;
      return {
        ...cell,
        note: [`${garbled} of ${total(line.badges)} garbled`, cell.note].filter(Boolean).join(" · "),
      };
    },
  };
}

/** @returns {Column} */
function answersColumn(success) {
  return {
    ...about(
      "badges",
      "Answers",
      "What became of the answers to the forget questions; of an arm, of all seeds",
    ),
    left: true,
    shown: true,
    value: ({ badges: counts }) => (counts ? (counts[success] ?? 0) / total(counts) : null),
    cell: ({ badges: counts, answered, seeds }) => {
      if (!counts) return { text: "–" };
      const others = Object.entries(counts).filter(([words]) => words !== success);
      return {
        text: `${counts[success] ?? 0} of ${total(counts)} ${success}`,
        note: [...others.map(([words, count]) => `${count} ${words}`), ofSeeds(answered, seeds)]
          .filter(Boolean)
          .join(" · "),
      };
    },
  };
}

const total = (counts) => Object.values(counts).reduce((sum, each) => sum + each, 0);

/** @param {Record<string, any>} figure */
function figureColumn({ key, label, name, help, unit, shown }) {
  return {
    key,
    label,
    name: `${name}${unit === "probability" ? "" : `, ${unit}`}`,
    help,
    shown,
    figure: true,
    value: (line, show) => (show === "change" ? change(line.figures[key]) : line.figures[key]?.now),
    cell: (line, show) => figureCell(line.figures[key], show, line.seeds),
  };
}

/** Returns after minus before, null where one of them is not measured. */
export function change(figure) {
  const known = Number.isFinite(figure?.now) && Number.isFinite(figure?.before);
  return known ? figure.now - figure.before : null;
}

/** Returns over how many of the seeds something is, "" where over all. */
function ofSeeds(known, seeds) {
  return known === seeds ? "" : `${known} of ${plural(seeds, "seed")}`;
}

function figureCell(figure, show, seeds) {
  const [now, before] = [figure?.now, figure?.before];
  const title = [
    Number.isFinite(now) && `after ${now.toFixed(4)}`,
    Number.isFinite(before) && `before ${before.toFixed(4)}`,
    Number.isFinite(figure?.low) && `95 % over seeds ${figure.low.toFixed(3)} to ${figure.high.toFixed(3)}`,
  ]
    .filter(Boolean)
    .join(", ")
    .replaceAll("-", "−");
  const counted = figure?.values && Number.isFinite(now);
  const over = counted ? ofSeeds(figure.values.filter(Number.isFinite).length, seeds) : "";
  if (show === "change") return { text: signedShare(change(figure)), note: over, title };
  const ends = Number.isFinite(figure?.low) ? `[${share(figure.low)}, ${share(figure.high)}]` : "";
  const was = show === "both" && Number.isFinite(before) ? `was ${share(before)}` : "";
  return { text: share(now), note: [ends, was, over].filter(Boolean).join(" · "), title };
}

/** Returns a number in three digits or so, "–" where there is none. */
export function short(value) {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "–";
}

/**
 * Returns the columns that are shown: those that a person chose, else those shown at first.
 * @param {Column[]} columns
 * @param {string[]|null} chosen keys
 */
export function shownColumns(columns, chosen) {
  return columns.filter(({ key, shown }) => (chosen ? chosen.includes(key) : shown));
}

/** Returns the keys of the figures that at least one line has. */
export function measuredKeys(lines) {
  const keys = lines.flatMap((line) =>
    Object.entries(line.figures).filter(([, { now, before }]) => now !== null || before !== null),
  );
  return new Set(keys.map(([key]) => key));
}
