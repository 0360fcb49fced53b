/** The Tokens view: composes its parts in one element and keeps them equal to one model. */

import { button, node, setAttributes, setText } from "../dom/dom.js";
import { atRest } from "../dom/later.js";
import { liveRegion } from "../dom/live_region.js";
import { belowOnNarrow, putUp } from "../dom/view_frame.js";
import { restoreView, showPlace } from "../draft/address.js";
import { forbiddenWords } from "../draft/browser_storage.js";
import { saveDraft } from "../draft/export_mask.js";
import { MarksDesk } from "../draft/marks_desk.js";
import { MaskCheck } from "../draft/mask_check.js";
import { MaskDesk } from "../draft/mask_desk.js";
import { takeOver } from "../draft/run_again.js";
import { readDraft, readMarks } from "../draft/tab_storage.js";
import { shareRows } from "../model/columns.js";
import { draftOfSet } from "../model/mask_draft.js";
import { jump, NONE_LISTED } from "../model/moves.js";
import { isStepBack } from "../model/scores_change.js";
import { lockedWords } from "../model/shown_unit.js";
import { TokensModel } from "../model/tokens_model.js";
import { emptyState } from "../open/empty_state.js";
import { acceptDrops, openPanel } from "../open/open_panel.js";
import { mask_hash } from "../score/mask_hash.js";
import { askServer } from "../server/server_ask.js";
import { serverLink } from "../server/server_link.js";
import { draftNow, wantOpen } from "../server/shared_value.js";
import { knowsMost } from "../text/known.js";
import { plural } from "../text/numbers.js";
import { choosePanel } from "../tokens/choose/choose.js";
import { AlternativesView } from "../tokens/details/alternatives.js";
import { detailsPanel } from "../tokens/details/details.js";
import { ProposedToken } from "../tokens/details/proposed_token.js";
import { fittedWeights } from "../tokens/marks/fitted_weights.js";
import { marksBar } from "../tokens/marks/marks_bar.js";
import { marksDialog } from "../tokens/marks/marks_dialog.js";
import { marksPanel } from "../tokens/marks/marks_panel.js";
import { recommended } from "../tokens/marks/recommendation.js";
import { exportPanel } from "../tokens/masks/export_panel.js";
import { lostNote } from "../tokens/masks/lost_note.js";
import { maskBar, whyNot } from "../tokens/masks/mask_bar.js";
import { maskPanel } from "../tokens/masks/mask_panel.js";
import { overridesList } from "../tokens/masks/overrides_list.js";
import { tokenPictures } from "../tokens/pictures/token_pictures.js";
import { promptView } from "../tokens/question/prompt.js";
import { rowWords } from "../tokens/rows/row_card.js";
import { rowsOverview } from "../tokens/rows/rows_overview.js";
import { helpCard } from "../tokens/strip/help_card.js";
import { runText } from "../tokens/strip/run_text.js";
import { signalBar } from "../tokens/strip/signal_bar.js";
import { markUnits, perform, undoAnywhere } from "../tokens/strip/strip_acts.js";
import { stripLegend } from "../tokens/strip/strip_legend.js";
import { stripStack } from "../tokens/strip/strip_stack.js";
import { toStrip } from "./page_keys.js";
import { tour } from "./tour.js";

/** What all of this is, for whoever sees it for the first time. */
const WHAT =
  "See which words of an answer carry a fact, make the model forget only those, and check what else it lost.";

/**
 * Builds the view inside `element` and redraws it when `value` changes. `props.value` is only read.
 * @param {MountHost} host
 */
export function mount({ element, props, trigger, watch, server }) {
  let view = null;
  const panel = openPanel({
    ask: (name, args) => askServer(server ?? {}, name, args),
    opened: () => trigger("opened", {}),
    seeTokens: toStrip,
  });
  // Outside of the tab, which is hidden while another one is open.
  const frame = element.closest(".gradio-container") ?? document.body;
  frame.querySelector(":scope > .tu-open-host")?.remove();
  frame.append(node("div", { class: "tu-view tu-open-host" }, panel.element));
  acceptDrops(element, panel.take);
  const leave = () => {
    view?.leave();
    view = null;
  };
  const draw = () => {
    const payload = props.value;
    if (!payload?.rows?.length) {
      leave();
      return element.replaceChildren(emptyState(panel, payload?.message));
    }
    if (view && !payload.draft && !shareRows(view.model.payload, payload)) leave();
    if (view && isStepBack(view.model.payload, payload)) return undefined;
    if (view) return payload.draft ? takeOver(view.model, payload) : view.model.load(payload);
    view = new TokensView(payload, { trigger, server: server ?? {} });
    return putUp(element, view);
  };
  watch("value", draw);
  draw();
}

