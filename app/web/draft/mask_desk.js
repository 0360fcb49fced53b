/** Holds the draft, the named masks and the mask that the draft came from; the parts of the page ask here. */

import { button, node, setText } from "../dom/dom.js";
import {
  draftOf,
  draftOfSet,
  draftText,
  missingSignals,
  restoreDraft,
  takeDraft,
} from "../model/mask_draft.js";
import { clockTime } from "../text/numbers.js";
import { keepWork } from "./address.js";
import { bannerWords } from "./draft_banner.js";
import { draftsBySet, draftsIn, freeName, savedWords } from "./draft_file.js";
import { saveDraft } from "./export_mask.js";
import { sinceSaved } from "./mask_changes.js";
import { DraftKeeper } from "./mask_keeper.js";
import { keepVersion, readDraft, readVersion } from "./tab_storage.js";

/** The desk on which masks lie. Other parts read `since`, `flips()` and `state`, and call `changed()`. */
export class MaskDesk {
  /**
   * @param {import("../model/tokens_model.js").TokensModel} model
   * @param {{ask: (name: string, data: object) => Promise<any>, compute: (signal: string) => Promise<void>,
   *   say: (words: string) => void, linked: boolean, show: (index: number) => void, refresh: () => void,
   *   onState: (state: object) => void}} host
   */
  constructor(model, host) {
    this.model = model;
    this.host = host;
    this.masks = [];
    /** The named mask that each set's draft came from. */
    this.cameFrom = new Map();
    this.filled = new Set();
    this.keeper = this.makeKeeper();
    // At once: what a person does before the draft has arrived is told from what was there before.
    model.subscribe((kinds) => {
      if (kinds.includes("data")) this.keeper.open();
    });
    /** What was kept and cannot be read, in sentences, or "". */
    this.damage = "";
    /** What shows the list of named masks hears here that it has changed. */
    this.listed = () => {};
    this.buildBanner();
    globalThis.addEventListener?.("beforeunload", (event) => {
      if (this.keeper.state.kind === "failed") event.preventDefault();
    });
  }

  /**
   * Returns the keeper of what this desk shows.
   * @param {{wait?: Wait, cancel?: Cancel, name?: () => string}} [parts]
   */
  makeKeeper(parts = {}) {
    return new DraftKeeper({
      ask: this.host.ask,
      where: () => this.where(),
      read: () => this.read(),
      ready: (draft) => this.ready(draft),
      put: (draft, fresh) => this.put(draft, fresh),
      onState: (state) => this.told(state),
      onNewer: this.host.refresh,
      onKept: (answer) => this.kept(answer),
      memory: {
        get: readVersion,
        set: keepVersion,
        draft: () => readDraft(this.model.payload),
      },
      ...parts,
    });
  }

  buildBanner() {
    this.choices = this.makeChoices();
    this.bannerText = node("span");
    this.toFile = button("Save my draft as a file", () => saveDraft(this.model), {
      class: "tu-button",
      attributes: { title: "It is no longer lost with this page; Import… takes it" },
    });
    this.banner = node(
      "div",
      { class: "tu-alarm", attributes: { role: "alert", hidden: true } },
      this.bannerText,
      this.toFile,
      ...this.choices,
    );
  }

  /** The ways out of a conflict. */
  makeChoices() {
    return [
      button("Keep mine", () => this.keeper.takeOver(), {
        class: "tu-button",
        attributes: { title: "Save what is shown here over it" },
      }),
      button("Load the other", () => this.keeper.reload(), {
        class: "tu-button",
        attributes: { title: "Undo brings back what is shown now" },
      }),
      button("Keep both", () => this.keepBoth(), {
        class: "tu-button",
        attributes: { title: "Save what is shown here as a mask, then load the other" },
      }),
    ];
  }

  /** The mask that the draft of the present set came from, or null. */
  get since() {
    return this.cameFrom.get(this.model.set) ?? null;
  }

  get scoresId() {
    return this.model.payload.scores_id;
  }

  get live() {
    return this.model.payload.state === "live";
  }

  where() {
    const { model } = this;
    return {
      textId: model.payload.text_id,
      scoresId: this.scoresId,
      live: this.live,
      stamp: [model.history.present, model.set, this.maskIds().join()],
    };
  }

  maskIds() {
    return [...this.cameFrom.values()].map(({ id }) => id).sort();
  }

  read() {
    const { model } = this;
    return {
      draft: { ...draftOf(model), masks: this.maskIds() },
      untouched: { rule: model.firstRule(), overrides: {}, notes: {} },
    };
  }

  /** What the view calls after it has drawn; `kinds` says what changed. */
  changed(kinds) {
    if (kinds.has("data")) this.keeper.open();
    if (kinds.has("rule")) this.keeper.changed();
    if (kinds.has("data")) this.follow();
    if (this.live && (kinds.has("rule") || kinds.has("data"))) this.fill();
  }

  /** Asks, once for each scores, for a signal that the rule needs and these scores came without. */
  fill() {
    for (const name of missingSignals(this.model, this.model.rule)) {
      const key = `${this.scoresId} ${name}`;
      if (this.filled.has(key)) continue;
      this.filled.add(key);
      this.host.compute(name).catch((error) => this.host.say(`${name} is not known: ${error.message}`));
    }
  }

  /** Keeps in this tab what is shown, for a reload and for the next visit of the text. */
  keepWork() {
    if (this.keeper.keeps) keepWork(this.model, this.keeper.begun);
  }

  /** Another text takes the place of this one: what was decided on this one stays with it. */
  leave() {
    this.keepWork();
    this.keeper.leave();
  }

  kept({ masks, since, damage = "" }) {
    this.masks = masks;
    this.damage = damage;
    this.cameFrom = bySet(since);
    this.listed();
  }

