/**
 * "Fit weights": the signal, α and share that agree best with the marks, shown with what they change before
 * they are used.
 */

import { button, node, setHidden, setText } from "../../dom/dom.js";
import { workNotice } from "../../dom/work_notice.js";
import { deriveMask } from "../../score/derived_mask.js";
import { Memory } from "../../score/memoise.js";
import { plural, share } from "../../text/numbers.js";

/**
 * Returns `{element, update}`.
 * @param {import("../../draft/marks_desk.js").MarksDesk} desk
 * @param {(signal: string) => Promise<void>} compute
 */
export function fittedWeights(model, desk, compute) {
  const notice = workNotice("Not fitted: ");
  let offered = null;
  const ask = button(
    "Fit weights",
    () =>
      notice.attempt(
        async () => {
          const found = await desk.ask("fit_weights", { set: model.set, rule: model.rule });
          if (found.rule.knowledge && !model.signals.includes(found.rule.knowledge))
            await compute(found.rule.knowledge);
          offered = { found, rule: model.rule, scores: model.payload.scores_id };
          update();
        },
        () => "",
      ),
    {
      class: "tu-button tu-remote",
      attributes: {
        title:
          "Find the signal, α and share that agree best with the marks. You see the result before you use it",
      },
    },
  );
  const words = node("p");
  const changes = node("p", { class: "tu-note" });
  const take = button(
    "Use these weights",
    () => {
      const { rule } = offered.found;
      close();
      model.setRule(rule);
    },
    { class: "tu-button is-first", attributes: { title: "Undo brings the current weights back" } },
  );
  const close = () => {
    offered = null;
    update();
  };
  const offer = node(
    "div",
    { class: "tu-offer", attributes: { hidden: true } },
    words,
    changes,
    node(
      "div",
      { class: "tu-banner-acts" },
      take,
      button("Dismiss", () => close(), { class: "tu-button" }),
    ),
  );
  const element = node("div", { class: "tu-fitted" }, ask, notice.element, offer);
  const update = () => {
    // Another rule, or other scores: what was offered was said of those before.
    if (offered && (offered.rule !== model.rule || offered.scores !== model.payload.scores_id))
      offered = null;
    setHidden(offer, offered === null);
    setHidden(element, model.payload.state !== "live");
    if (!offered) return;
    setText(
      words,
      offerWords(offered.found, model.rule, (name) => model.payload.signals[name]?.label ?? name),
    );
    setHidden(take, Object.keys(offered.found.rule).length === 0);
    setText(changes, take.hidden ? "" : changeWords(flipsUnder(model, offered.found.rule)));
  };
  return { element, update };
}

/**
 * Returns what is offered, and how well it agrees in rows that it was not fitted on.
 * @param {{rule: Partial<Rule>, agreement: number, before: number, rows: number}} found as `fit_weights` answers
 * @param {Rule} rule as it is
 * @param {(name: string) => string} label
 */
export function offerWords({ rule: change, agreement, before, rows }, rule, label) {
  const { knowledge, entropy, alpha, fraction } = { ...rule, ...change };
  if (Object.keys(change).length === 0)
    return `The current weights already agree best with the marks of ${rows} rows: F1 ${share(before)}.`;
  const alone = { 0: entropy, 1: knowledge }[alpha];
  const parts = alone
    ? `“${label(alone)}” alone`
    : `${alpha.toFixed(2)} · “${label(knowledge)}” + ${(1 - alpha).toFixed(2)} · “${label(entropy)}”`;
  return `${parts}, top ${Math.round(100 * fraction)} %. Agreement with the marks of ${rows} rows: F1 ${share(agreement)} on rows it was not fitted on; the current weights have ${share(before)}.`;
}

/** Returns `{added, removed}`: how many tokens of the set another rule chooses besides, and no longer. */
export function flipsUnder(model, rule) {
  const { columns, cut, indices, places, overrides, mask } = model;
  const other = deriveMask({
    columns,
    cut,
    indices,
    places,
    overrides,
    rule: { ...model.rule, ...rule },
    memory: new Memory(),
  });
  let [added, removed] = [0, 0];
  for (const index of indices) {
    if (other.selected[index] && !mask.selected[index]) added += 1;
    if (!other.selected[index] && mask.selected[index]) removed += 1;
  }
  return { added, removed };
}

/** Returns what using them would change. */
export function changeWords({ added, removed }) {
  if (added + removed === 0) return "Your selection stays the same.";
  return `It adds ${plural(added, "token")} to your selection and removes ${plural(removed, "token")}.`;
}
