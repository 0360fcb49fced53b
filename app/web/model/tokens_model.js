/** Holds what the Tokens view knows: scores, rule, overrides, view; derives the mask. No DOM. */

import { deriveMask, placesIn } from "../score/derived_mask.js";
import { Memory } from "../score/memoise.js";
import { descending } from "../score/ranks.js";
import { sequentialScale } from "../score/scale.js";
import { DEFAULT_RULE } from "../score/selection.js";
import { unitsOf } from "../text/units.js";
import { aggregate, groupWords } from "../text/words.js";
import { indicesOfSet, pick, readColumns, readPayload, realColumn, setsOf, signalNames } from "./columns.js";
import { History } from "./history.js";
import { Marks, markOf, spanOf } from "./marks.js";
import { entriesOf } from "./mask_draft.js";
import { Overrides } from "./overrides.js";
import { takeScores } from "./scores_change.js";
import { entryOf } from "./signal_entry.js";

const FIRST_VIEW = {
  row: 0,
  signal: "fused",
  locked: null,
  hovered: null,
  focus: null,
  anchor: null,
  bars: false,
  words: false,
  gold: false,
  numbers: false,
  noting: false,
  marking: false,
};

/**
 * Scores + rule + overrides → mask, with a view on it; marks beside them. Listeners hear which kinds of thing
 * changed.
 */
export class TokensModel {
  /**
   * @param {Payload} payload
   * @param {{rule?: object, overrides?: object, notes?: object, view?: object, set?: string}} [saved]
   * @param {Record<string, import("./marks.js").RowMarks>} [marks] what is said to be true, by row id
   */
  constructor(payload, saved = {}, marks = {}) {
    this.listeners = [];
    /** @type {number|null} the token to scroll to with the next drawing */
    this.revealed = null;
    /**
     * @type {{units: import("../text/units.js").Unit[], list: number[][]}|undefined} the windows of a long
     *   answer, kept here so that strips are aligned
     */
    this.windows = undefined;
    /**
     * @type {{row: string, text: string, state: import("./overrides.js").State, note: string}[]} tokens with overrides that the
     *   newest scores do not have
     */
    this.lost = [];
    /** @type {Set<string>} ids of rows that are being scored anew */
    this.stale = new Set();
    /** Called before another text takes the place of the one that is shown. */
    this.leaving = () => {};
    this.view = { ...FIRST_VIEW, row: payload.opens ?? 0, ...(saved.view ?? {}) };
    this.marks = new Marks(marks);
    this.wordsBefore = this.view.words;
    this.view.words ||= this.view.marking;
    this.read(readPayload(payload), saved);
  }

  /**
   * Takes a new payload; rule, view, overrides with their steps, and lock stay.
   * @param {Payload} value
   */
  load(value) {
    if (value.text_id !== this.payload.text_id) this.leaving();
    takeScores(this, readPayload(value));
    this.tell("data", "rule", "view");
  }

  read(payload, saved) {
    this.payload = payload;
    this.columns = readColumns(payload);
    this.signals = signalNames(this.columns);
    this.sets = setsOf(payload.rows);
    this.overrides = new Overrides(entriesOf(saved));
    const rule = this.withKnownSignals({ ...this.firstRule(), ...(saved.rule ?? {}) });
    this.history = new History({ rule, depth: 0 });
    this.useSet(this.sets.includes(saved.set) ? saved.set : (this.sets[0] ?? ""));
    if (this.view.row >= payload.rows.length || (this.row?.set ?? "") !== this.set)
      Object.assign(this.view, { row: this.rowsOfSet[0] ?? 0, locked: null, focus: null });
  }

  /** Returns the rule that a page of these scores begins with. */
  firstRule() {
    const { defaults = {}, rule = {} } = this.payload;
    return this.withKnownSignals({ ...DEFAULT_RULE, ...defaults, ...rule });
  }

  withKnownSignals(rule) {
    const of = (role) => this.signals.find((name) => this.payload.signals[name]?.family === role);
    const knowledge = this.signals.includes(rule.knowledge)
      ? rule.knowledge
      : (of("knowledge") ?? rule.knowledge);
    const entropy = this.signals.includes(rule.entropy) ? rule.entropy : (of("entropy") ?? rule.entropy);
    return { ...rule, knowledge, entropy };
  }