  /** Other scores of the same text: a mask that was made on the ones before chooses other tokens on these. */
  async follow() {
    const { scoresId } = this;
    const before = this.followed;
    this.followed = scoresId;
    if (!this.live || !this.keeper.met || before === undefined || before === scoresId) return;
    const answers = this.maskIds().map((id) => this.loaded(id));
    const listed = this.host.ask("kept_masks", this.ids).catch(() => null);
    const [masks, cameFrom] = [(await listed)?.masks, (await Promise.all(answers)).filter(Boolean)];
    if (scoresId !== this.scoresId || !masks) return;
    this.masks = masks;
    for (const mask of cameFrom)
      if (this.cameFrom.get(mask.set)?.id === mask.id) this.cameFrom.set(mask.set, mask);
    this.listed();
    this.model.tell("rule");
  }

  /** Gets the signals of a draft's rule and the masks that it came from. */
  async ready(draft) {
    await this.computeFor(draft.rule);
    if (draft.masks.join() === this.maskIds().join()) return;
    this.cameFrom = bySet((await Promise.all(draft.masks.map((id) => this.loaded(id)))).filter(Boolean));
  }

  /**
   * Returns a named mask, or null: one that was removed meanwhile is not missed, the draft is whole without
   * it.
   */
  loaded(id) {
    return this.host.ask("load_mask", { scores_id: this.scoresId, id }).catch(() => null);
  }

  put(draft, fresh) {
    if (fresh) restoreDraft(this.model, this.host.linked ? { ...draft, set: this.model.set } : draft);
    else takeDraft(this.model, draft, true);
  }

  async computeFor(rule) {
    for (const name of missingSignals(this.model, rule)) await this.host.compute(name);
  }

  get ids() {
    return { text_id: this.model.payload.text_id, scores_id: this.scoresId };
  }

  told(state) {
    const words = bannerWords(state, this.damage, clockTime);
    this.banner.hidden = words === "";
    if (words) {
      setText(this.bannerText, words);
      this.toFile.hidden = state.kind !== "failed";
      for (const each of this.choices) each.hidden = state.kind !== "conflict";
    }
    this.host.onState(state);
  }

  /** Returns the tokens that the present mask flips against the saved one, or null. */
  flips() {
    return sinceSaved(this.model, this.since);
  }

  /** Saves the present mask of the set under a name; it becomes what the draft is compared with. */
  async save(name) {
    const answer = await this.host.ask("save_mask", {
      scores_id: this.scoresId,
      name,
      ...draftOfSet(this.model),
    });
    this.masks = answer.masks;
    this.turnTo(answer.saved);
    this.host.say(`Saved as ${name}`);
  }

  /**
   * After a conflict: what is shown here becomes a named mask a set beside the draft of the other tab, which
   * is loaded.
   */
  async keepBoth() {
    try {
      this.masks = (await this.host.ask("kept_masks", this.ids)).masks; // the other tab may have saved some
      const mine = draftOf(this.model);
      const saved = await this.importDrafts(
        `Mine at ${clockTime(Date.now())}`,
        draftsBySet(mine, this.model),
      );
      this.host.say(savedWords(saved));
      // What was changed meanwhile is in neither of the two: it is still to be decided.
      if (draftText(mine) === draftText(draftOf(this.model))) await this.keeper.reload();
    } catch (error) {
      this.host.say(`Not saved: ${error.message}`);
    }
  }

  /**
   * Brings rule and overrides of a named mask back, in one step of undo. Returns the mask as it is on these
   * scores.
   */
  async load(id) {
    const saved = await this.host.ask("load_mask", { scores_id: this.scoresId, id });
    await this.computeFor(saved.rule);
    takeDraft(this.model, saved);
    this.turnTo(saved);
    this.host.say(`Loaded ${saved.name}`);
    return saved;
  }

  /**
   * Adds a file, of a mask or a draft, to the named masks; the draft shown stays. Returns what
   * `importedWords` takes.
   */
  async import(wanted, text) {
    const drafts = draftsIn(text, this.model);
    if (drafts) return { drafts: await this.importDrafts(wanted, drafts) };
    const name = freeName(wanted, this.masks);
    const { saved, masks } = await this.host.ask("import_mask", { scores_id: this.scoresId, name, text });
    this.masks = masks;
    this.listed();
    return { saved };
  }

  /** Adds a named mask for each draft, which are of several sets and have one rule. Returns them. */
  async importDrafts(wanted, drafts) {
    await this.computeFor(drafts[0].rule);
    const added = [];
    for (const draft of drafts) {
      const name = freeName(wanted, this.masks);
      const { saved, masks } = await this.host.ask("save_mask", { scores_id: this.scoresId, name, ...draft });
      this.masks = masks;
      this.listed();
      added.push(saved);
    }
    return added;
  }

  /**
   * Takes a named mask off the list, or puts it back on.
   * @param {"remove_mask"|"restore_mask"} act
   * @param {string} id
   */
  async relist(act, id) {
    this.masks = (await this.host.ask(act, { scores_id: this.scoresId, id })).masks;
    this.listed();
  }

  /** Forces tokens as another mask has them, with that mask's note: one step of undo. */
  take(tokens, side, name) {
    const note = side.note ? `${side.note} (${name})` : `as in ${name}`;
    const state = side.chosen ? "in" : "out";
    this.model.override(tokens.map((index) => ({ index, state, note })));
  }

  turnTo(saved) {
    this.cameFrom.set(saved.set, saved);
    this.listed();
    this.model.tell("rule");
  }
}

function bySet(masks) {
  return new Map(masks.map((mask) => [mask.set, mask]));
}
