/** Saves the draft on the server a moment after the last change, and never over somebody else's newer one. No DOM. */

import { draftText } from "./mask_draft.js";
import { same } from "./memory.js";

export const SAVE_AFTER_MS = 1000;
const RETRY_MS = 5000;

/**
 * @typedef {object} KeeperParts
 * @property {(name: string, data: object) => Promise<any>} ask  throws where the server refuses or is gone
 * @property {() => {scoresId: string, live: boolean, stamp: any[]}} where  cheap, asked at every move of a slider:
 *   the scores shown, and values of which one is another as soon as the draft is
 * @property {() => {draft: object, untouched: object}} read  what the page shows, and what it would show if
 *   nobody had ever touched it
 * @property {(draft: object, fresh: boolean) => Promise<void>|void} put  shows a draft; `fresh`: without a step of undo
 * @property {(state: object) => void} onState  {kind: "browser"|"loading"|"saving"|"saved"|"conflict"|"failed", at?, reason?, theirs?}
 * @property {() => void} onNewer  other scores of these rows are there: the page should ask for them
 * @property {(answer: object) => void} onKept  drafts and masks of the server, once for each scores
 * @property {{get: (scoresId: string) => object, set: (scoresId: string, value: object) => void}} memory  of this tab
 */

/** One draft, its version and its state. Call `changed()` after every change and `open()` for other scores. */
export class DraftKeeper {
  /** @param {KeeperParts & {wait?: Function, cancel?: Function}} parts */
  constructor({ wait = (act, ms) => setTimeout(act, ms), cancel = (timer) => clearTimeout(timer), ...parts }) {
    Object.assign(this, { wait, cancel, ...parts });
    this.scoresId = null;
    this.from = null;
    this.fromSaved = true;
    this.version = 0;
    this.savedText = null;
    this.savedStamp = null;
    this.savedAt = null;
    this.state = { kind: "browser" };
  }

  /** Finds what the server keeps for the scores now shown; a recorded example stays in the browser. */
  async open() {
    const { scoresId, live } = this.where();
    if (!live || scoresId === this.scoresId) return;
    // Where the draft shown comes from: the scores that these have taken the place of.
    this.from = this.scoresId ?? this.from;
    if (this.scoresId !== null && this.state.kind !== "loading") this.fromSaved = this.state.kind === "saved";
    this.scoresId = scoresId;
    this.cancel(this.timer);
    this.version = 0;
    this.savedText = null;
    const shown = this.read();
    this.cleanAtOpen = workText(shown.draft) === workText(shown.untouched);
    this.set({ kind: "loading" });
    try {
      const answer = await this.ask("kept_masks", { scores_id: scoresId });
      if (this.scoresId !== scoresId) return;
      this.onKept(answer);
      await this.meet(answer.draft);
    } catch (error) {
      this.scoresId = null;
      this.fail(error, () => this.open());
    }
  }

  /** Decides between the draft of the server and the one shown. */
  async meet(theirs) {
    const { draft, untouched } = this.read();
    const known = this.known(theirs);
    const touched = workText(draft) !== workText(untouched);
    if (!theirs) return this.settle(0, null, touched ? null : { kind: "saved", at: null });
    const [mine, theirText] = [draftText(draft), draftText(contentOf(theirs))];
    if (mine === theirText) return this.settle(theirs.version, theirText, { kind: "saved", at: theirs.saved });
    // Of another model, say: what is shown was made there and is kept there, whatever this tab knows of theirs.
    if (this.moved(theirs)) return this.fromSaved ? this.show(theirs, true) : this.conflict(theirs);
    if (known.version === theirs.version) return this.settle(theirs.version, theirText, null);
    const unsaved = known.version === undefined ? touched : workText(draft) !== known.work;
    if (!unsaved) return this.show(theirs, true);
    // Quicker than the answer: nobody edited elsewhere, so there is nothing to choose between.
    if (this.cleanAtOpen) return this.layOver(theirs, draft, untouched);
    return this.conflict(theirs);
  }

  /** Shows their draft and over it, as one step of undo, what was changed here while it was on its way. */
  async layOver(theirs, mine, untouched) {
    const { set } = mine;
    await this.show({ ...theirs, set }, true);
    const { masks, rule, ...kept } = contentOf(theirs);
    const changed = Object.entries(mine.rule).filter(([name, value]) => !same(value, untouched.rule[name]));
    await this.put({
      set, masks, rule: { ...rule, ...Object.fromEntries(changed) },
      overrides: { ...kept.overrides, ...mine.overrides }, notes: { ...kept.notes, ...mine.notes },
    }, false);
    return this.changed();
  }