/** The composed view over one model. */
class TokensView {
  constructor(payload, { trigger, server }) {
    this.trigger = trigger;
    this.server = server;
    this.model = new TokensModel(payload, readDraft(payload), readMarks(payload).rows);
    this.linked = restoreView(this.model, globalThis.location?.search ?? "");
    const { model } = this;
    this.proposed = new ProposedToken(model);
    this.alternatives = new AlternativesView(model, (args) => this.ask("alternatives", args));
    this.check = new MaskCheck({
      ask: (args) => this.ask("confirm_mask", args),
      hash: mask_hash,
      onState: (state) => this.confirmed(state),
    });
    this.help = helpCard();
    this.tour = tour({ showGold: () => this.showGold(), knows: () => knowsMost(model.payload.rows) });
    this.live = liveRegion();
    this.desk = new MaskDesk(model, {
      ask: (name, args) => this.ask(name, args),
      compute: (name) => this.compute(name),
      say: (words) => this.live.say(words),
      linked: this.linked,
      show: (index) => this.walk([index]),
      refresh: () => this.trigger("opened", {}),
      onState: (state) => this.bar?.kept(state),
    });
    this.marks = new MarksDesk(model, {
      ask: (name, args) => this.ask(name, args),
      say: (words) => this.live.say(words),
      refresh: () => this.trigger("opened", {}),
      onState: () => {
        this.marksBar?.update();
        this.marksPanel?.update();
        this.recommended?.update();
      },
    });
    model.leaving = () => {
      this.desk.leave();
      this.marks.leave();
    };
    draftNow.plan = async () => ({ hash: await mask_hash(model.mask.weights), ...this.draft() });
    draftNow.tell = () => this.trigger("draft", this.plan());
    this.compose();
    this.followServer();
    this.kinds = new Set();
    this.work = atRest(() => this.element.isConnected && this.keepWork());
    model.subscribe((kinds) => this.changed(kinds));
    this.hide = () => this.keepAll();
    globalThis.addEventListener("pagehide", this.hide);
  }

  /** Keeps what is being typed and what waits for the next frame: the page is left, or loaded anew. */
  keepAll() {
    const focused = /** @type {HTMLElement|null} */ (document.activeElement);
    focused?.blur();
    this.flush();
    this.keepWork();
    focused?.focus({ preventScroll: true }); // The browser's way back shows the page as it was.
  }

  keepWork() {
    this.desk.keepWork();
    this.marks.keepWork();
  }

  compose() {
    const { model } = this;
    this.signals = signalBar(
      model,
      (name) => this.compute(name),
      (held) => this.hold(held),
    );
    this.strips = stripStack(
      model,
      (event, strip) =>
        perform(event, strip, {
          showHelp: this.help.show,
          chooseSignal: (signal) => model.setView({ signal }),
          say: (words) => this.say(words),
          looked: () => this.marks.looked(),
        }),
      (tokens) => this.say(markUnits(model, tokens, this.marksBar.mark())),
    );
    this.masks = maskPanel(this.desk, this.desk.host);
    this.marksDialog = marksDialog(this.marks);
    this.marksBar = marksBar(model, this.marks, this.marksDialog.show);
    this.legend = stripLegend(model, this.signals.legend.element);
    this.prompt = promptView(model, {
      ask: (name, args) => this.ask(name, args),
      say: (words) => this.live.say(words),
    });
    this.why = node("p", { class: "tu-why" });
    this.runs = runText(model, (name, args) => this.ask(name, args));
    this.rowState = node("p", { class: "tu-note tu-row-note" });
    this.rows = rowsOverview(model);
    this.rows.element.append(
      node(
        "div",
        { class: "tu-open-data" },
        button("Open data…", () => wantOpen("data"), { class: "tu-toggle" }),
        button("Teach a fact…", () => wantOpen("teach"), { class: "tu-toggle" }),
        // On a phone the mask bar has no room for them.
        button("Masks…", () => this.masks.show(), { class: "tu-toggle tu-on-phone tu-remote" }),
        button("Export…", () => this.exports.show(), { class: "tu-toggle tu-on-phone tu-remote" }),
      ),
    );
    this.marksPanel = marksPanel(model, this.marks);
    this.details = detailsPanel(model, this.alternatives);
    this.recommended = recommended(model, this.marks);
    this.weights = fittedWeights(model, this.marks, (name) => this.compute(name));
    this.choose = choosePanel(model);
    this.pictures = tokenPictures(model);
    this.exports = exportPanel(model, {
      ask: (name, args) => this.ask(name, args),
      draft: () => this.draft(),
      say: (words) => this.live.say(words),
    });
    this.overrides = overridesList(model, (index) => this.walk([index]));
    this.lost = lostNote(model, (index) => this.walk([index]));
    this.bar = maskBar(model, this.desk, {
      masks: () => this.masks.show(),
      exports: () => this.exports.show(),
      overrides: () => this.overrides.show(),
      unlearn: () => this.unlearn(),
      check: () => model.showMask(null),
      walk: (indices) => this.walk(indices),
      row: (at) => model.goTo(at),
    });
    const forbidden = forbiddenWords();
    this.centre = node(
      "section",
      { class: "tu-centre", attributes: { "aria-label": "Tokens" } },
      node("p", { class: "tu-note tu-what", text: WHAT }),
      node("p", { class: "tu-note", text: forbidden, attributes: { hidden: forbidden === "" } }),
      this.tour.element,
      this.signals.element,
      this.prompt.element,
      this.marksBar.element,
      this.strips.element,
      this.legend.element,
      node("div", { class: "tu-under-strip" }, this.signals.legend.caption, this.jumpButtons()),
      this.rowState,
      this.why,
      this.runs.element,
      this.pictures.element,
    );
    const right = node(
      "aside",
      { class: "tu-right" },
      this.choose.first,
      this.marksPanel.element,
      this.details.element,
      node(
        "section",
        { class: "tu-evidence", attributes: { "aria-label": "Which signal to trust" } },
        this.recommended.element,
        this.weights.element,
      ),
      this.choose.rest,
    );
    this.unplace = belowOnNarrow(this.pictures.element, this.centre, right);
    this.element = node(
      "div",
      { class: "tu-view" },
      this.rows.element,
      this.centre,
      right,
      this.desk.banner,
      this.marksBar.banner,
      this.lost.element,
      this.bar.alarm,
      this.bar.training,
      this.bar.element,
      this.live.element,
      this.help.element,
      this.masks.element,
      this.marksDialog.element,
      this.exports.element,
      this.overrides.element,
    );
    this.element.addEventListener("focusin", (event) => this.endPreview(event));
    this.unhear = undoAnywhere(this.element, model);
  }

