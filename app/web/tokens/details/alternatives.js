/**
 * What could stand in the locked token's place, with the knowledge as it is and masked: asked of the server
 * once per token.
 */

import { node, setText } from "../../dom/dom.js";
import { tokensAt } from "../../model/shown_unit.js";
import { entryOf, sourceIn } from "../../model/signal_entry.js";
import { ordinal } from "../../text/numbers.js";
import { shortened } from "../../text/strip_marks.js";

/**
 * Shows the server's two lists for the locked token, the five likeliest and the true one; answers are cached,
 * late ones are only cached.
 */
export class AlternativesView {
  /**
   * @param {import("../../model/tokens_model.js").TokensModel} model
   * @param {(args: object) => Promise<object>} ask
   */
  constructor(model, ask) {
    this.model = model;
    this.ask = ask;
    this.answers = new Map();
    this.whole = node("div");
    this.masked = node("div");
    this.maskedHead = node("h3");
    this.note = node("p", { class: "tu-note" });
    this.state = node("p", { class: "tu-note", attributes: { role: "status" } });
    this.lists = node(
      "div",
      { class: "tu-alternatives" },
      node("div", {}, node("h3", { text: "likeliest here, as is" }), this.whole),
      node("div", {}, this.maskedHead, this.masked),
    );
    this.element = node("div", {}, this.lists, this.note, this.state);
  }

  /** Redraws for the hovered (cache only) or locked token (asks the server). */
  update() {
    const { hovered, locked } = this.model.view;
    const index = hovered ?? locked;
    if (index === null) return;
    this.forgetRefusals();
    const key = [this.model.payload.scores_id, index].join();
    const answer = this.answers.get(key);
    // The pointer still rests on a token that was clicked.
    if (!answer && (hovered === null || hovered === locked)) this.request(key, index);
    this.draw(answer, index, hovered !== null && hovered !== locked);
  }

  /** What a recorded or half-scored payload could not answer, the next one may, under the same id. */
  forgetRefusals() {
    if (this.payload === this.model.payload) return;
    this.payload = this.model.payload;
    for (const [key, { error }] of this.answers) if (error) this.answers.delete(key);
  }

  draw(answer, index, previewing) {
    const ready = answer && !answer.pending && !answer.error;
    setText(this.note, ready ? noteWords(this.model, index, answer) : "");
    const picture = [answer, index, previewing];
    if (this.drawn?.every((each, at) => each === picture[at])) return;
    this.drawn = picture;
    this.lists.hidden = !ready && !answer?.pending;
    this.lists.classList.toggle("is-stale", Boolean(answer?.pending));
    const waiting = previewing ? "Click to see what else could follow." : "";
    setText(this.state, answer?.error ? answer.error : ready || answer?.pending ? "" : waiting);
    if (answer?.pending) {
      setText(this.maskedHead, headWords(this.model, this.model.row));
      for (const list of [this.whole, this.masked])
        if (!list.childElementCount) list.replaceChildren(...placeholders());
      return;
    }
    if (!ready) return;
    setText(this.maskedHead, headWords(this.model, answer));
    this.whole.replaceChildren(...entries(answer.with ?? []));
    this.masked.replaceChildren(
      ...(answer.without?.length
        ? entries(answer.without)
        : [node("p", { class: "tu-note", text: "No score here: the token is part of the name." })]),
    );
  }

  async request(key, index) {
    const { model } = this;
    this.answers.set(key, { pending: true });
    const row = model.columns.row[index];
    try {
      const position = index - model.payload.rows[row].first;
      this.answers.set(key, await this.ask({ scores_id: model.payload.scores_id, row, position }));
    } catch (error) {
      const live = model.payload.state === "live";
      this.answers.set(key, {
        error: live ? `Not available: ${error?.message ?? error}` : "The alternatives need the live model.",
      });
      // Asked again at the next visit: a model that was loading may be ready by then.
      setTimeout(() => this.answers.delete(key), 4000);
    }
    this.update();
  }
}

/**
 * Returns what stands above the second list: the name that was put in, or the mask.
 * @param {{payload: Payload}} model
 * @param {{masking?: string, name?: string}} answer
 */
export function headWords({ payload }, { masking, name }) {
  return name ? `with “${shortened(name, 40)}”` : (payload.masks?.[masking] ?? "with the knowledge masked");
}

/**
 * Returns what the lists are of, where that is not what stands above them: one token of a word, another mask;
 * else "".
 */
export function noteWords(model, index, { masking, name = "" }) {
  const ofToken =
    tokensAt(model, index).length > 1
      ? `What could follow is of one token of the word, “${model.tokenText(index)}”.`
      : "";
  const chosen = sourceIn(model, model.payload.rows[model.columns.row[index]], model.rule.knowledge);
  const { passes = [] } = entryOf(model.payload, chosen);
  const ofMask =
    masking && !passes.includes(masking)
      ? `The second list is ${headWords(model, { masking })}, which the chosen knowledge does not use.`
      : "";
  const { length } = model.payload.rows[model.columns.row[index]].names ?? [];
  const ofName =
    name && length > 1
      ? `Of ${length} names this one moves the token most; its score is the mean over all.`
      : "";
  return [ofToken, ofMask || ofName].filter(Boolean).join(" ");
}

/**
 * Returns the lines of a list; the true token is known by its number, and where it is none of the likeliest
 * its rank is told.
 */
export function alternativeLines(list) {
  return list.map(([token, probability, rank, isTrue], at) => ({
    text: visible(token),
    place: rank > at + 1 ? `(${ordinal(rank)})` : "",
    probability,
    isTrue,
  }));
}

function entries(list) {
  return alternativeLines(list).map(({ text, place, probability, isTrue }) =>
    node(
      "div",
      {
        class: isTrue ? "tu-alternative is-true" : "tu-alternative",
        style: { "--tu-part": `${(100 * probability).toFixed(1)}%` },
      },
      node("span", { text }),
      place && node("span", { text: place, attributes: { title: "Its place among all tokens" } }),
      node("span", { text: probability.toFixed(2) }),
    ),
  );
}

function placeholders() {
  return Array.from({ length: 5 }, () =>
    node("div", { class: "tu-alternative", style: { "--tu-part": "0%" } }, node("span", { text: " " })),
  );
}

function visible(token) {
  return token.replace(/ /g, "·").replace(/\n/g, "↵");
}
