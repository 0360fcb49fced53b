/** What will be trained: counts, hash and a few of the words, exactly as the Tokens tab showed them. */

import { button, node } from "./dom.js";
import { maskNow } from "./shared_value.js";

/**
 * Mounts the view; `props.value` is null or `{hash, chosen, total, rows, gold, gold_chosen, overrides, rule, words, error}`.
 * @param {{element: HTMLElement, props: object, watch: Function}} contract
 */
export function mount({ element, props, watch }) {
  const root = element.querySelector(".tx-view") ?? element;
  const other = node("div", { class: "tx-other", attributes: { role: "status" } });
  const compare = () => other.replaceChildren(...otherMask(props.value, maskNow.value));
  const draw = () => {
    root.replaceChildren(...parts(props.value), other);
    compare();
  };
  watch("value", draw);
  maskNow.subscribe(compare);
  draw();
}

/** What stands there while the Tokens tab shows another mask: that a run would train this one, and the way to the other. */
function otherMask(value, now) {
  const words = otherWords(value, now);
  return words ? [node("p", { class: "tx-note", text: words }), button("Take what Tokens shows", () => maskNow.take(), { class: "tx-button" })] : [];
}

/** Returns what to say where the Tokens tab shows another mask than the one that would be trained, or "". Pure. */
export function otherWords(value, now) {
  if (!now || now === value?.hash) return "";
  return `The Tokens tab shows another mask now, ${now.slice(0, 8)}.${value?.hash ? ` A run would train ${value.hash.slice(0, 8)}.` : ""}`;
}

function parts(value) {
  if (!value) return [node("p", { class: "tx-empty", text: "Choose tokens on the Tokens tab, then press “Unlearn these”." })];
  if (value.error) return [node("p", { class: "tx-error", attributes: { role: "alert" }, text: value.error })];
  const gold = value.gold ? ` · gold ${value.gold_chosen} of ${value.gold}` : "";
  return [
    node("p", { class: "tx-mask" }, node("strong", { text: `${value.chosen} of ${value.total} tokens` }),
      node("span", { text: ` in ${value.rows} rows${gold}${value.overrides ? ` · ${value.overrides} overrides` : ""}` })),
    node("p", { class: "tx-note" }, node("span", { text: `${value.rule} · mask ` }), node("code", { text: value.hash.slice(0, 8) })),
    node("p", { class: "tx-words" }, ...value.words.map((word) => node("span", { class: "tx-word", text: word }))),
  ];
}