  /**
   * A preview ends when the focus goes elsewhere; in the details it stays, for there one acts on what it
   * shows.
   */
  endPreview(event) {
    if (!event.target.closest(".tu-strip, .tu-details")) this.model.setView({ hovered: null });
  }

  /**
   * While the server is gone the draft can be taken along; what could not be sent is sent when it is back.
   */
  followServer() {
    serverLink.rescue = () => saveDraft(this.model);
    this.unfollow = serverLink.subscribe((gone) => {
      if (gone) return;
      this.desk.keeper.again();
      this.marks.again();
      this.confirm();
    });
  }

  /** Other rows take this view's place: it hears no more of server and runs. */
  leave() {
    globalThis.removeEventListener("pagehide", this.hide);
    this.check.leave();
    this.desk.leave();
    this.marks.leave();
    draftNow.set({ scores: "", hash: "", why: "" });
    draftNow.plan = async () => null;
    this.unfollow();
    this.unhear();
    this.unplace();
    this.tour.away();
    this.signals.leave();
    this.bar.leave();
    this.runs.leave();
  }

  jumpButtons() {
    const to = (wanted) => () => this.told(jump(this.strips.first(), wanted));
    return node(
      "div",
      { class: "tu-jumps" },
      this.marksBar.toggle,
      button(
        "Next chosen",
        to((index) => this.model.mask.selected[index] === 1),
        { class: "tu-toggle", attributes: { title: "n" } },
      ),
      button(
        "Next disagreement",
        to((index) => this.model.differs(index)),
        {
          class: "tu-toggle",
          attributes: { title: "Next token where the rule and the marked fact differ (u)" },
        },
      ),
      button("Tour", () => this.tour.show(), { class: "tu-toggle" }),
      button("Keys", () => this.help.show(), {
        class: "tu-toggle",
        attributes: { title: "Keys and marks (?)" },
      }),
    );
  }

  /** Draws everything for the first time. */
  start() {
    this.proposed.propose();
    this.changed(["data", "rule", "view"]);
    this.flush();
    this.tour.start();
  }

  changed(kinds) {
    kinds.forEach((kind) => this.kinds.add(kind));
    // A lock at once: a reload goes to the address that stands there when it begins. The draft has time until
    // then.
    if (kinds.includes("view") && this.model.view.locked !== null) showPlace(this.model);
    this.frame ??= requestAnimationFrame(() => this.flush());
  }

