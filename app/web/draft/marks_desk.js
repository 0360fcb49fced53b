/**
 * Holds what belongs to the marks beside themselves: that they are kept, what was learned from them, which
 * row is to be reviewed next. No DOM.
 */

import { MARKS, Marks } from "../model/marks.js";
import { plural } from "../text/numbers.js";
import { DraftKeeper } from "./mask_keeper.js";
import { keepMarks, keepMarksVersion, readMarks, readMarksVersion } from "./tab_storage.js";

const SAVE_AFTER_MS = 400; // what is learned from a mark should follow it

/** Other parts read `state`, `learning` and `evidence`, and call `changed()`, `looked()`. */
export class MarksDesk {
  /**
   * @param {import("../model/tokens_model.js").TokensModel} model
   * @param {{ask: (name: string, data: object) => Promise<any>, say: (words: string) => void, refresh: () =>
   *   void, onState: () => void}} host
   */
  constructor(model, host) {
    this.model = model;
    this.host = host;
    this.sets = [];
    this.asked = 0;
    this.unlearn();
    /** Called when there are other named sets. */
    this.listed = () => {};
    /** Why what was kept could not be read, or "". */
    this.damage = "";
    this.keeper = this.makeKeeper();
    model.subscribe((kinds) => {
      if (kinds.includes("data")) this.keeper.open();
    });
  }

  /**
   * Nothing was learned yet: so it is at first, and when another text is shown. An answer that is under way
   * changes nothing.
   */
  unlearn() {
    this.asked += 1;
    /** How the learned signal was learned last, in words. */
    this.learning = "";
    /**
     * What the server says of how far it can be trusted, or null.
     * @type {Trust|null}
     */
    this.evidence = null;
    /** The hash of what the learned signal that is shown was fitted on, "" for none. */
    this.fit = "";
    this.learnedFrom = "";
    this.learned = "";
    this.trustedFrom = "";
  }

  /**
   * Returns the keeper of the marks.
   * @param {{wait?: Wait, cancel?: Cancel, name?: () => string}} [parts]
   */
  makeKeeper(parts = {}) {
    const { model } = this;
    return new DraftKeeper({
      kind: MARKS,
      after: SAVE_AFTER_MS,
      ask: this.host.ask,
      where: () => ({
        textId: model.payload.text_id,
        scoresId: model.payload.scores_id,
        live: model.payload.state === "live",
        stamp: [model.marks.rows],
      }),
      read: () => ({ draft: { rows: model.marks.rows }, untouched: { rows: {} } }),
      ready: async () => {},
      put: ({ rows }, fresh) => this.put(rows, fresh),
      merge: (from, theirs) => this.merge(from.rows ?? {}, theirs.rows),
      onState: (state) => {
        if (state.kind === "saved") this.learn();
        this.host.onState();
      },
      onNewer: this.host.refresh,
      onKept: (answer) => this.kept(answer),
      memory: { get: readMarksVersion, set: keepMarksVersion, draft: () => readMarks(model.payload) },
      ...parts,
    });
  }

  /** How the marks are kept, as the keeper says. */
  get state() {
    return this.keeper.state;
  }

  /** What the view calls after it has drawn; `kinds` says what changed. */
  changed(kinds) {
    if (kinds.has("data")) this.keeper.open();
    if (kinds.has("marks")) this.keeper.changed();
    // What the server shows now was fitted on other marks, or it was started again and has fitted nothing.
    if (kinds.has("data") && (this.model.payload.fits?.learned ?? "") !== this.fit) this.learnedFrom = "";
    if (kinds.has("data") || kinds.has("view")) this.learn();
  }

  /** The server is there again: what could not be done is done now. */
  again() {
    this.keeper.again();
    this.learnedFrom = this.trustedFrom = "";
    this.learn();
  }

  /**
   * Learns from the marks that are saved, once for these and these scores; then asks how far that can be
   * trusted. The newest question counts: an answer that comes after another question changes nothing.
   */
  learn() {
    const { model } = this;
    const from = `${model.payload.scores_id} ${this.keeper.version}`;
    const wanted =
      this.live &&
      this.keeper.met &&
      (model.view.marking || this.keeper.version !== 0) &&
      model.waiting() === 0;
    if (!wanted) return undefined;
    if (from === this.learnedFrom) return this.learned === from ? this.trust() : undefined;
    this.learnedFrom = from;
    const words = Object.keys(model.marks.rows).length > 0 ? "Learning…" : "Reading the answers…";
    return this.newest(words, "learn_marks", {}, (found) => {
      this.fit = found.fit;
      this.learned = from;
      model.payload.fits = { ...model.payload.fits, learned: found.fit };
      model.addSignal("learned", found.values, found.info, found.leaderboard);
      return this.trust();
    });
  }

