/**
 * Saves what a person makes on a text, such as the draft, on the server a moment after the last change, and
 * never over somebody else's newer one. No DOM.
 */

import { draftText } from "../model/mask_draft.js";
import { same } from "../score/memoise.js";

export const SAVE_AFTER_MS = 1000;
export const RETRY_MS = 5000;
const SENT_KEPT = 20;

/**
 * What is kept on a text: the server functions that give and take it, the name of it in their answers, the
 * parts of which it is made, each a record, and how two of it meet.
 * @typedef {object} Kind
 * @property {string} get
 * @property {string} save
 * @property {string} name
 * @property {string[]} parts
 * @property {(kept: Kept) => Kept} contentOf  the part of it that a person made
 * @property {(draft: Kept, from: Kept, to: Kept) => boolean} collides  whether what changed between two
 *   of it was decided in `draft` in another way
 * @property {boolean} [merges]  whether what somebody else saved meanwhile is added where it does not
 *   collide, and nobody is asked
 */

/** @type {Kind} */
export const DRAFT = {
  get: "kept_masks",
  save: "save_draft",
  name: "draft",
  parts: ["rule", "overrides", "notes"],
  contentOf,
  collides,
};

/**
 * What is kept: of a draft set, rule, overrides, notes and masks, of marks their rows; in the tab also where
 * it began.
 * @typedef {Record<string, any>} Kept
 * @typedef {{kind: "browser"|"loading"|"saving"|"saved"|"conflict"|"failed", at?: number, reason?: string,
 *   theirs?: any}} KeeperState
 */

/**
 * @typedef {object} KeeperParts
 * @property {Kind} [kind]  the draft, unless another one is given
 * @property {number} [after]  milliseconds after the last change, at which it is saved
 * @property {(name: string, data: object) => Promise<any>} ask  throws where the server refuses or is gone
 * @property {() => {textId: string, scoresId: string, live: boolean, stamp: any[]}} where  cheap, asked at
 *   every move of a slider: the text and scores shown, and values of which one is another as soon as the
 *   draft is
 * @property {() => {draft: Kept, untouched: Kept}} read  what the page shows, and what it would show if
 *   nobody had ever touched it
 * @property {(draft: Kept) => Promise<void>} ready  gets what is needed to show a draft
 * @property {(draft: Kept, fresh: boolean) => void} put  shows a draft that is ready; `fresh`: without a
 *   step of undo
 * @property {(state: KeeperState) => void} onState  {kind:
 *   "browser"|"loading"|"saving"|"saved"|"conflict"|"failed", at?, reason?, theirs?}
 * @property {(from: Kept, theirs: Kept) => void} [merge]  adds to what is shown, and to each of its steps
 *   of undo, what somebody else changed since `from`
 * @property {() => void} onNewer  other scores of this text are there: the page should ask for them
 * @property {(answer: any) => void} onKept  drafts and masks of the server, once for each text
 * @property {{get: (textId: string) => {version?: number, work?: string, sent?: string[]}, set: (textId:
 *   string, value: object) => void, draft: (textId: string) => Kept}} memory  of this tab: what it knows of
 *   the server's draft, and its own last work on the text
 */

/**
 * The draft of the text shown, its version and its state. Call `changed()` after every change, `leave()`
 * before another text is shown, `open()` after it.
 */
export class DraftKeeper {
  /** @param {KeeperParts & {wait?: Wait, cancel?: Cancel, name?: () => string}} parts */
  constructor({
    kind = DRAFT,
    after = SAVE_AFTER_MS,
    wait = (act, ms) => setTimeout(act, ms),
    cancel = (timer) => clearTimeout(timer),
    name = randomName,
    ...parts
  }) {
    this.kind = kind;
    this.after = after;
    this.wait = wait;
    this.cancel = cancel;
    this.name = name;
    this.ask = parts.ask;
    this.where = parts.where;
    this.read = parts.read;
    this.ready = parts.ready;
    this.put = parts.put;
    this.onState = parts.onState;
    this.merge = parts.merge;
    this.onNewer = parts.onNewer;
    this.onKept = parts.onKept;
    this.memory = parts.memory;
    this.textId = null;
    this.visit = 0;
    /** Whether what is shown and what the server has were brought together; before that nothing is saved. */
    this.met = false;
    this.version = 0;
    this.savedText = null;
    this.savedStamp = null;
    this.savedAt = null;
    this.flight = null;
    /** @type {Promise<any>} */
    this.leaving = Promise.resolve();
    /** @type {KeeperState} */
    this.state = { kind: "browser" };
  }