  useSet(set) {
    this.set = set;
    /** @type {number[]|null} the rows that the list shows, in its order */
    this.listed = null;
    /** @type {number[]} the rows of the set, in file order; only to be read */
    this.rowsOfSet = this.payload.rows.flatMap((row, at) => ((row.set ?? "") === set ? [at] : []));
    this.indices = indicesOfSet(this.payload.rows, set);
    this.cut = pick(this.columns, this.indices);
    this.wordList = groupWords(this.columns);
    this.wordHeads = new Set(this.wordList.map(({ first }) => first));
    this.places = placesIn(this.indices, this.columns.row.length);
    this.cache = new Map();
    this.memory = new Memory();
    this.derived = null;
  }

  get rule() {
    return this.history.present.rule;
  }

  get row() {
    return this.payload.rows[this.view.row];
  }

  /** Returns how many rows of the current set have no scores yet; those that failed wait for none. */
  waiting() {
    return this.rowsOfSet.filter(
      (at) => this.payload.rows[at].scored === false && !this.payload.rows[at].failure,
    ).length;
  }

  /** Returns the units (chips) of the current row. */
  units() {
    return this.unitsOfRow(this.row, this.view.words);
  }

  /**
   * Returns the units of a row.
   * @param {PayloadRow} row
   * @param {boolean} words
   * @returns {import("../text/units.js").Unit[]}
   */
  unitsOfRow(row, words) {
    return this.memory.once(`units ${words}`, row, () =>
      unitsOf(row.answer, this.columns, row.first, row.count, words),
    );
  }

  /** Returns a token's text as the strip shows it without its neighbours. */
  tokenText(index) {
    const row = this.payload.rows[this.columns.row[index]];
    const unit = this.unitsOfRow(row, false)[index - row.first];
    return unit.hollow ? "" : unit.text;
  }

  /** Returns the mask under the present rule: arrays over all tokens of the payload, counts, cut. */
  get mask() {
    this.derived ??= deriveMask(this);
    return this.derived;
  }

  /** Shows another mask over the same tokens, until anything changes or, with null, its own again. */
  showMask(mask) {
    this.derived = mask;
    this.tell("rule");
  }

  /** Returns whether the token's row is in the current set. */
  inSet(index) {
    return (this.payload.rows[this.columns.row[index]]?.set ?? "") === this.set;
  }

  /** Returns the overrides on tokens of the current set. */
  overridesOfSet() {
    return [...this.overrides.forced()].filter(([index]) => this.inSet(index));
  }

  /** Returns "in" | "out" | "chosen" | "excluded" | "plain". */
  stateOf(index) {
    const forced = this.overrides.state(index);
    if (forced) return forced;
    if (this.mask.selected[index]) return "chosen";
    return this.mask.excluded[index] ? "excluded" : "plain";
  }

  /**
   * Returns whether rule and gold disagree on the token; names, tokens without known gold and rows without
   * scores never do.
   */
  differs(index) {
    if (this.payload.rows[this.columns.row[index]].scored === false) return false;
    const gold = this.columns.gold?.[index];
    return (
      Number.isFinite(gold) &&
      !this.columns.subject[index] &&
      (gold === 1) !== (this.mask.selected[index] === 1)
    );
  }

  /**
   * Returns the column a signal button stands for: `knowledge`, `entropy` follow the rule; `fused` is
   * derived.
   */
  columnName(signal) {
    return { knowledge: this.rule.knowledge, entropy: this.rule.entropy }[signal] ?? signal;
  }

  /** Returns a value per token; while words are shown, that of its word, as the signal's entry says. */
  valuesOf(signal) {
    return this.cached(`values ${signal}`, () => {
      const values = signal === "fused" ? this.mask.fused : this.columns[this.columnName(signal)];
      if (!values) return new Float64Array(this.columns.row.length).fill(NaN);
      if (!this.view.words) return values;
      const spread = Float64Array.from(values);
      const perWord = aggregate(values, this.wordList, this.infoOf(signal).over_word ?? "max");
      this.wordList.forEach(({ first, last }, at) => spread.fill(perWord[at], first, last + 1));
      return spread;
    });
  }

