/**
 * The bar at the bottom: how much is chosen, what changed, whether the server agrees, masks, and on to
 * unlearning.
 */

import { button, node, setAble, setAttributes, setHidden, setText } from "../../dom/dom.js";
import {
  differenceReport,
  differenceWords,
  differingTokens,
  serverMask,
  sinceWords,
} from "../../draft/mask_changes.js";
import { keptWords } from "../../draft/mask_keeper.js";
import { openRange } from "../../model/shown_unit.js";
import {
  emptyRows,
  emptyRowsWords,
  failedCounts,
  failedWords,
  leftOutWords,
  nextRow,
} from "../../model/untrained_rows.js";
import { liveRun } from "../../server/shared_value.js";
import { clockTime, plural } from "../../text/numbers.js";
import { rangeWords } from "../../text/units.js";

/**
 * Returns `{element, alarm, training, update, confirmed, kept, leave}`. `acts`: `{masks, exports, overrides,
 * unlearn, check, walk, row}`, where `walk(indices)` goes to the next of these tokens and `row(at)` to a row.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 * @param {import("../../draft/mask_desk.js").MaskDesk} desk
 */
export function maskBar(model, desk, acts) {
  const number = node("span");
  const percent = node("span", { class: "tu-wide" });
  const targets = node("strong", { class: "tu-targets" }, "Chosen ", number, percent);
  const gold = node("span", {
    class: "tu-wide",
    attributes: { title: "How many of the tokens that are marked as the fact are chosen" },
  });
  const overrides = button("", acts.overrides, {
    class: "tu-toggle tu-wide tu-bar-walk",
    attributes: { title: "List overrides and notes" },
  });
  const without = button("", () => acts.row(nextRow(emptyRows(model), model.view.row)), {
    class: "tu-toggle tu-bar-walk tu-empty-rows",
    attributes: { title: "They are not trained. Go to the next one" },
  });
  const leftOut = node("span", {
    class: "tu-quiet tu-wide",
    attributes: {
      title:
        "Rows that the model cannot read: the reasons are above the list of rows. Rows that could not be scored: theirs are above the row",
    },
  });
  const hash = node("code");
  const tick = node("span", { class: "tu-tick" });
  const mask = node(
    "span",
    { class: "tu-quiet tu-wide", attributes: { role: "status" } },
    "mask ",
    hash,
    " ",
    tick,
  );
  const draft = node("span", { class: "tu-quiet tu-wide tu-range tu-draft", attributes: { role: "status" } });
  const since = button("", () => acts.walk(flipped), { class: "tu-toggle tu-wide tu-bar-walk tu-since" });
  let flipped = [];
  const range = node("span", { class: "tu-quiet tu-wide tu-range" });
  const undo = button("Undo", () => model.undo(), { class: "tu-button", attributes: { title: "Ctrl+Z" } });
  const redo = button("Redo", () => model.redo(), {
    class: "tu-button tu-wide",
    attributes: { title: "Ctrl+Y" },
  });
  const masks = button("Masks", acts.masks, {
    class: "tu-button tu-wide tu-remote",
    attributes: { title: "Save, load, compare, import" },
  });
  const save = button("Export", acts.exports, { class: "tu-button tu-wide tu-remote" });
  // What cannot be pressed stays in reach of the keyboard, and says why.
  const go = button("Unlearn these", acts.unlearn, { class: "tu-button is-first tu-remote" });
  const element = node(
    "div",
    { class: "tu-mask-bar", attributes: { role: "region", "aria-label": "Mask" } },
    node(
      "div",
      { class: "tu-mask-facts" },
      targets,
      gold,
      without,
      overrides,
      leftOut,
      since,
      mask,
      draft,
      range,
    ),
    node("div", { class: "tu-mask-acts" }, undo, redo, masks, save, go),
  );
  // What sticks above the bar has to know how high it is.
  new ResizeObserver(() =>
    element.parentElement?.style.setProperty("--tu-bar", `${element.offsetHeight}px`),
  ).observe(element);
  const alarmText = node("span");
  const theirs = button("", () => model.showMask(model.mask.own ? null : serverMask(confirmation, model)), {
    class: "tu-button",
  });
  const alarm = node(
    "div",
    { class: "tu-alarm tu-differs", attributes: { role: "alert", hidden: true } },
    alarmText,
    button("Show them", () => acts.walk(differingTokens(confirmation, model)), { class: "tu-button" }),
    theirs,
    button("Copy report", () => navigator.clipboard?.writeText(differenceReport(confirmation, model)), {
      class: "tu-button",
    }),
    button("Ask again", acts.check, { class: "tu-button" }),
  );
  const training = node("p", { class: "tu-training", attributes: { role: "status" } });
  const sayTraining = () =>
    setText(training, trainingWords(liveRun.value, confirmation.hash) || hindrance(model, confirmation));
  const leave = liveRun.subscribe(sayTraining);
  /** @type {import("../../draft/mask_check.js").CheckState} */
  let confirmation = { kind: "pending", hash: "" };

  const update = () => {
    const { counts } = model.mask;
    const share = counts.total ? Math.round((100 * counts.chosen) / counts.total) : 0;
    setText(number, `${counts.chosen} of ${counts.total}`);
    setText(percent, ` tokens (${share} %)`);
    setText(gold, counts.gold ? `fact ${counts.goldChosen}/${counts.gold}` : "no fact marked");
    setText(overrides, overrideWords(model.overridesOfSet().length));
    setText(leftOut, leftOutWords((model.payload.left_out ?? []).length + failedCounts(model).leftOut));
    setHidden(leftOut, leftOut.textContent === "");
    // Where nothing at all is chosen, that is said already.
    setText(without, counts.chosen ? emptyRowsWords(emptyRows(model).length) : "");
    setHidden(without, without.textContent === "");
    setAble(undo, model.steps.past.length > 0);
    setAble(redo, model.steps.future.length > 0);
    setAttributes(undo, { title: model.view.marking ? "Take the last mark back (Ctrl+Z)" : "Ctrl+Z" });
    setText(range, rangeText(model));
    confirmed(confirmation);
  };
  const drawSince = () => {
    const flips = desk.flips();
    flipped = flips ? [...flips.added, ...flips.removed].sort((a, b) => a - b) : [];
    setText(since, sinceWords(flips, desk.since, confirmation.kind === "same" ? confirmation.hash : ""));
    setHidden(since, since.textContent === "");
    setAble(since, flipped.length > 0);
    setAttributes(since, { title: flipped.length ? "Walk the tokens that flipped" : null });
  };
  const kept = (state) => {
    setText(draft, keptWords(state, clockTime));
    setAttributes(draft, { "data-kind": state.kind, title: state.reason ?? null });
  };
  const confirmed = (state) => {
    confirmation = state;
    const short = state.hash.slice(0, 8) || "…";
    setText(hash, short);
    setText(tick, { pending: "…", same: "✓", differs: "differs", unreachable: "not confirmed" }[state.kind]);
    setAttributes(mask, {
      "data-state": state.kind,
      title:
        state.kind === "same" ? `The server computes the same mask: ${state.hash}` : (state.reason ?? null),
    });
    setHidden(alarm, state.kind !== "differs");
    if (state.kind === "differs") setText(alarmText, differenceWords(state, model));
    setHidden(theirs, !state.serverChosen);
    setText(theirs, model.mask.own ? "Show this page's" : "Show the server's");
    // A check under way is over in a moment: a press then goes on after it.
    const reason = state.kind === "pending" ? lacking(model) : whyNot(model, state);
    setAble(go, reason === "");
    setAttributes(go, { title: reason || "Go on with these tokens", "aria-description": reason || null });
    drawSince();
    sayTraining();
  };
  return { element, alarm, training, update, confirmed, kept, leave };
}

