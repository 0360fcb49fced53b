/** The bar at the bottom: how much is chosen, whether the server agrees, undo, redo, export, and on to unlearning. */

import { button, node, setAttributes, setText } from "./dom.js";
import { rangeWords } from "./units.js";

/** Returns `{element, alarm, update, confirmed}`. `acts`: `{exportMask, unlearn, check}`. */
export function maskBar(model, acts) {
  const number = node("span");
  const percent = node("span", { class: "tu-wide" });
  const targets = node("strong", { class: "tu-targets" }, "Targets ", number, percent);
  const gold = node("span", { class: "tu-wide" });
  const overrides = node("span", { class: "tu-quiet tu-wide" });
  const hash = node("code");
  const tick = node("span", { class: "tu-tick" });
  const mask = node("span", { class: "tu-quiet tu-wide", attributes: { role: "status" } }, "mask ", hash, " ", tick);
  const range = node("span", { class: "tu-quiet tu-wide tu-range" });
  const undo = button("Undo", () => model.undo(), { class: "tu-button", attributes: { title: "Ctrl+Z" } });
  const redo = button("Redo", () => model.redo(), { class: "tu-button tu-wide", attributes: { title: "Ctrl+Y" } });
  const save = button("Export", acts.exportMask, { class: "tu-button tu-wide" });
  const go = button("Unlearn these", acts.unlearn, { class: "tu-button is-first" });
  const element = node("div", { class: "tu-mask-bar", attributes: { role: "region", "aria-label": "Mask" } },
    targets, gold, overrides, mask, range, node("span", { class: "tu-space" }), undo, redo, save, go);
  const alarmText = node("span");
  const alarm = node("div", { class: "tu-alarm", attributes: { role: "alert", hidden: true } }, alarmText,
    button("Ask again", acts.check, { class: "tu-button" }));
  let confirmation = { kind: "pending", hash: "" };

  const update = () => {
    const { counts } = model.mask;
    const share = counts.total ? Math.round((100 * counts.chosen) / counts.total) : 0;
    setText(number, `${counts.chosen} of ${counts.total}`);
    setText(percent, ` (${share} %)`);
    setText(gold, counts.gold ? `gold ${counts.goldChosen}/${counts.gold}` : "no gold spans");
    setText(overrides, overrideWords(model.overridesOfSet().length));
    undo.disabled = model.history.past.length === 0;
    redo.disabled = model.history.future.length === 0;
    setText(range, rangeText(model));
    confirmed(confirmation);
  };
  const confirmed = (state) => {
    confirmation = state;
    const short = state.hash.slice(0, 8) || "…";
    setText(hash, short);
    setText(tick, { pending: "…", same: "✓", differs: "differs", unreachable: "not confirmed" }[state.kind]);
    setAttributes(mask, { "data-state": state.kind, title: state.kind === "same" ? `The server computes the same mask: ${state.hash}` : state.reason ?? null });
    alarm.hidden = state.kind !== "differs";
    if (state.kind === "differs") setText(alarmText, differenceWords(state, model));
    const reason = whyNot(model, state);
    go.disabled = reason !== "";
    setAttributes(go, { title: reason || "Go on with these tokens", "aria-description": reason || null });
  };
  return { element, alarm, update, confirmed };
}

function overrideWords(count) {
  if (count === 0) return "no overrides";
  return count === 1 ? "1 override" : `${count} overrides`;
}

function rangeText(model) {
  const { anchor, focus } = model.view;
  if (anchor === null || focus === null || anchor === focus) return "";
  const units = model.units();
  const at = (index) => units.findIndex((unit) => unit.tokens.includes(index));
  if (at(anchor) < 0 || at(focus) < 0) return "";
  return rangeWords(units, at(anchor), at(focus), model.row.first);
}

/** Returns why unlearning cannot start now, or "". */
export function whyNot(model, state) {
  if (model.payload.state !== "live") return "This is a recorded example: unlearning needs the live model.";
  if (model.mask.counts.chosen === 0) return "No token is chosen.";
  return {
    pending: "The server is still checking the mask.",
    differs: "Preview and server differ.",
    unreachable: "The server has not confirmed the mask.",
    same: "",
  }[state.kind];
}

/** Returns the text of the red bar: both hashes, both counts, and the tokens that differ where the server named its own. */
export function differenceWords(state, model) {
  const counts = `here ${state.hash.slice(0, 8)} with ${state.count} tokens, server ${state.serverHash.slice(0, 8) || "no hash"}`
    + (state.serverCount === null ? "" : ` with ${state.serverCount}`);
  const start = `Preview and server differ: ${counts}.`;
  if (!state.serverChosen) return `${start} Unlearning is off until they agree.`;
  const theirs = new Set(state.serverChosen);
  const differing = Array.from(model.indices).filter((index) => theirs.has(index) !== (model.mask.selected[index] === 1));
  const named = differing.slice(0, 6).map((index) => `“${model.tokenText(index)}” in row ${model.columns.row[index] + 1}`);
  return `${start} ${differing.length} ${differing.length === 1 ? "token" : "tokens"}: ${named.join(", ")}${differing.length > 6 ? " …" : ""}. Unlearning is off until they agree.`;
}