  /** Returns what has a rank: the set's tokens or, while words are shown, the first of each word. */
  ranked() {
    if (!this.view.words) return this.indices;
    return this.memory.once("ranked", this.wordHeads, () =>
      this.indices.filter((index) => this.wordHeads.has(index)),
    );
  }

  /**
   * Returns the set's values of a signal, largest first: one per token or, while words are shown, one per
   * word.
   */
  sorted(signal) {
    return this.cached(`sorted ${signal}`, () => descending(this.valuesOf(signal), this.ranked()));
  }

  /**
   * Returns the colour scale of a signal over the set: `{limit, clipped, at}`; fused is normalised already.
   */
  scaleOf(signal) {
    if (signal === "fused") return { limit: 1, clipped: 0, at: (value) => value };
    return this.cached(`scale ${signal}`, () => sequentialScale(this.sorted(signal)));
  }

  cached(key, make) {
    const full = `${key} ${this.view.words} ${this.columnName(key.split(" ")[1])}`;
    if (key.endsWith("fused")) return this.memory.once(full, this.mask.fused, make);
    if (!this.cache.has(full)) this.cache.set(full, make());
    return this.cache.get(full);
  }

  /** Returns the unit a signal is written in: "nats", or "" for fused. */
  unitOf(signal) {
    return signal === "fused" ? "" : (this.infoOf(signal).unit ?? "");
  }

  /**
   * Returns the entry of the column behind a signal button: label, unit, family, help and what else is said
   * of it.
   */
  infoOf(signal) {
    return entryOf(this.payload, this.columnName(signal));
  }

  /** Changes fields of the rule; one undo step, and a drag of a slider is one. */
  setRule(change) {
    this.record({ ...this.rule, ...change }, Object.keys(change).join());
  }

  /** Forces tokens "in" or "out"; null gives them back to the rule; one undo step. */
  force(indices, state) {
    this.override(indices.map((index) => ({ index, state })));
  }

  /** Writes a note on tokens, "" takes it away; one undo step. */
  annotate(indices, note) {
    this.override(indices.map((index) => ({ index, note })));
  }

  /**
   * Changes overrides and notes, each token as its change says; one undo step.
   * @param {import("./overrides.js").Change[]} changes
   */
  override(changes) {
    if (this.overrides.apply(changes)) this.record(this.rule);
  }

  /** Steps tokens rule → in → out → rule, all to the same; those that differ begin at rule. */
  cycle(indices, step) {
    if (this.overrides.cycle(indices, step)) this.record(this.rule);
  }

  record(rule, label) {
    this.history.push({ rule, depth: this.overrides.past.length }, label);
    this.derived = null;
    this.tell("rule");
  }

  /**
   * The steps that undo and redo go: those of the marks while facts are marked.
   * @returns {History}
   */
  get steps() {
    return this.view.marking ? this.marks.history : this.history;
  }

  undo() {
    return this.view.marking ? this.marked(this.marks.undo()) : this.stepped(this.history.undo());
  }

  redo() {
    return this.view.marking ? this.marked(this.marks.redo()) : this.stepped(this.history.redo());
  }

  stepped(moved) {
    if (!moved) return false;
    const { depth } = this.history.present;
    const touched = [];
    while (this.overrides.past.length > depth) touched.push(...this.overrides.undo());
    while (this.overrides.past.length < depth) touched.push(...this.overrides.redo());
    this.derived = null;
    this.tell("rule");
    this.showOne(touched);
    return true;
  }

  /** Begins or ends to mark facts; words are shown meanwhile, for a fact is made of words. */
  setMarking(on) {
    if (on === this.view.marking) return;
    if (on) this.wordsBefore = this.view.words;
    this.setView({ marking: on, words: on || this.wordsBefore, anchor: null });
  }