/**
 * Returns which mask is being trained while this one is shown, or "": a control's is another one, unedited.
 * @param {{id: string, mask: string, control?: string}|null} run
 */
export function trainingWords(run, hash) {
  if (!run?.mask) return "";
  if (run.control) return `${run.id} trains the control “${run.control}”; changes here do not reach it.`;
  if (run.mask === hash) return `${run.id} trains this mask; changes here make a new draft.`;
  return `${run.id} trains another mask, ${run.mask.slice(0, 8)}; changes here do not reach it.`;
}

function overrideWords(count) {
  if (count === 0) return "no overrides";
  return plural(count, "override");
}

function rangeText(model) {
  const range = openRange(model);
  return range ? rangeWords(model.units(), ...range, model.row.first) : "";
}

/** Returns why unlearning cannot start now, or "". */
export function whyNot(model, state) {
  return lacking(model) || UNCONFIRMED[state.kind];
}

/**
 * Returns what to say above the bar: a check under way is over in a moment, and of a difference the alarm
 * says more.
 */
function hindrance(model, state) {
  return lacking(model) || (state.kind === "unreachable" ? UNCONFIRMED.unreachable : "");
}

/** Returns what the page or its mask lacks for unlearning, or "". */
function lacking(model) {
  if (model.payload.state !== "live") return "This is a recorded example: unlearning needs the live model.";
  if (model.waiting() > 0) return `${plural(model.waiting(), "row is", "rows are")} not scored yet.`;
  const { failed } = failedCounts(model);
  if (failed > 0) return failedWords(failed);
  if (model.mask.counts.chosen === 0) return "No token is chosen.";
  return "";
}

const UNCONFIRMED = {
  pending: "The server is still checking the mask.",
  differs: "Preview and server differ.",
  unreachable: "The server has not confirmed the mask.",
  same: "",
};
