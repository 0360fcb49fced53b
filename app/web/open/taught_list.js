/** The models that were taught on this page: what they know, opened or discarded. */

import { button, node, setHidden } from "../dom/dom.js";
import { workNotice } from "../dom/work_notice.js";

/**
 * One taught model.
 * @typedef {{run_id: string, name: string, facts: string[], more: number, words: string, ended: number,
 *   bytes: number|null, open: boolean, broken: boolean}} Taught  one that is broken can only be discarded
 */

/**
 * Returns `{element, update(models)}`.
 * @param {{open: (run: string) => Promise<void>, discard: (run: string) => Promise<Taught[]>}} host
 */
export function taughtList(host) {
  const notice = workNotice();
  const list = node("ul", { class: "tu-taught" });
  const element = node(
    "section",
    { attributes: { "aria-label": "Taught on this page", hidden: true } },
    node("h3", { text: "Taught on this page" }),
    list,
    notice.element,
  );
  /** @param {Taught[]} models */
  const update = (models) => {
    setHidden(element, models.length === 0);
    list.replaceChildren(...models.map(entry));
  };
  const entry = (model) => {
    const opens = button(
      model.open ? "Open now" : "Open",
      () =>
        notice.attempt(
          () => host.open(model.run_id),
          () => "",
        ),
      { class: "tu-button", attributes: { "aria-label": `Open the model of ${model.run_id}` } },
    );
    const discards = button("Discard…", () => ask(), {
      class: "tu-button",
      attributes: { "aria-label": `Discard the model of ${model.run_id}` },
    });
    let sure = false;
    const ask = () => {
      if (sure)
        return notice.attempt(
          async () => update(await host.discard(model.run_id)),
          () => "",
        );
      sure = true;
      discards.textContent = "Discard it for good?";
      return undefined;
    };
    discards.addEventListener("blur", () => {
      sure = false;
      discards.textContent = "Discard…";
    });
    opens.disabled = model.open || model.broken;
    return node(
      "li",
      {},
      node(
        "div",
        {},
        node("strong", { text: taughtName(model), attributes: { dir: "auto" } }),
        node("p", { class: "tu-note", text: taughtWords(model) }),
        model.words && node("p", { class: "tu-note", text: model.words }),
      ),
      opens,
      discards,
    );
  };
  return { element, update };
}

/** Returns the taught facts, "a jar of plum jam, and 2 more", or the run's name where none can be read. Pure. */
export function taughtName({ facts, more, name }) {
  return facts.length ? facts.join(", ") + (more ? `, and ${more} more` : "") : name;
}

/** Returns "run-3, 30 November 14:02, 19 MB". Pure. */
export function taughtWords({ run_id: run, ended, bytes }) {
  const when = new Date(1000 * ended).toLocaleString("en-GB", {
    day: "numeric",
    month: "long",
    hour: "2-digit",
    minute: "2-digit",
  });
  const size = bytes === null ? "" : `, ${Math.max(1, Math.round(bytes / 1e6))} MB`;
  return `${run}, ${when}${size}`;
}