  /** Draws once per frame what changed since the last one. */
  flush() {
    cancelAnimationFrame(this.frame);
    this.frame = null;
    const kinds = this.kinds;
    this.kinds = new Set();
    if (this.rowShown !== this.model.row?.id) this.enterRow(kinds);
    if (kinds.has("data")) this.proposed.renew();
    if (kinds.has("rule") || kinds.has("data")) this.confirm();
    if (["rule", "data", "view", "marks"].some((kind) => kinds.has(kind))) this.drawAll(kinds);
    this.details.update();
    this.choose.update();
    this.pictures.update(kinds);
    this.signals.legend.point();
    setText(this.why, this.strips.why());
    if (kinds.has("row") || kinds.has("data")) this.runs.update();
    if (kinds.has("data") || kinds.has("view")) this.lost.update();
    if (kinds.has("view")) showPlace(this.model);
    if (["rule", "view", "marks"].some((kind) => kinds.has(kind))) this.work.later();
    this.desk.changed(kinds);
    this.marks.changed(kinds);
  }

  enterRow(kinds) {
    const arriving = this.rowShown !== undefined;
    this.rowShown = this.model.row?.id;
    kinds.add("row");
    if (arriving) this.toQuestion();
    if (arriving) this.live.add(rowWords(this.model));
    if (arriving) this.proposed.propose();
  }

  /**
   * A row begins with its question: in the column that scrolls, and on a narrow page, which scrolls as a
   * whole.
   */
  toQuestion() {
    this.centre.scrollTop = 0;
    if (this.centre.getBoundingClientRect().top < 0) this.centre.scrollIntoView();
  }

  drawAll(kinds) {
    const { model } = this;
    setAttributes(this.element, { "data-marking": model.view.marking });
    // First, because it reads places: after the others have written, that would lay the page out twice.
    this.rows.update(kinds);
    this.prompt.update();
    this.strips.update();
    this.strips.element.classList.toggle("is-stale", model.stale.has(model.row?.id));
    this.signals.update();
    this.legend.update();
    this.bar.update();
    this.marksBar.update();
    this.marksPanel.update();
    this.recommended.update();
    this.weights.update();
    this.overrides.update();
    setText(this.rowState, this.strips.emptyWords());
    // While facts are marked what is said is of the marks.
    if ((kinds.has("rule") || kinds.has("data")) && !model.view.marking) {
      this.live.say(`${model.mask.counts.chosen} of ${plural(model.mask.counts.total, "token")} chosen`);
    }
  }

  draft() {
    const { model } = this;
    return { scores_id: model.payload.scores_id, ...draftOfSet(model) };
  }

  /** Returns the draft under the hash that the server has confirmed last. */
  plan() {
    return { hash: this.check.state.hash, ...this.draft() };
  }

  confirm() {
    if (this.model.mask.own) return; // It is the server's that is shown: the question is answered.
    this.check.changed({ draft: this.draft(), weights: this.model.mask.weights });
  }

  confirmed(state) {
    const { knowledge, entropy } = this.model.rule;
    // Perhaps it was fitted on marks that somebody else has made meanwhile: their numbers are those to look
    // at, once.
    if (
      state.kind === "differs" &&
      [knowledge, entropy].includes("learned") &&
      this.refreshed !== state.hash
    ) {
      this.refreshed = state.hash;
      this.trigger("opened", {});
    }
    this.bar?.confirmed(state);
    const why = whyNot(this.model, state);
    draftNow.set({ scores: this.model.payload.scores_id, hash: why ? "" : state.hash, why });
  }

  ask(name, args) {
    return askServer(this.server, name, args, name === "alternatives");
  }

  /** Goes to the next of these tokens, in whatever row of the set it stands. */
  walk(indices) {
    const wanted = new Set(indices);
    if (wanted.size) this.told(jump(this.strips.first(), (index) => wanted.has(index), this.model.rowsOfSet));
  }

  /** Says what a walk has come to: the focus stays on its button, so nobody hears the token. */
  told(words) {
    this.say(words === NONE_LISTED ? words : [words, lockedWords(this.model)].filter(Boolean).join(". "));
  }

  /** Underlines the fact; returns whether the set has one that is marked. */
  showGold() {
    const { model } = this;
    if (model.mask.counts.gold > 0) model.setView({ gold: true });
    return model.mask.counts.gold > 0;
  }

  say(words) {
    if (words) this.live.say(words);
  }

  async compute(name) {
    const { scores_id } = this.model.payload;
    const answer = await this.ask("compute_signal", { scores_id, name });
    // Numbers of other scores by now.
    if (scores_id !== this.model.payload.scores_id) return this.compute(name);
    // The host may instead send a new payload; then there is nothing to add here.
    if (answer?.values) this.model.addSignal(name, answer.values, answer.info, answer.leaderboard);
    return undefined;
  }

  async hold(held) {
    await this.ask("hold_scoring", { held });
    this.trigger("opened", {});
  }

  /** Goes on to unlearning; while the server is still checking the mask, as soon as it agrees with this one. */
  unlearn() {
    this.flush(); // A change that waits for the next frame is a mask of its own.
    this.check.whenAnswered(() => {
      this.flush();
      if (!whyNot(this.model, this.check.state)) this.trigger("unlearn", this.plan());
    });
  }
}