  /**
   * Marks a run of tokens of one row; null takes the mark away. Returns whether that changed anything.
   * @param {number[]} tokens
   * @param {import("./marks.js").Mark} mark
   */
  markTokens(tokens, mark) {
    const row = this.payload.rows[this.columns.row[tokens[0]]];
    const span = spanOf(row.answer, this.columns, tokens);
    if (!span || !this.marks.mark(row.id, [span], mark)) return false;
    this.tell("marks");
    return true;
  }

  /** Says whether the row that is shown was reviewed. */
  lookThrough(seen) {
    if (this.marks.look(this.row.id, seen)) this.tell("marks");
  }

  /**
   * Returns for each unit of the row "fact" | "other" as a person marked it, "gold" where the file says so,
   * else null.
   */
  unitMarks() {
    const units = this.units();
    return this.memory.once("unit marks", [units, this.marks.rows], () => {
      const marks = this.marks.of(this.row.id);
      const gold = ({ tokens }) => (tokens.some((index) => this.columns.gold?.[index] === 1) ? "gold" : null);
      return units.map(
        (unit) => markOf(marks, spanOf(this.row.answer, this.columns, unit.tokens)) ?? gold(unit),
      );
    });
  }

  /**
   * Tells of a step of the marks and goes to a row that it touched.
   * @param {string[]|null} ids
   */
  marked(ids) {
    if (!ids) return false;
    this.tell("marks");
    const at = this.payload.rows.findIndex(({ id }) => ids.includes(id));
    if (at >= 0 && !ids.includes(this.row?.id)) this.goToRow(at);
    return true;
  }

  /** Goes to a row in whatever set. */
  goToRow(row) {
    this.goToSet(this.payload.rows[row].set ?? "");
    this.goTo(row);
  }

  /**
   * Goes to the first of these tokens, in whatever set, unless one of them stands in the row that is shown.
   */
  showOne(indices) {
    const { row } = this.columns;
    if (indices.length === 0 || indices.some((index) => row[index] === this.view.row)) return;
    this.lockAt(Math.min(...indices));
  }

  /** Goes to a token, in whatever set, locks it and has it scrolled to when it is drawn. */
  lockAt(index) {
    const row = this.columns.row[index];
    this.goToSet(this.payload.rows[row].set ?? "");
    this.revealed = index;
    this.setView({ row, locked: index, focus: index, hovered: null, anchor: null });
    this.tell("view"); // Also where it was locked already, but out of sight.
  }

  /** Changes fields of the view; `hovered` alone is told as "hover", everything else as "view". */
  setView(change) {
    const changed = Object.keys(change).filter((name) => change[name] !== this.view[name]);
    if (changed.length === 0) return;
    Object.assign(this.view, change);
    this.tell(changed.every((name) => name === "hovered") ? "hover" : "view");
  }

  /** Goes to a row; the lock, focus and range of the old row are dropped. */
  goTo(row) {
    this.setView({ row, locked: null, hovered: null, focus: null, anchor: null });
  }

  /** Goes to another set and its first row. */
  goToSet(set) {
    if (set === this.set) return;
    this.useSet(set);
    this.view.row = -1;
    this.goTo(this.rowsOfSet[0] ?? 0);
    this.tell("data", "rule");
  }

  /**
   * Adds a signal column that the server computed meanwhile, or other numbers of one, and how well all of
   * them find the fact.
   */
  addSignal(name, values, info, leaderboard) {
    const known = this.signals.includes(name);
    this.columns[name] = realColumn(values);
    if (info) this.payload.signals[name] = info;
    if (leaderboard) this.payload.leaderboard = leaderboard;
    if (known) return this.renumber(name);
    this.signals = signalNames(this.columns);
    this.useSet(this.set);
    return this.tell("data", "rule");
  }

  /** Takes other numbers of a column that was there: what is drawn of the text itself stays as it is. */
  renumber(name) {
    this.cut[name] = pick({ [name]: this.columns[name] }, this.indices)[name];
    this.cache = new Map();
    this.memory.forget((step) => !step.startsWith("units "));
    this.derived = null;
    this.tell("rule");
  }

  /** Calls `listener(kinds)` after changes. */
  subscribe(listener) {
    this.listeners.push(listener);
  }

  tell(...kinds) {
    for (const listener of this.listeners) listener(kinds);
  }
}
