/** The button beside the badge that stops scoring, keeps what is scored, and goes on with the rest. */

import { button, setAttributes, setHidden, setText } from "../../dom/dom.js";
import { scoringHeld } from "../../server/shared_value.js";

/**
 * Returns `{element, update, leave}`; the button is hidden while no row of the set waits for its scores.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 * @param {(held: boolean) => Promise<any>} hold asks the server
 */
export function scoringStop(model, hold) {
  let asked = null;
  const press = async () => {
    if (asked !== null) return;
    asked = !scoringHeld.value;
    update();
    await hold(asked).catch(() => {
      asked = null;
    });
    update();
  };
  const element = button("", press, { class: "tu-toggle", attributes: { hidden: true } });
  const update = () => {
    const held = scoringHeld.value;
    if (asked === held) asked = null;
    setHidden(element, model.payload.state !== "live" || model.waiting() === 0);
    setText(element, stopWords(held, asked));
    setAttributes(element, {
      title: held ? null : "Stop scoring; the rows that are scored stay",
      "aria-disabled": asked !== null,
    });
  };
  return { element, update, leave: scoringHeld.subscribe(update) };
}

/** Returns what the button says; `asked` is what was asked for and has not happened yet, or null. */
export function stopWords(held, asked) {
  if (asked !== null) return asked ? "Stopping…" : "Going on…";
  return held ? "Score the rest" : "Stop";
}
