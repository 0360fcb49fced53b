/**
 * The lines of the Compare tab: runs, and the arms of sweeps, as one list that is filtered, sorted and grouped.
 * Pure.
 */

/** When runs are measured; arms are so at other moments too. */
export const LAST = "last step";
const MOST_NAMED = 3; // in a sentence; the table says it of each

/**
 * @typedef {object} Figure
 * @property {number|null} now after the run; of an arm the mean over its seeds
 * @property {number|null} before
 * @property {number|null} [low] of the 95 % interval over seeds
 * @property {number|null} [high]
 * @property {(number|null)[]} [values] by seed
 */

/**
 * @typedef {object} Line
 * @property {string} id
 * @property {"run"|"arm"} kind
 * @property {string} runId the run, or the sweep that it is an arm of
 * @property {string} title
 * @property {boolean} [chosen] whether it is an arm of the chosen tokens
 * @property {string} group what it is grouped under, "" for none
 * @property {number} hue
 * @property {string} state
 * @property {string} text how its run stands, in a sentence
 * @property {string[]} tags
 * @property {number} seeds
 * @property {Record<string, number>|null} badges what is read of an answer → of how many
 * @property {Record<string, Figure>} figures
 * @property {string} bench what its figures are of: those of another one cannot be held against them
 * @property {string} unmeasured why it has no figures at the moment that is shown, "" where it has
 * @property {number} answered of how many seeds the badges are
 * @property {Record<string, any>} about data, model, way, step, norm, tokens, seconds, created
 * @property {Record<string, string[]>} settings label and words by key
 * @property {string} words what a search looks through
 * @property {Record<string, any>} run as the server sent it
 */

/**
 * Returns every line of a value (app/actions/compare.py): the runs, then the arms of each sweep as they were
 * at a moment. A run was measured after its last step alone: at another moment it has no figures.
 * @param {Record<string, any>} value
 * @param {string} moment
 * @returns {Line[]}
 */
export function linesOf(value, moment) {
  const { runs = [], sweeps = [] } = value ?? {};
  return [
    ...runs.map((run) => (moment === LAST ? runLine(run) : atAnotherMoment(runLine(run), moment))),
    ...sweeps.flatMap((sweep) =>
      sweep.lines.filter((arm) => arm.moment === moment).map((arm) => armLine(arm, sweep)),
    ),
  ];
}

/** Returns the moments that the arms of a value were measured at, the last step first. */
export function momentsOf(value) {
  const moments = (value?.sweeps ?? []).flatMap((sweep) => sweep.lines.map((arm) => arm.moment));
  return moments.length ? present([LAST, ...moments]) : [];
}

function atAnotherMoment(line, moment) {
  return {
    ...line,
    badges: null,
    figures: Object.fromEntries(
      Object.entries(line.figures).map(([key, { before }]) => [key, { now: null, before }]),
    ),
    unmeasured: `not measured at ${moment}`,
    about: { ...line.about, step: null },
  };
}

function runLine(run) {
  const tags = run.note?.tags ?? [];
  return {
    id: run.run_id,
    kind: /** @type {"run"} */ ("run"),
    runId: run.run_id,
    title: titleOf(run),
    group: "",
    hue: run.hue,
    state: run.state,
    text: run.text,
    faults: run.faults ?? [],
    tags,
    seeds: 1,
    badges: run.badges ?? null,
    answered: 1,
    unmeasured: "",
    figures: Object.fromEntries(
      keysOf(run.after, run.before).map((key) => [
        key,
        { now: run.after?.[key] ?? null, before: run.before?.[key] ?? null },
      ]),
    ),
    ...benchOf(run),
    about: { ...aboutBench(run), step: run.step, created: run.created },
    settings: run.settings ?? {},
    words: searched(
      titleOf(run),
      ...[run.run_id, run.name, run.title, run.state, ...tags, run.note?.text],
      ...Object.values(aboutBench(run)),
    ),
    run,
  };
}

function armLine(arm, sweep) {
  const tags = sweep.note?.tags ?? [];
  const title = titleOf(sweep);
  return {
    id: `${sweep.run_id}/${arm.label}`,
    kind: /** @type {"arm"} */ ("arm"),
    runId: sweep.run_id,
    title: arm.label,
    chosen: arm.arm === "chosen",
    group: sweep.run_id,
    hue: arm.hue,
    state: sweep.state,
    text: sweep.text,
    tags,
    seeds: arm.seeds.length,
    badges: arm.badges ?? null,
    answered: arm.answered?.length ?? 0,
    unmeasured: "",
    figures: Object.fromEntries(
      Object.entries(arm.figures).map(([key, [now, low, high]]) => [
        key,
        { now, low, high, before: sweep.before?.[key] ?? null, values: arm.values[key] },
      ]),
    ),
    ...benchOf(sweep),
    about: { ...aboutBench(sweep), ...arm.costs, created: sweep.created },
    settings: { arm: ["Tokens trained", arm.label], ...sweep.settings },
    words: searched(
      ...[arm.label, title, sweep.run_id, sweep.name, sweep.state, ...tags, sweep.note?.text],
      ...Object.values(aboutBench(sweep)),
    ),
    run: sweep,
  };
}

