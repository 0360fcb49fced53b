/** Draws the answer of one row as chips for one signal: fill or bar = score, outline and glyph = decision. */

import { node, setAttributes, setText } from "../../dom/dom.js";
import { atRest } from "../../dom/later.js";
import { markMeans } from "../../model/mark_words.js";
import { decisionOf, openRange, selectedTokens, weightWords } from "../../model/shown_unit.js";
import { digitsOf } from "../../text/digits.js";
import {
  fullWeight,
  GLYPHS,
  noteOf,
  shortNumber,
  spokenLabel,
  unitState,
  weightShare,
} from "../../text/strip_marks.js";
import { currentWindows, gapsOf, gapWords, openGap, unitPlace } from "../../text/strip_windows.js";
import { textAfter } from "../../text/units.js";
import { listenToCopy } from "./strip_copy.js";
import { listenToPointer } from "./strip_pointer.js";

// Characters that turn the direction of what follows; in a chip of its own they turn nothing else.
const TURNING = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/** Returns a gap `[from, to)` of the strip, a part like any other. */
function gapPart(from, to) {
  const element = node("span", {
    class: "tu-gap",
    attributes: { role: "option", "aria-selected": false, tabindex: -1, "data-gap": from },
  });
  return { key: `gap ${from} ${to}`, from, to, element, make: () => element };
}

/** Returns whether a line ends between a unit and the one before it: an outline ends there too. */
function breaksBetween(units, at) {
  return units[at].before.includes("\n") || units[at - 1].after !== "";
}

/** A strip for `signal` ("knowledge" | "entropy" | "fused"). */
export class TokenStrip {
  /**
   * @param {import("../../model/tokens_model.js").TokensModel} model
   * @param {string} signal
   * @param {(event: KeyboardEvent, strip: TokenStrip) => void} onKey
   * @param {(tokens: number[]) => void} mark marks what a pointer has drawn over
   */
  constructor(model, signal, onKey, mark) {
    this.model = model;
    this.signal = signal;
    this.mark = mark;
    /** @type {import("../../text/units.js").Unit[]|undefined} as drawn last */
    this.units = undefined;
    /** @type {number[][]} the pieces of a long answer that are painted */
    this.windows = [];
    this.digits = [];
    this.tokens = [];
    this.states = [];
    this.gaps = [];
    this.wrapped = [];
    this.element = node("div", {
      class: "tu-strip",
      attributes: { role: "listbox", "aria-multiselectable": true, "data-signal": signal, dir: "auto" },
      style: { "--tu-hue": `var(--tu-${signal})` },
    });
    this.labels = atRest(() => this.label());
    this.element.addEventListener("keydown", (event) => onKey(event, this));
    this.element.addEventListener("focusin", (event) => this.focused(event));
    this.element.addEventListener("click", ({ target }) =>
      this.openGap(target instanceof Element ? target.closest(".tu-gap") : null),
    );
    listenToPointer(this);
    listenToCopy(this);
  }

  /** Redraws. Chips are made for another row or units only; another decision wraps them anew. */
  update() {
    const { model } = this;
    const units = model.units();
    const anew = units !== this.units;
    if (anew)
      Object.assign(this, { units, digits: digitsOf(units), tokens: [], states: [], gaps: [], wrapped: [] });
    const windows = currentWindows(
      model,
      units,
      (index) => model.mask.selected[index] === 1 || model.overrides.state(index) !== null,
    );
    const moved = windows !== this.windows;
    this.windows = windows;
    const states = [];
    let other = anew || moved;
    for (const at of this.shown()) {
      states[at] = unitState(units[at], (index) => model.stateOf(index));
      other ||= states[at] !== this.states[at];
    }
    if (other) this.wrap(states);
    this.paint();
  }

  /**
   * Puts the chips into the strip, neighbours with the same decision in one outline; what stays as it was is
   * not touched.
   */
  wrap(states) {
    const focused = this.element.contains(document.activeElement);
    if (this.wrapped.length === 0) this.element.replaceChildren();
    this.states = states;
    const known = new Map(this.gaps.map((gap) => [gap.key, gap]));
    this.gaps = gapsOf(this.windows, this.units.length).map(
      ([from, to]) => known.get(`gap ${from} ${to}`) ?? gapPart(from, to),
    );
    const parts = this.parts();
    const last = (list, step) => list[list.length - 1 - step]?.key;
    let [same, tail] = [0, 0];
    while (same < parts.length && parts[same].key === this.wrapped[same]?.key) same += 1;
    const most = Math.min(parts.length, this.wrapped.length) - same;
    while (tail < most && last(parts, tail) === last(this.wrapped, tail)) tail += 1;
    const old = [...this.element.childNodes].slice(same, this.wrapped.length - tail);
    const next = this.element.childNodes[this.wrapped.length - tail] ?? null;
    old.forEach((each) => each.remove());
    const fresh = new DocumentFragment();
    fresh.append(...parts.slice(same, parts.length - tail).map(({ make }) => make()));
    this.element.insertBefore(fresh, next);
    this.wrapped = parts;
    if (focused) this.tokens[this.focusUnit()]?.focus();
  }