  /** Whether what is shown and the draft of the server are still to be brought together. */
  get meeting() {
    return !this.met && this.textId === this.where().textId;
  }

  /**
   * What was shown when the text was opened, while that is only where it begins and not yet work on it; else
   * null.
   */
  get begun() {
    return this.meeting && this.origin === "begin" ? this.atOpen : null;
  }

  /** Whether the tab may keep what is shown as its work on the text: not what was brought from an example. */
  get keeps() {
    return !this.meeting || this.origin !== "brought";
  }

  /** Finds what the server keeps for the text now shown; a recorded example stays in the browser. */
  open() {
    const { textId, live } = this.where();
    if (!live || textId === this.textId) return undefined;
    const turned = this.textId !== null;
    const { draft, untouched } = this.read();
    const stored = this.memory.draft(textId);
    const isStored = this.isStored(stored) && this.workText(stored) === this.workText(draft);
    // From another text, which keeps it, or from nobody; from this tab's last visit; or from a recorded
    // example.
    this.origin = stored.begun || turned || !this.isWork(draft, untouched) ? "begin" : "brought";
    if (isStored && !stored.begun) this.origin = "stored";
    // What an earlier visit changed, which ended before the draft had come, is a change of this one.
    this.atOpen = stored.begun ? this.changedBy(draft, stored, stored.begun) : draft;
    if (stored.begun && !isStored) this.put(this.changedBy(draft, stored.begun, stored), false);
    Object.assign(this, {
      textId,
      visit: this.visit + 1,
      met: false,
      version: 0,
      savedText: null,
      flight: null,
    });
    this.cancel(this.timer);
    return this.find();
  }

  async find() {
    const { textId, visit } = this;
    this.set({ kind: "loading" });
    try {
      await this.leaving; // What is being saved of an earlier visit is there first.
      if (visit !== this.visit) return;
      const answer = await this.ask(this.kind.get, { text_id: textId, scores_id: this.where().scoresId });
      if (visit !== this.visit) return;
      this.onKept(answer);
      await this.meet(answer[this.kind.name], visit);
    } catch (error) {
      if (visit === this.visit) this.fail(error, () => this.find());
    }
  }

  /** Decides between the draft of the server and the one shown. */
  async meet(theirs, visit) {
    const known = this.memory.get(this.textId);
    const unsent = this.origin === "begin" ? this.unsent(known) : null;
    if (unsent) await this.ready({ ...unsent, masks: theirs?.masks ?? [] });
    if (visit !== this.visit) return undefined;
    if (unsent) this.lay({ ...unsent, masks: theirs?.masks ?? [] });
    const { draft, untouched } = this.read();
    if (!theirs)
      return this.settle(0, untouched, this.isWork(draft, untouched) ? null : { kind: "saved", at: null });
    const content = this.kind.contentOf(theirs);
    if (draftText(draft) === draftText(content))
      return this.settle(theirs.version, content, { kind: "saved", at: theirs.saved });
    const mine =
      unsent !== null ||
      this.origin === "brought" ||
      (this.origin === "stored" && this.isUnsaved(known, untouched));
    // Nobody has saved since, or it was this tab, whose answer was lost.
    const current = known.version === theirs.version || Boolean(known.sent?.includes(theirs.save));
    if (current && (unsent || this.origin === "stored")) return this.settle(theirs.version, content, null);
    return mine ? this.conflict(theirs) : this.bring(theirs, visit);
  }

  /**
   * Returns whether the work that was shown when the text was opened is not what the server is known to have.
   */
  isUnsaved(known, untouched) {
    return known.version === undefined
      ? this.isWork(this.atOpen, untouched)
      : this.workText(this.atOpen) !== known.work;
  }

  /** Returns this tab's last work on the text that the server is not known to have, or null. */
  unsent(known) {
    const { begun, ...stored } = this.memory.draft(this.textId);
    return !begun &&
      this.isStored(stored) &&
      known.version !== undefined &&
      this.workText(stored) !== known.work
      ? this.kind.contentOf(stored)
      : null;
  }

  /** Shows their draft and over it, as one step of undo, what was changed here while it was on its way. */
  async bring(theirs, visit) {
    const content = this.kind.contentOf(theirs);
    await this.ready(content);
    if (visit !== this.visit) return undefined;
    if (this.kind.collides(content, this.atOpen, this.read().draft)) return this.conflict(theirs);
    const { base, laid } = this.lay(content);
    return this.settle(theirs.version, base, laid ? null : { kind: "saved", at: theirs.saved });
  }

