/** The runs that were discarded: each can be brought back, or deleted for good. */

import { button, node, refill, setText } from "../dom/dom.js";
import { actButton } from "../runs/run_card.js";

/**
 * Returns `{element, update}`.
 * @param {(name: string, data: object) => Promise<any>} ask
 * @param {(name: string, data: object) => void} trigger
 */
export function discardedPanel(ask, trigger) {
  const title = node("summary");
  const list = node("ul", { class: "tx-discarded" });
  const said = node("p", { class: "tx-note", attributes: { role: "status" } });
  const element = node("details", {}, title, list, said);
  const act = async (name, run, words) => {
    try {
      await ask(name, { run_id: run.run_id });
      setText(said, words);
      trigger("changed", {});
    } catch (error) {
      setText(said, error.message);
    }
  };
  const line = (run) =>
    node(
      "li",
      {},
      node("span", { text: run.name }),
      node("span", { class: "tx-note", text: ` ${run.run_id}, ${run.state} ` }),
      button("Bring back", () => act("bring_back", run, `${run.run_id} is back.`), {
        class: "tx-button",
        attributes: { "data-key": `${run.run_id}:back`, "aria-label": `Bring back ${run.run_id}` },
      }),
      actButton({ label: "Delete…", action: "delete", kind: "quiet", sure: "Delete it for good?" }, run, () =>
        act("delete_for_good", run, `${run.run_id} is deleted.`),
      ),
    );
  const update = ({ value }) => {
    const runs = value.discarded ?? [];
    element.hidden = runs.length === 0 && !said.textContent;
    setText(title, `Discarded runs (${runs.length})`);
    refill(list, runs.map(line));
  };
  return { element, update };
}
