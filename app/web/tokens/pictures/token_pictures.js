/** What stands below the strip, over the whole set: budget, histogram with its cut, scatter, leaderboard. */

import { node } from "../../dom/dom.js";
import { budgetMeter } from "./budget_meter.js";
import { histogram } from "./histogram.js";
import { leaderboard } from "./leaderboard.js";
import { scatter } from "./scatter.js";

/** Returns `{element, update(kinds)}`. */
export function tokenPictures(model) {
  const ofMask = [budgetMeter(model), histogram(model)];
  const plane = scatter(model);
  const board = leaderboard(model);
  const element = node(
    "div",
    { class: "tu-pictures" },
    node("div", { class: "tu-picture-column" }, ...ofMask.map((each) => each.element)),
    board.element,
    plane.element,
  );
  const update = (kinds) => {
    if (kinds.has("rule") || kinds.has("data")) for (const each of [...ofMask, board]) each.update();
    plane.update(kinds);
  };
  return { element, update };
}
