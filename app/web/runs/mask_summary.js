/**
 * What a start trains: the draft of the Tokens tab as it is now, or the tokens of a run that is done again
 * with changes.
 */

import { button, node } from "../dom/dom.js";
import { draftNow, wantOpen } from "../server/shared_value.js";
import { neverKnownWords, setKnownWords } from "../text/known.js";
import { plural } from "../text/numbers.js";

/**
 * Mounts the view; `props.value` is null or `{plan, hash, chosen, total, rows, few, same, gold, gold_chosen,
 * overrides, known, never_known, trained, asks, rule, words, error, run}`; `few` is a sentence on rows that are
 * few, `same` one on controls that are these very tokens, or ""; `asks` says whether a start is asked about
 * first; `run` is the run whose tokens these are: they stay until a person takes the draft instead.
 * @param {MountHost} host
 */
export function mount({ element, props, watch }) {
  const root = element.querySelector(".tx-view") ?? element;
  const other = node("div", { class: "tx-other", attributes: { role: "status" } });
  // On a phone the run stands between the button and the rest of the form.
  const toSettings = button("Settings and controls ↓", showSettings, {
    class: "tx-button tx-quiet tx-to-settings",
  });
  let told = "";
  const follow = () => {
    const step = nextStep(props.value, draftNow.value, told);
    other.replaceChildren(
      ...(step.words ? [node("p", { class: "tx-note", text: step.words })] : []),
      ...(step.offer ? [button("Use the current one", () => draftNow.tell(), { class: "tx-button" })] : []),
    );
    root.classList.toggle("is-stale", step.stale);
    if (!step.tell) return;
    told = nameOf(draftNow.value);
    draftNow.tell();
  };
  const draw = () => {
    root.replaceChildren(...parts(props.value), other, toSettings);
    follow();
  };
  globalThis.currentPlan = async (shown) =>
    isOfRun(shown, draftNow.value) ? shown : { plan: await draftNow.plan() };
  watch("value", draw);
  draftNow.subscribe(follow);
  draw();
}

/** Brings what follows the start button in the form into sight. */
function showSettings() {
  const settings = document.querySelector("button.tx-start")?.nextElementSibling;
  settings?.scrollIntoView();
  settings?.querySelector("button")?.focus({ preventScroll: true });
}

/**
 * Returns what to do where the draft is another than what stands here: `{words, offer, tell, stale}`. Pure.
 * @param {{hash?: string, plan?: {scores_id: string}, error?: string, run?: string}|null} value what stands here
 * @param {{scores: string, hash: string, why: string}} now the draft
 * @param {string} told the draft that the server was told of last, by its `nameOf`
 */
export function nextStep(value, now, told) {
  const nothing = { words: "", offer: false, tell: false, stale: false };
  const differs = now.hash !== "" && !(now.hash === value?.hash && now.scores === value?.plan?.scores_id);
  if (isOfRun(value, now))
    return differs ? { ...nothing, words: "Your selection has changed.", offer: true } : nothing;
  if (!differs) return now.why ? { ...nothing, words: now.why, stale: Boolean(value) } : nothing;
  const tell = nameOf(now) !== told;
  return { ...nothing, tell, stale: Boolean(value) && (tell || !value.error) };
}

/**
 * Returns whether these are the tokens of a run, on the scores that are shown: other scores cut other tokens.
 * Pure.
 */
export function isOfRun(value, { scores }) {
  return Boolean(value?.run) && (scores === "" || scores === value.plan?.scores_id);
}

/** Returns what tells one draft from another: the same hash on other scores is another mask. Pure. */
export function nameOf({ scores, hash }) {
  return `${scores} ${hash}`;
}

function parts(value) {
  if (!value)
    return [
      node("p", {
        class: "tx-empty",
        text: "Choose tokens on the Tokens tab: a run trains what is chosen there.",
      }),
    ];
  if (value.error)
    return [node("p", { class: "tx-error", attributes: { role: "alert" }, text: value.error })];
  const gold = value.gold ? ` · fact ${value.gold_chosen}\u00a0of\u00a0${value.gold}` : "";
  return [
    node(
      "p",
      { class: "tx-mask" },
      node("strong", { text: `${value.chosen} of ${plural(value.total, "token")}` }),
      node("span", { text: ` in ${value.rows}${gold}${overrideWords(value.overrides)}` }),
    ),
    node(
      "p",
      { class: "tx-note" },
      node("span", { text: `${value.run ? `Tokens of ${value.run} · ` : ""}${value.rule} · mask ` }),
      node("code", { text: value.hash.slice(0, 8) }),
    ),
    node(
      "p",
      { class: "tx-words", attributes: { tabindex: 0, role: "group", "aria-label": "Chosen words" } },
      ...value.words.map((word) => node("span", { class: "tx-word", text: word })),
    ),
    ...[value.few, value.same].filter(Boolean).map((text) => node("p", { class: "tx-note", text })),
    ...knownParts(value),
  ];
}

function knownParts({ known, never_known: never, trained, asks }) {
  const text = [setKnownWords(known), neverKnownWords(never, trained, asks)].join(" ").trim();
  if (!asks) return text ? [node("p", { class: "tx-note tx-known", text })] : [];
  return [
    node(
      "div",
      { class: "tx-unknown", attributes: { role: "note" } },
      node("p", { text }),
      button("Teach these rows…", () => wantOpen("teach"), { class: "tx-button" }),
    ),
  ];
}

function overrideWords(count) {
  if (!count) return "";
  return ` · ${plural(count, "override")}`;
}