  /**
   * Returns what the strip is made of, in order: text, chips, outlines of chips, gaps, each `{key, make}`.
   */
  parts() {
    const { answer, first, count } = this.model.row;
    const text = (words, at) => ({ key: `text ${at} ${words}`, make: () => words });
    const gapBefore = new Map(this.gaps.map((gap) => [gap.to, gap]));
    const parts = [];
    for (const window of this.windows) {
      if (gapBefore.has(window[0])) parts.push(text(" ", window[0]), gapBefore.get(window[0]));
      this.partsOf(window, text, parts);
    }
    const end = this.units.length;
    if (gapBefore.has(end)) parts.push(text(" ", end), gapBefore.get(end), text(" ", end + 1));
    return [...parts, text(textAfter(answer, this.model.columns, first, count), "after")];
  }

  /**
   * Appends what one window is made of to `parts`.
   * @param {number[]} window
   */
  partsOf([from, to], text, parts) {
    const { units, states } = this;
    for (let at = from, end = from; at < to; at = end) {
      if (units[at].before) parts.push(text(units[at].before, at));
      const state = states[at];
      end = at + 1;
      if (state !== "plain") while (end < to && states[end] === state && !breaksBetween(units, end)) end += 1;
      const start = at;
      const stop = end;
      parts.push({
        key: `${state} ${start} ${stop}`,
        make: () => (state === "plain" ? this.token(start) : this.outline(state, start, stop)),
      });
      if (units[end - 1].after) parts.push(text(units[end - 1].after, `${end} after`));
    }
  }

  /** Returns the chips of the units `from` to `to` in one outline. */
  outline(state, from, to) {
    const parts = [this.token(from)];
    for (let at = from + 1; at < to; at += 1) parts.push(this.units[at].before, this.token(at));
    return node("span", { class: `tu-run is-${state}`, attributes: { role: "none" } }, ...parts);
  }

  /** Returns the chip of a unit with the glyph of its state; made once. */
  token(at) {
    this.tokens[at] ??= this.chip(this.units[at], this.digits[at]);
    setText(this.tokens[at].lastChild, GLYPHS[this.states[at]]);
    return this.tokens[at];
  }

  /**
   * Returns the places of the units that are painted.
   * @returns {number[]}
   */
  shown() {
    return this.windows.flatMap(([from, to]) => Array.from({ length: to - from }, (_, step) => from + step));
  }

  openGap(element) {
    if (!element) return;
    this.model.windows.list = openGap(this.windows, Number(element.dataset.gap), this.units.length);
    this.model.tell("view");
  }

  paintGaps() {
    for (const { from, to, element } of this.gaps) {
      const [first, last] = [this.units[from].tokens[0], this.units[to - 1].tokens.at(-1)];
      let chosen = 0;
      for (let index = first; index <= last; index += 1) chosen += this.model.mask.selected[index];
      setText(element, gapWords(last - first + 1, chosen));
      setAttributes(element, {
        "aria-label": `${element.textContent.replaceAll("…", "").trim()} not shown; click to open`,
      });
    }
  }

  /**
   * Returns a chip: its text, its number, its glyph (last); before them, where another number begins, what
   * turns the direction.
   */
  chip(unit, digits) {
    const glyph = node("span", {
      class: "tu-glyph",
      attributes: { "aria-hidden": true, "data-glyph": true },
    });
    const number = node("span", { class: "tu-number", attributes: { "aria-hidden": true } });
    const subject = this.model.columns.subject[unit.tokens[0]] === 1;
    const gold = unit.tokens.some((index) => this.model.columns.gold?.[index] === 1);
    const classes = [
      "tu-token",
      subject && "is-subject",
      gold && "is-gold",
      unit.hollow && "is-hollow",
      digits && (/\d/.test(unit.text) ? "is-digits" : "is-other-digits"),
      TURNING.test(unit.text) && "is-turning",
    ];
    return node(
      "span",
      {
        class: classes.filter(Boolean).join(" "),
        attributes: { role: "option", tabindex: -1, "data-index": unit.tokens[0] },
      },
      digits === "first" && node("span", { class: "tu-turn" }),
      node("span", { class: "tu-text", text: unit.text }),
      number,
      glyph,
    );
  }

  /** Writes values, focus and range onto the chips. */
  paint() {
    const { model, signal } = this;
    const { view } = model;
    setAttributes(this.element, {
      "aria-label": `Answer tokens, ${signal}`,
      "data-bars": view.bars,
      "data-gold": view.gold,
      "data-numbers": view.numbers,
      "data-soft": model.rule.mode === "soft",
      "data-marking": view.marking,
    });
    const focus = this.focusUnit();
    const focused = document.activeElement;
    if (focused !== this.tokens[focus] && this.element.contains(focused))
      this.tokens[focus]?.focus({ preventScroll: false });
    const shown = {
      values: model.valuesOf(signal),
      scale: model.scaleOf(signal),
      focus,
      range: this.range(),
      marks: this.marks(),
      full: model.rule.mode === "soft" ? fullWeight(model) : null,
    };
    for (const at of this.shown()) this.paintChip(at, shown);
    this.paintGaps();
    // Ranks take a sort: while a slider moves nobody hears the chips, and those that have a label wait.
    if (this.element.contains(focused) || this.shown().some((at) => !this.tokens[at].ariaLabel)) this.label();
    else this.labels.later();
  }

