/**
 * The form for a set that is known by name, as the server's registry has it: what it is, and where it is unless
 * it is shipped. The hub is asked for it only where a person has chosen the hub.
 */

import { node, refill, segmented } from "../dom/dom.js";

const PLACES = [
  { value: "folder", label: "In a folder" },
  { value: "hub", label: "At the hub" },
];

/**
 * One entry of the registry of sets.
 * @typedef {{name: string, label: string, help: string, licence: string, source: string, forgets: boolean,
 *   shipped: boolean, hub: string, files: string[]}} KnownSet
 */

/**
 * Returns `{element, fill(sets), clear()}`; `onLook(request)` hears `{set}` or `{set, place, hub}`, `onLeave()`
 * that another set is chosen than the one that was looked at.
 */
export function setForm(onLook, onLeave) {
  /** @type {KnownSet[]} */
  let known = [];
  let where = "folder";
  const menu = node("select", { attributes: { "aria-label": "Set by name" } });
  const help = node("p");
  const origin = node("p", { class: "tu-note" });
  const places = segmented("Where the set is", PLACES, (value) => {
    where = value;
    update();
  });
  const words = node("span");
  const place = node("input", {
    class: "tu-search",
    attributes: { type: "text", autocomplete: "off", spellcheck: "false", maxlength: 4000, required: true },
  });
  const told = node("p", { class: "tu-note" });
  const field = node("label", { class: "tu-menu" }, words, place);
  const look = node("button", { class: "tu-button", attributes: { type: "submit" } });
  const acts = node("div", { class: "tu-masks-acts" }, look);
  const element = node(
    "form",
    { class: "tu-open-set" },
    node("p", { class: "tu-note", text: "Or a set that is known by name" }),
    menu,
    help,
    origin,
    places.element,
    field,
    told,
    acts,
  );
  const chosen = () => known.find(({ name }) => name === menu.value);
  const update = () => {
    const entry = chosen();
    const asked = Boolean(entry && !entry.shipped);
    help.textContent = entry ? `${entry.help}.` : "";
    origin.textContent = entry ? originWords(entry) : "";
    for (const each of [places.element, field, told, acts]) each.hidden = !asked;
    for (const each of [help, origin]) each.hidden = !entry;
    place.disabled = !asked;
    places.update(where);
    if (!entry) return;
    words.textContent = where === "hub" ? "Id of the data set" : "Folder of the set";
    place.placeholder = where === "hub" ? entry.hub : `/home/me/${entry.name}`;
    place.value = where === "hub" ? entry.hub : "";
    told.textContent = placeWords(entry, where);
    look.textContent = where === "hub" ? "Fetch and look at it" : "Look at it";
  };
  menu.addEventListener("change", () => {
    update();
    onLeave();
    if (chosen()?.shipped) onLook({ set: menu.value });
  });
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    if (place.value.trim()) onLook({ set: menu.value, place: place.value.trim(), hub: where === "hub" });
  });
  const fill = (sets) => {
    known = sets;
    refill(menu, [
      node("option", { text: "Choose a set", attributes: { value: "" } }),
      ...groupsOf(sets).map(([label, members]) =>
        node(
          "optgroup",
          { attributes: { label } },
          ...members.map((each) => node("option", { text: each.label, attributes: { value: each.name } })),
        ),
      ),
    ]);
    update();
  };
  const clear = () => {
    menu.value = "";
    update();
  };
  update();
  return { element, fill, clear };
}

/**
 * Returns the groups of the menu, each with its sets in the order of the registry.
 * @param {KnownSet[]} sets
 * @returns {[string, KnownSet[]][]}
 */
export function groupsOf(sets) {
  return [
    ["Rows to forget", sets.filter(({ forgets }) => forgets)],
    ["Questions with choices, only asked", sets.filter(({ forgets }) => !forgets)],
  ];
}

/**
 * Returns "Source: MMLU 2009.03300. Licence: MIT."
 * @param {KnownSet} entry
 */
export function originWords({ source, licence, shipped }) {
  return `Source: ${source}. Licence: ${licence}.${shipped ? " It comes with this program." : ""}`;
}

/**
 * Returns what is read from where.
 * @param {KnownSet} entry
 * @param {string} where  folder or hub
 */
export function placeWords({ hub, files }, where) {
  return where === "hub"
    ? `The server then contacts huggingface.co and fetches ${files.join(" and ")} of this data set.`
    : `A folder of the server’s machine with the files of ${hub} as they are published. Nothing is fetched.`;
}