const benchOf = ({ run_id: id, bench }) => ({ bench: bench?.key ?? id });

const aboutBench = ({ bench }) => ({ data: bench?.data, model: bench?.model, way: bench?.way });

/** Returns what a run is called: the name that a person gave it, else what it differs in. */
export function titleOf(run) {
  return run.note?.name || run.title || run.name;
}

const searched = (...words) => words.filter(Boolean).join(" ").toLowerCase();

const keysOf = (...records) => [...new Set(records.flatMap((each) => Object.keys(each ?? {})))];

/**
 * Returns the lines that have every word of the search, the state, the tag, the data and the model; "" stands for
 * any.
 * @param {Line[]} lines
 * @param {{search?: string, state?: string, tag?: string, data?: string, model?: string}} filter
 */
export function filtered(lines, { search = "", state = "", tag = "", data = "", model = "" }) {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return lines.filter(
    (line) =>
      words.every((word) => line.words.includes(word)) &&
      (!state || line.state === state) &&
      (!tag || line.tags.includes(tag)) &&
      (!data || line.about.data === data) &&
      (!model || line.about.model === model),
  );
}

/**
 * Returns what the figures of lines are of, in the order of first appearance: `{key, words, lines}`, equal keys
 * where they can be held against each other.
 * @param {Line[]} lines
 */
export function benches(lines) {
  return present(lines.map(({ bench }) => bench)).map((key) => {
    const own = lines.filter(({ bench }) => bench === key);
    const { data, model, way } = own[0].about;
    return { key, words: present([data, model, way]).join(" · "), lines: own };
  });
}

/**
 * Returns which lines are drawn, of those that can be held against each other: those that a person chose, else
 * those with the run that was ticked last, else the most. Pure.
 */
export function drawnGroup(groups, chosen, ticked) {
  const named = (key) => groups.find((each) => each.key === key);
  const most = Math.max(...groups.map(({ lines }) => lines.length));
  return named(chosen) ?? named(ticked.at(-1)?.bench) ?? groups.find(({ lines }) => lines.length === most);
}

const MOST_TOLD = 2;

/**
 * Returns why some lines are not drawn beside those of a group, "" where none is left out: of more than
 * MOST_TOLD groups how many lines, else which. Pure.
 */
export function leftOutWords(left, group) {
  if (left.length === 0) return "";
  if (benches(left).length > MOST_TOLD)
    return `Left out: ${left.length} more, on other rows, of another starting model or measured in another way, which cannot be held against these.`;
  const drawn = group?.lines[0]?.about ?? {};
  const each = benches(left).map(({ words, lines }) => {
    const { data, model, way } = lines[0].about;
    const alike = way && data === drawn.data && model === drawn.model;
    return alike
      ? `${lines.length} measured in another way: ${way}, not ${drawn.way}`
      : `${lines.length} on ${words}`;
  });
  return `Left out, as figures on other rows, of another starting model or measured in another way cannot be held against these: ${each.join("; ")}.`;
}

/** Returns which lines have no figures at the moment that is shown, "" where all have. Pure. */
export function unmeasuredWords(lines) {
  const without = lines.filter(({ unmeasured }) => unmeasured);
  if (without.length === 0) return "";
  const named =
    without.length > MOST_NAMED ? `${without.length} runs` : without.map(({ title }) => title).join("; ");
  return `${named}: ${without[0].unmeasured}, runs only after their last step.`;
}

/**
 * Returns the lines by the value that `of` gives each, those without one last, whichever way they are sorted;
 * equal ones as they came.
 * @param {Line[]} lines
 * @param {(line: Line) => number|string|null|undefined} of
 * @param {boolean} down the highest first
 */
export function sorted(lines, of, down) {
  const known = (value) => value !== null && value !== undefined && !Number.isNaN(value);
  const compare = (a, b) =>
    typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : Number(a) - Number(b);
  return lines
    .map((line, at) => ({ line, at, value: of(line) }))
    .sort((a, b) => {
      if (!known(a.value) || !known(b.value))
        return Number(known(b.value)) - Number(known(a.value)) || a.at - b.at;
      return (down ? -1 : 1) * compare(a.value, b.value) || a.at - b.at;
    })
    .map(({ line }) => line);
}

/**
 * Returns `[{group, lines}]` in the order of the first line of each; without a group all stand together, first.
 * @param {Line[]} lines
 */
export function grouped(lines) {
  const groups = new Map([["", []]]);
  for (const line of lines) groups.set(line.group, [...(groups.get(line.group) ?? []), line]);
  return [...groups].filter(([, each]) => each.length).map(([group, each]) => ({ group, lines: each }));
}

/** Returns every value that is there, each once, in the order of first appearance. */
export function present(values) {
  return [...new Set(values)].filter(Boolean);
}