  /**
   * Returns what is marked of each unit, while facts are marked or the gold words are shown; else nothing.
   */
  marks() {
    return this.model.view.marking || this.model.view.gold ? this.model.unitMarks() : [];
  }

  paintChip(at, { values, scale, focus, range, marks, full }) {
    const [element, unit] = [this.tokens[at], this.units[at]];
    const { view, columns } = this.model;
    const value = values[unit.tokens[0]];
    const note = noteOf(unit, this.model.overrides);
    element.classList.toggle("has-note", note !== "");
    const strength = (scale.at(value) || 0).toFixed(3);
    if (element.style.getPropertyValue("--tu-strength") !== strength)
      element.style.setProperty("--tu-strength", strength);
    element.classList.toggle("is-locked", unit.tokens.includes(view.locked));
    element.classList.toggle("in-range", range !== null && at >= range[0] && at <= range[1]);
    element.classList.toggle("is-unscored", !Number.isFinite(value));
    setAttributes(element.lastChild.previousSibling, { "data-value": shortNumber(value) });
    if (full !== null)
      element.lastChild.style.setProperty(
        "--tu-weight",
        weightShare(this.model.mask.weights, unit.tokens, full).toFixed(3),
      );
    setAttributes(element, {
      "data-mark": marks[at] ?? null,
      tabindex: at === focus ? 0 : -1,
      "aria-selected": unit.tokens.every((index) => this.model.mask.selected[index] === 1),
      title:
        note || (columns.subject[unit.tokens[0]] === 1 && !Number.isFinite(value) ? "name: no score" : null),
    });
  }

  /** Writes what is heard of each chip. */
  label() {
    const { model, signal } = this;
    const { columns } = model;
    const values = model.valuesOf(signal);
    const marks = this.marks();
    const common = {
      count: this.units.length,
      unitName: model.unitOf(signal),
      signal,
      sorted: model.sorted(signal),
      words: model.view.words,
    };
    for (const at of this.shown()) {
      const [element, unit] = [this.tokens[at], this.units[at]];
      const index = unit.tokens[0];
      const flags = {
        subject: columns.subject[index] === 1,
        gold: element.classList.contains("is-gold"),
        mark: markMeans(model, marks[at]),
      };
      setAttributes(element, {
        "aria-label": spokenLabel({
          ...common,
          unit,
          position: at,
          value: values[index],
          decision: decisionOf(model, unit.tokens) + weightWords(model, unit.tokens),
          flags,
          note: noteOf(unit, model.overrides),
        }),
      });
    }
  }

  /** Returns the unit index that holds a token index, or -1. */
  unitAt(index) {
    return unitPlace(this.units, index);
  }

  focusUnit() {
    const { focus, locked } = this.model.view;
    return Math.max(0, this.unitAt(focus), focus === null ? this.unitAt(locked) : -1);
  }

  /** Returns `[from, to]` in units while a range is open, else null. */
  range() {
    return openRange(this.model);
  }

  /** Returns the token indices an override key works on: the range, else the focused unit. */
  targets() {
    return selectedTokens(this.model) ?? this.units[this.focusUnit()].tokens;
  }

  focusToken(index) {
    const at = this.unitAt(index);
    this.tokens[at]?.focus({ preventScroll: false });
  }

  /** Scrolls to a token, without giving it the focus. */
  reveal(index) {
    this.tokens[this.unitAt(index)]?.scrollIntoView({ block: "nearest" });
  }

  /** Takes the focus along where a reader's own keys have moved it; a range stays as it is. */
  focused(event) {
    const index = event.target.closest?.(".tu-token")?.dataset.index;
    const { focus, anchor } = this.model.view;
    if (index === undefined || anchor !== null || this.unitAt(focus) === this.unitAt(Number(index))) return;
    this.model.setView({ focus: Number(index) });
  }

  /** Returns the unit index one line up or down, nearest in x. */
  lineNeighbour(at, step) {
    const boxes = this.shown().map((index) => ({ index, box: this.tokens[index].getBoundingClientRect() }));
    const here = this.tokens[at].getBoundingClientRect();
    const middle = here.left + here.width / 2;
    const lines = boxes.filter(({ box }) => (step > 0 ? box.top > here.top + 4 : box.top < here.top - 4));
    if (lines.length === 0) return at;
    const line =
      step > 0 ? Math.min(...lines.map(({ box }) => box.top)) : Math.max(...lines.map(({ box }) => box.top));
    const near = lines.filter(({ box }) => Math.abs(box.top - line) < 4);
    const distance = ({ box }) => Math.abs(box.left + box.width / 2 - middle);
    return near.reduce((best, each) => (distance(each) < distance(best) ? each : best)).index;
  }
}