  /** Asks how far what was learned can be trusted on the set that is shown, once for each. */
  trust() {
    const { set } = this.model;
    const from = `${this.learned} ${set}`;
    if (from === this.trustedFrom) return undefined;
    this.trustedFrom = from;
    return this.newest("Checking on rows it has not seen…", "trust_marks", { set }, (found) => {
      if (!found.outdated) this.evidence = found;
    });
  }

  /**
   * Asks the server and lets `take` have the answer, unless something else was asked since; says how it
   * stands.
   */
  async newest(words, name, data, take) {
    this.asked += 1;
    const question = this.asked;
    this.tell(words);
    try {
      const found = await this.ask(name, data);
      if (question !== this.asked) return;
      this.tell("");
      await take(found);
      this.host.onState();
    } catch (error) {
      if (question === this.asked) this.tell(`Not learned: ${error.message}`);
    }
  }

  tell(words) {
    this.learning = words;
    this.host.onState();
  }

  kept({ sets, damage }) {
    this.sets = sets ?? [];
    this.damage = damage ?? "";
  }

  put(rows, fresh) {
    if (fresh) this.model.marks = new Marks(rows);
    else this.model.marks.replace(rows);
    this.model.tell("marks");
  }

  merge(from, theirs) {
    const ids = this.model.marks.merge(from, theirs);
    this.model.tell("marks");
    this.host.say(`${plural(ids.length, "row")} marked elsewhere ${ids.length === 1 ? "was" : "were"} added`);
  }

  /** Keeps the marks in this tab, for a reload; `begun` as the keeper says. */
  keepWork() {
    if (this.keeper.keeps)
      keepMarks(this.model.payload.text_id, {
        rows: this.model.marks.rows,
        ...(this.keeper.begun && { begun: this.keeper.begun }),
      });
  }

  /** Another text takes the place of this one: its marks stay with it. */
  leave() {
    this.keepWork();
    this.keeper.leave();
    this.unlearn();
  }

  get live() {
    return this.model.payload.state === "live";
  }

  /**
   * Asks the server about the text that is shown.
   * @param {string} name
   * @param {object} data
   */
  ask(name, data) {
    const { text_id, scores_id } = this.model.payload;
    return this.host.ask(name, { text_id, scores_id, ...data });
  }

  /** Adds a named set, of what is shown or of a file; the marks that are shown stay. */
  async addSet(name, data) {
    const answer = await this.ask(name, data);
    this.list(answer.sets);
    return answer;
  }

  /** Puts the rows of a named set into the marks, in one step of undo. */
  async loadSet(id) {
    const { rows } = await this.ask("load_mark_set", { id });
    if (this.model.marks.put(rows)) this.model.tell("marks");
  }

  async removeSet(id) {
    this.list((await this.ask("remove_mark_set", { id })).sets);
  }

  list(sets) {
    this.sets = sets;
    this.listed();
  }

  /**
   * Marks one word as another annotator has it.
   * @param {{row: number, start: number, end: number}} word
   */
  take({ row, start, end }, isFact) {
    if (this.model.marks.mark(this.model.payload.rows[row].id, [[start, end]], isFact ? "fact" : "other"))
      this.model.tell("marks");
  }

  /** Returns the first token of a word. */
  tokenAt({ row, start }) {
    const { first, count } = this.model.payload.rows[row];
    for (let index = first; index < first + count; index += 1)
      if (this.model.columns.end[index] > start) return index;
    return first;
  }

  /**
   * Returns the row to review next: the next one of the list that is not reviewed, from the first again;
   * undefined where all are.
   * @returns {number|undefined}
   */
  get next() {
    const { model } = this;
    const rows = model.listed ?? model.rowsOfSet;
    const at = rows.indexOf(model.view.row);
    return [...rows.slice(at + 1), ...rows.slice(0, Math.max(0, at))].find(
      (row) => !model.marks.of(model.payload.rows[row].id).seen,
    );
  }

  /** The row that is shown was reviewed: goes to the next one that is not. */
  looked() {
    const { model, next } = this;
    model.lookThrough(true);
    if (next !== undefined) model.goToRow(next);
    this.host.say(
      next === undefined ? "Reviewed. That was the last row of this set." : `Reviewed. ${lineOf(model.row)}`,
    );
  }
}

function lineOf({ subject, question, answer }) {
  return subject || question || answer.slice(0, 80);
}
