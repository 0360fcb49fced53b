/** What will be trained: counts, hash and a few of the words, exactly as the Tokens tab showed them. */

import { node } from "./dom.js";

/**
 * Mounts the view; `props.value` is null or `{hash, chosen, total, rows, gold, gold_chosen, overrides, rule, words, error}`.
 * @param {{element: HTMLElement, props: object, watch: Function}} contract
 */
export function mount({ element, props, watch }) {
  const root = element.querySelector(".tx-view") ?? element;
  const draw = () => root.replaceChildren(...parts(props.value));
  watch("value", draw);
  draw();
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
