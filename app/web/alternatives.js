/** What could stand in the locked token's place, with the knowledge as it is and masked: asked of the server once per token. */

import { node, setText } from "./dom.js";

const HEADS = { swap: "with the name swapped", subject: "with the name hidden", prompt: "with the question hidden", occlusion: "with one word hidden" };

/** Shows the server's two top-5 lists for the locked token; answers are cached, late ones are only cached. */
export class AlternativesView {
  /** @param {import("./tokens_model.js").TokensModel} model @param {(args: object) => Promise<object>} ask */
  constructor(model, ask) {
    this.model = model;
    this.ask = ask;
    this.answers = new Map();
    this.whole = node("div");
    this.masked = node("div");
    this.maskedHead = node("h3");
    this.state = node("p", { class: "tu-note", attributes: { role: "status" } });
    this.lists = node("div", { class: "tu-alternatives" },
      node("div", {}, node("h3", { text: "what follows, as is" }), this.whole),
      node("div", {}, this.maskedHead, this.masked));
    this.element = node("div", {}, this.lists, this.state);
  }

  /** Redraws for the hovered (cache only) or locked token (asks the server). */
  update() {
    const { hovered, locked } = this.model.view;
    const index = hovered ?? locked;
    if (index === null) return;
    this.forgetRefusals();
    const key = [this.model.payload.scores_id, this.model.rule.knowledge, index].join();
    const answer = this.answers.get(key);
    if (!answer && hovered === null) this.request(key, index);
    this.draw(answer, index, hovered !== null && hovered !== locked);
  }

  /** What a recorded or half-scored payload could not answer, the next one may, under the same id. */
  forgetRefusals() {
    if (this.payload === this.model.payload) return;
    this.payload = this.model.payload;
    for (const [key, { error }] of this.answers) if (error) this.answers.delete(key);
  }

  draw(answer, index, previewing) {
    const picture = [answer, index, previewing];
    if (this.drawn?.every((each, at) => each === picture[at])) return;
    this.drawn = picture;
    const ready = answer && !answer.pending && !answer.error;
    this.lists.hidden = !ready && !answer?.pending;
    this.lists.classList.toggle("is-stale", Boolean(answer?.pending));
    const waiting = previewing ? "Click to see what else could follow." : "";
    setText(this.state, answer?.error ? answer.error : ready || answer?.pending ? "" : waiting);
    if (answer?.pending) {
      setText(this.maskedHead, HEADS[this.model.row.masking] ?? "with the knowledge masked");
      for (const list of [this.whole, this.masked]) if (!list.childElementCount) list.replaceChildren(...placeholders());
      return;
    }
    if (!ready) return;
    const truth = this.model.tokenText(index);
    setText(this.maskedHead, HEADS[answer.masking] ?? `with ${answer.masking ?? "the knowledge masked"}`);
    this.whole.replaceChildren(...entries(answer.with ?? [], truth, answer.truth?.with));
    this.masked.replaceChildren(...(answer.without?.length ? entries(answer.without, truth, answer.truth?.without)
      : [node("p", { class: "tu-note", text: "No score here: the token is part of the name." })]));
  }

  async request(key, index) {
    const { model } = this;
    this.answers.set(key, { pending: true });
    const row = model.columns.row[index];
    try {
      const position = index - model.payload.rows[row].first;
      this.answers.set(key, await this.ask({ scores_id: model.payload.scores_id, row, position, knowledge: model.rule.knowledge }));
    } catch (error) {
      const live = model.payload.state === "live";
      this.answers.set(key, { error: live ? `Not available: ${error?.message ?? error}` : "The alternatives need the live model." });
      // Asked again at the next visit: a model that was loading may be ready by then.
      setTimeout(() => this.answers.delete(key), 4000);
    }
    this.update();
  }
}

function entries(list, truth, rankedTruth) {
  const shown = list.slice(0, 5).map(([token, probability]) => ({ token, probability, rank: null }));
  if (rankedTruth && !shown.some(({ token }) => token === rankedTruth[0])) {
    shown.push({ token: rankedTruth[0], probability: rankedTruth[1], rank: rankedTruth[2] });
  }
  return shown.map(({ token, probability, rank }) => node("div", {
    class: token.trim() === truth.trim() ? "tu-alternative is-true" : "tu-alternative",
    style: { "--tu-part": `${(100 * probability).toFixed(1)}%` },
  }, node("span", { text: visible(token) + (rank ? ` (${rank})` : "") }), node("span", { text: probability.toFixed(2) })));
}

function placeholders() {
  return Array.from({ length: 5 }, () => node("div", { class: "tu-alternative", style: { "--tu-part": "0%" } }, node("span", { text: " " })));
}

function visible(token) {
  return token.replace(/ /g, "·").replace(/\n/g, "↵");
}