  /** Shows a draft that is ready, and over it what has changed here since the text was opened. */
  lay(content) {
    const now = this.read().draft;
    const laid = this.isWork(now, this.atOpen);
    const set = laid ? now.set : content.set;
    this.put({ ...content, set }, true);
    const base = this.read().draft;
    if (laid) this.put({ ...this.changedBy(base, this.atOpen, now), set }, false);
    this.atOpen = this.read().draft;
    return { base, laid };
  }

  /** Another text is about to be shown: what is new in this one is saved, whatever is shown then. */
  leave() {
    const { textId, scoresId, live } = this.where();
    if (!live || textId !== this.textId) return;
    this.cancel(this.timer);
    const send = this.met && this.state.kind !== "conflict" && this.isNew();
    const { draft } = this.read();
    const flight = this.flight ?? Promise.resolve();
    const last = () =>
      send ? this.deliver(textId, scoresId, this.memory.get(textId).version ?? 0, draft) : undefined;
    // Where it fails the tab's own work is still there: the next visit begins with it.
    this.leaving = Promise.all([this.leaving, flight.catch(() => {}).then(last)]).catch(() => {});
    // What is under way no longer decides what is shown. Left, which is not the same as never opened.
    Object.assign(this, { visit: this.visit + 1, textId: "", met: false, flight: null });
    this.set({ kind: "browser" });
  }

  /** Starts the clock of the next save. */
  changed() {
    const { live, textId, stamp } = this.where();
    if (!live || textId !== this.textId || !this.met || this.state.kind === "conflict") return;
    this.cancel(this.timer);
    if (same(stamp, this.savedStamp)) {
      if (this.state.kind === "saving") this.set({ kind: "saved", at: this.savedAt });
      return;
    }
    if (this.state.kind !== "saving") this.set({ kind: "saving" });
    this.timer = this.wait(() => this.save(), this.after);
  }

  /** Returns whether what is shown is not what the server has. */
  isNew() {
    return (
      draftText(this.read().draft) !== this.savedText &&
      (this.version !== 0 || this.isWork(this.read().draft, this.read().untouched))
    );
  }

  /** Saves now, if there is anything new and nothing on its way. */
  async save() {
    const { textId, scoresId, stamp } = this.where();
    // The end of a flight looks again.
    if (this.flight || !this.met || textId !== this.textId) return undefined;
    if (!this.isNew()) return this.rest(stamp);
    const { draft } = this.read();
    const { visit } = this;
    try {
      this.flight = this.deliver(textId, scoresId, this.version, draft);
      const answer = await this.flight;
      if (visit !== this.visit) return undefined;
      this.flight = null;
      if (answer.newer) this.onNewer();
      const standing = answer[this.kind.name];
      if (!answer.taken) return this.merged(standing) ? this.save() : this.conflict(standing);
      this.settle(standing.version, draft, { kind: "saved", at: standing.saved }, stamp);
      return this.changed();
    } catch (error) {
      if (visit !== this.visit) return undefined;
      this.flight = null;
      return this.fail(error, () => this.save());
    }
  }

  /** Sends a draft; the tab remembers what it sent until it knows what became of it. */
  async deliver(textId, scoresId, base, draft) {
    const save = this.name();
    const known = this.memory.get(textId);
    this.memory.set(textId, { ...known, sent: [...(known.sent ?? []), save].slice(-SENT_KEPT) });
    const ask = (from) =>
      this.ask(this.kind.save, { text_id: textId, scores_id: scoresId, base: from, save, ...draft });
    let answer = await ask(base);
    // Refused because of this tab's own save, whose answer was lost: nobody else's work is in the way.
    if (!answer.taken && this.memory.get(textId).sent?.includes(answer[this.kind.name].save))
      answer = await ask(answer[this.kind.name].version);
    if (answer.taken)
      this.memory.set(textId, { version: answer[this.kind.name].version, work: this.workText(draft) });
    return answer;
  }

  /** Adds what somebody else has saved to what is shown, where it can be added; returns whether it could. */
  merged(standing) {
    if (!this.kind.merges) return false;
    const [from, theirs] = [JSON.parse(this.savedText), this.kind.contentOf(standing)];
    if (this.kind.collides(theirs, from, this.read().draft)) return false;
    this.merge(from, theirs);
    this.version = standing.version;
    this.savedText = draftText(theirs);
    return true;
  }