  /** Returns whether what is shown was made on other scores, of which the server has carried nothing to these. */
  moved(theirs) {
    return this.from !== null && this.from !== this.scoresId && !this.carriedOn(theirs);
  }

  /** Returns whether their draft is the one of the scores before, which the server has carried to these. */
  carriedOn(theirs) {
    return this.from !== null && theirs?.carried?.scores_id === this.from;
  }

  /** What this tab knows of their draft: its version and work, or {}. The server carries a draft on to newer scores. */
  known(theirs) {
    if (!this.carriedOn(theirs)) return this.memory.get(this.scoresId);
    const before = this.memory.get(this.from);
    if (before.version === undefined) return before;
    // Versions of other scores are counted apart: an equal number means nothing.
    return { ...before, version: before.version >= theirs.carried.version ? theirs.version : null };
  }

  /** Starts the clock of the next save. */
  changed() {
    const { live, scoresId, stamp } = this.where();
    if (!live || scoresId !== this.scoresId || ["loading", "conflict"].includes(this.state.kind)) return;
    this.cancel(this.timer);
    if (same(stamp, this.savedStamp)) {
      if (this.state.kind === "saving") this.set({ kind: "saved", at: this.savedAt });
      return;
    }
    if (this.state.kind !== "saving") this.set({ kind: "saving" });
    this.timer = this.wait(() => this.save(), SAVE_AFTER_MS);
  }

  /** Saves now, if there is anything new. */
  async save() {
    const { scoresId, stamp } = this.where();
    const { draft, untouched } = this.read();
    const text = draftText(draft);
    if (this.savedText === null ? workText(draft) === workText(untouched) : text === this.savedText) {
      return this.settle(this.version, this.savedText, { kind: "saved", at: this.savedAt }, draft, stamp);
    }
    try {
      const answer = await this.ask("save_draft", { scores_id: scoresId, base: this.version, ...draft });
      if (answer.newer) this.onNewer();
      if (scoresId !== this.scoresId) {
        if (answer.taken) this.memory.set(scoresId, { version: answer.draft.version, work: workText(draft) });
        return;
      }
      if (!answer.taken) return this.conflict(answer.draft);
      this.settle(answer.draft.version, text, { kind: "saved", at: answer.draft.saved }, draft, stamp);
      this.changed();
    } catch (error) {
      if (scoresId === this.scoresId) this.fail(error, () => this.save());
    }
  }

  /** After a conflict: keeps what is shown here, over what the other tab saved. */
  takeOver() {
    this.version = this.state.theirs.version;
    this.savedText = draftText(contentOf(this.state.theirs));
    this.set({ kind: "saving" });
    return this.save();
  }

  /** After a conflict: shows what the other tab saved; what was here comes back with one undo. */
  reload() {
    return this.show(this.state.theirs, false);
  }

  async show(theirs, fresh) {
    this.set({ kind: "loading" });
    await this.put(contentOf(theirs), fresh);
    this.settle(theirs.version, draftText(this.read().draft), { kind: "saved", at: theirs.saved });
  }

  /** The server holds `version` with this text; without a `state` what is shown is newer and will be saved. */
  settle(version, text, state, draft = this.read().draft, stamp = this.where().stamp) {
    this.version = version;
    this.savedText = text;
    this.savedStamp = state ? stamp : null;
    this.memory.set(this.scoresId, { version, work: workText(draft) });
    if (state) {
      this.savedAt = state.at;
      return this.set(state);
    }
    this.set({ kind: "saving" });
    return this.changed();
  }

  conflict(theirs) {
    this.cancel(this.timer);
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
}

/** Returns what a person would lose: the set that is looked at is not among it. */
function workText({ rule, overrides, notes }) {
  return draftText({ rule, overrides, notes });
}

/** Returns the part of a saved draft that a person made. */
export function contentOf({ set, rule, overrides = {}, notes = {}, masks = [] }) {
  return { set, rule, overrides, notes, masks };
}

/** Returns the state for the mask bar: "draft saved 12:03". `time`: ms → text. */
export function keptWords(state, time) {
  return {
    browser: "", loading: "draft loading…", saving: "draft saving…", conflict: "draft not saved: edited elsewhere",
    saved: state.at ? `draft saved ${time(state.at)}` : "", failed: `draft not saved: ${state.reason}`,
  }[state.kind];
}
