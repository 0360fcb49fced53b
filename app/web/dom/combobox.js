/**
 * A field to choose one of many entries by typing a part of name or sentence, after the combobox pattern of
 * WAI-ARIA: the focus stays in the field, arrow keys move in the list, Enter takes, Escape leaves.
 */

import { node, setAttributes, setHidden, setText } from "./dom.js";

/**
 * An entry of the list. `help` is its sentence, `note` what else is said beside its name, such as why it is
 * disabled.
 * @typedef {{value: string, label: string, help: string, note: string, disabled: boolean}} Entry
 * @typedef {{label: string, entries: Entry[]}} Group
 */

let serial = 0;

/**
 * Returns `{element, update({groups, value})}`; `onChoose(value)` hears what a person takes.
 * @param {string} label  accessible name of the field
 * @param {string} things  what is chosen, in the plural, such as "signals"
 * @param {(value: string) => void} onChoose
 */
export function combobox(label, things, onChoose) {
  serial += 1;
  const id = `tu-combo-${serial}`;
  /** @type {Group[]} */
  let groups = [];
  let value = "";
  let active = "";
  let query = "";
  let open = false;
  const input = node("input", {
    class: "tu-combo-input",
    attributes: {
      type: "text",
      role: "combobox",
      "aria-label": label,
      "aria-autocomplete": "list",
      "aria-expanded": false,
      "aria-controls": id,
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
    },
  });
  const list = node("div", { attributes: { id, role: "listbox", "aria-label": `All ${things}` } });
  const none = node("p", { class: "tu-note", attributes: { role: "status" } });
  const popup = node("div", { class: "tu-combo-popup", attributes: { hidden: true } }, list, none);
  const element = node("div", { class: "tu-combo" }, input, popup);

  const found = () => foundGroups(groups, query);
  const shownLabel = () => entriesOf(groups).find((each) => each.value === value)?.label ?? value;
  const draw = () => {
    const shown = found();
    const entries = entriesOf(shown);
    if (!entries.some((each) => each.value === active))
      active = (entries.find(({ disabled }) => !disabled) ?? entries[0])?.value ?? "";
    list.replaceChildren(...shown.map((group, at) => groupNode(group, `${id}-${at}`, optionNode)));
    setText(none, entries.length ? "" : `None of the ${things} has “${query.trim()}” in name or sentence.`);
    setHidden(list, entries.length === 0);
    mark();
  };
  const optionNode = (entry) =>
    node(
      "div",
      {
        class: "tu-combo-option",
        attributes: {
          id: `${id}-${entry.value}`,
          role: "option",
          "data-value": entry.value,
          "aria-selected": entry.value === value,
          "aria-disabled": entry.disabled || null,
        },
      },
      node("span", { class: "tu-combo-name", text: entry.label }),
      entry.note !== "" && node("span", { class: "tu-combo-note", text: entry.note }),
      entry.help !== "" && node("span", { class: "tu-combo-help", text: entry.help }),
    );
  const mark = () => {
    setAttributes(input, { "aria-activedescendant": open && active ? `${id}-${active}` : null });
    for (const each of list.querySelectorAll("[role=option]"))
      each.classList.toggle("is-active", /** @type {HTMLElement} */ (each).dataset.value === active);
    list.querySelector(".is-active")?.scrollIntoView({ block: "nearest" });
  };
  const show = () => {
    if (open) return;
    open = true;
    query = "";
    active = value;
    setAttributes(input, { "aria-expanded": true });
    setHidden(popup, false);
    draw();
    keepInside(popup);
    input.select();
  };
  const leave = () => {
    if (!open) return;
    open = false;
    setAttributes(input, { "aria-expanded": false, "aria-activedescendant": null });
    setHidden(popup, true);
    query = "";
    input.value = shownLabel();
  };
  const take = (wanted) => {
    const entry = entriesOf(groups).find((each) => each.value === wanted);
    if (!entry || entry.disabled) return;
    leave();
    if (wanted !== value) onChoose(wanted);
  };
  input.addEventListener("click", show);
  input.addEventListener("blur", leave);
  input.addEventListener("input", () => {
    const typed = input.value;
    show();
    query = input.value = typed;
    active = "";
    draw();
  });
  input.addEventListener("keydown", (event) => {
    const moved = movedTo(entriesOf(found()), active, event.key);
    if (moved !== null && !open) show();
    else if (moved !== null) {
      active = moved;
      mark();
    } else if (open && event.key === "Enter") take(active);
    else if (open && event.key === "Escape") leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  // The focus stays in the field, also where a heading or the bar of the list is pressed.
  popup.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = /** @type {HTMLElement} */ (event.target).closest("[role=option]");
    if (option) take(/** @type {HTMLElement} */ (option).dataset.value);
  });
  const update = (told) => {
    ({ groups, value } = told);
    setAttributes(input, { "data-value": value });
    if (open) draw();
    else if (input.value !== shownLabel()) input.value = shownLabel();
  };
  return { element, update };
}

/**
 * Returns the entries of all groups, in their order.
 * @param {Group[]} groups
 */
export function entriesOf(groups) {
  return groups.flatMap(({ entries }) => entries);
}

/**
 * Returns the groups with the entries that have every word of the query in name, sentence or group.
 * @param {Group[]} groups
 * @param {string} query
 * @returns {Group[]}
 */
export function foundGroups(groups, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (group, entry) => {
    const text = `${entry.label} ${entry.help} ${group.label}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  return groups
    .map((group) => ({ ...group, entries: group.entries.filter((entry) => has(group, entry)) }))
    .filter(({ entries }) => entries.length > 0);
}

/**
 * Returns the value that a key moves to, round at the ends; null for a key that does not move. A disabled entry
 * is reached as well: its reason is read there.
 * @param {Entry[]} entries
 * @param {string} active
 * @param {string} key
 * @returns {string|null}
 */
export function movedTo(entries, active, key) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (!step) return null;
  if (!entries.length) return "";
  const at = entries.findIndex(({ value }) => value === active);
  const next = at < 0 ? (step > 0 ? 0 : entries.length - 1) : at + step;
  return entries[(next + entries.length) % entries.length].value;
}

function groupNode({ label, entries }, id, optionNode) {
  return node(
    "div",
    { attributes: { role: "group", "aria-labelledby": id } },
    node("div", { class: "tu-combo-group", text: label, attributes: { id, role: "presentation" } }),
    ...entries.map(optionNode),
  );
}

/** Moves the list to the left where it would end outside of the window. */
function keepInside(popup) {
  popup.style.removeProperty("left");
  const over = popup.getBoundingClientRect().right - document.documentElement.clientWidth + 8;
  if (over > 0) popup.style.setProperty("left", `${-over}px`);
}