  /** After a conflict: keeps what is shown here, over what the other tab saved. */
  takeOver() {
    this.version = this.state.theirs.version;
    this.savedText = draftText(this.kind.contentOf(this.state.theirs));
    this.set({ kind: "saving" });
    return this.save();
  }

  /** After a conflict: shows what the other tab saved; what was here comes back with one undo. */
  async reload() {
    const { theirs } = this.state;
    const { visit } = this;
    await this.ready(this.kind.contentOf(theirs));
    if (visit !== this.visit) return;
    this.put(this.kind.contentOf(theirs), false);
    this.settle(theirs.version, this.read().draft, { kind: "saved", at: theirs.saved });
  }

  /**
   * The server holds `version` with this draft; without a `state` what is shown is newer and will be saved.
   */
  settle(version, theirs, state, stamp = this.where().stamp) {
    this.met = true;
    this.version = version;
    this.savedText = draftText(theirs);
    this.memory.set(this.textId, { version, work: this.workText(theirs) });
    if (state) {
      this.savedAt = state.at;
      return this.rest(stamp);
    }
    this.savedStamp = null;
    this.set({ kind: "saving" });
    return this.changed();
  }

  rest(stamp) {
    this.savedStamp = stamp;
    this.set({ kind: "saved", at: this.savedAt });
  }

  conflict(theirs) {
    this.met = true;
    this.cancel(this.timer);
    // What is shown was made from no version of the server's: another visit has to ask again.
    this.memory.set(this.textId, { work: "", ...this.memory.get(this.textId), version: null });
    this.set({ kind: "conflict", theirs, at: theirs.saved ?? null });
  }

  /** Tries at once what has failed, as when the server is back. */
  again() {
    if (this.state.kind !== "failed") return undefined;
    this.cancel(this.timer);
    return this.failed();
  }

  fail(error, again) {
    this.failed = again;
    this.set({ kind: "failed", reason: String(error?.message ?? error) });
    this.cancel(this.timer);
    this.timer = this.wait(again, RETRY_MS);
  }

  set(state) {
    this.state = state;
    this.onState(state);
  }

  /** Returns whether a tab's storage holds anything of it. */
  isStored(stored) {
    return stored[this.kind.parts[0]] !== undefined;
  }

  /** Returns what a person would lose: the set that is looked at is not among it. */
  workText(content) {
    return draftText(Object.fromEntries(this.kind.parts.map((part) => [part, content[part] ?? {}])));
  }

  /** Returns whether anything was decided in a draft. */
  isWork(draft, untouched) {
    return this.workText(draft) !== this.workText(untouched);
  }

  /** Returns the draft with everything in it that differs between `from` and `to` as it is in `to`. */
  changedBy(draft, from, to) {
    const result = { ...draft };
    for (const part of this.kind.parts) {
      result[part] = { ...draft[part] };
      const [before, after] = [from[part] ?? {}, to[part] ?? {}];
      for (const name of Object.keys({ ...before, ...after })) {
        if (draftText(before[name] ?? null) === draftText(after[name] ?? null)) continue;
        if (name in after) result[part][name] = after[name];
        else delete result[part][name];
      }
    }
    return result;
  }
}

/**
 * Returns whether a token that changed between `from` and `to` was decided in `draft`, in another way than in
 * these.
 */
function collides(draft, from, to) {
  const decided = ({ overrides = {}, notes = {} }, index) =>
    [overrides[index] ?? "", notes[index]?.note ?? ""].join(" ");
  const indices = Object.keys({ ...from.overrides, ...from.notes, ...to.overrides, ...to.notes });
  return indices.some((index) => {
    const [before, after, there] = [from, to, draft].map((each) => decided(each, index));
    return before !== after && there !== " " && there !== before && there !== after;
  });
}

function randomName() {
  return Array.from(globalThis.crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join(
    "",
  );
}

/**
 * Returns the part of a saved draft that a person made.
 * @param {Kept} kept
 */
export function contentOf({ set, rule, overrides = {}, notes = {}, masks = [] }) {
  return { set, rule, overrides, notes, masks };
}

/** Returns the state for the mask bar: "draft saved 12:03". `time`: ms → text; `what` is kept. */
export function keptWords(state, time, what = "draft") {
  return {
    browser: "",
    loading: `${what} loading…`,
    saving: `${what} saving…`,
    conflict: `${what} not saved: edited elsewhere`,
    saved: state.at ? `${what} saved ${time(state.at)}` : "",
    failed: `${what} not saved: ${state.reason}`,
  }[state.kind];
}
