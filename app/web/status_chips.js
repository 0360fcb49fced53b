/** The chips at the top right, the same on all tabs: model, data, run. */

import { node, setText } from "./dom.js";
import { Pulse } from "./pulse.js";

/**
 * Mounts the view; `props.value` is `{model: {text, detail, state}, data: {text}, run: {text, state}, at, busy}`:
 * `busy` while anything moves by itself, `at` the server's time of this answer.
 * @param {{element: HTMLElement, props: object, trigger: Function, watch: Function}} contract
 */
export function mount({ element, props, trigger, watch }) {
  const model = node("span", { class: "tx-chip" });
  const data = node("span", { class: "tx-chip tx-wide" });
  const run = node("button", { class: "tx-chip", attributes: { type: "button" }, on: { click: () => trigger("show_run", {}) } });
  (element.querySelector(".tx-view") ?? element).replaceChildren(model, data, run);
  const pulse = new Pulse({ ask: () => trigger("pulse", {}), visible: () => document.visibilityState === "visible" });
  document.addEventListener("visibilitychange", () => pulse.visible() && pulse.beat());
  const draw = () => {
    const value = props.value ?? {};
    setText(model, value.model?.text ?? "");
    model.title = value.model?.detail ?? "";
    model.dataset.state = value.model?.state ?? "";
    setText(data, value.data?.text ?? "");
    setText(run, value.run?.text ?? "no run");
    run.dataset.state = value.run?.state ?? "";
    pulse.heard({ at: value.at ?? 0, busy: value.busy ?? false });
  };
  watch("value", draw);
  draw();
}
