/** Makes every node of the page. Text goes in through textContent only, so data can never become markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Returns a new element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag element name
 * @param {NodeOptions} [options] `class`, `text`, `attributes`, `style` (custom properties too), `on` (listeners)
 * @param {...NodeChild} children appended in order; falsy ones are skipped
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function node(tag, options = {}, ...children) {
  return dress(document.createElement(tag), options, children);
}

/**
 * Returns a new SVG element; same options as `node`.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {NodeOptions} [options]
 * @param {...NodeChild} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function drawing(tag, options = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), options, children);
}

/**
 * @template {HTMLElement|SVGElement} Made
 * @param {Made} element
 * @param {NodeOptions} options
 * @param {NodeChild[]} children
 * @returns {Made}
 */
function dress(element, options, children) {
  if (options.class) element.setAttribute("class", options.class);
  if (options.text !== undefined) element.textContent = String(options.text);
  setAttributes(element, options.attributes ?? {});
  for (const [name, value] of Object.entries(options.style ?? {})) element.style.setProperty(name, value);
  for (const [name, listener] of Object.entries(options.on ?? {})) element.addEventListener(name, listener);
  for (const child of children) if (child || child === "") element.append(child);
  return element;
}

/**
 * Sets attributes; `true` becomes "", `false` and null remove the attribute. Booleans of aria-* are written
 * out. What is there already is not written again: each write makes the browser style and lay out anew.
 */
export function setAttributes(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const written = name.startsWith("aria-") && typeof value === "boolean" ? String(value) : value;
    const absent = written === false || written === null || written === undefined;
    const text = absent ? null : written === true ? "" : String(written);
    if (element.getAttribute(name) === text) continue;
    if (absent) element.removeAttribute(name);
    else element.setAttribute(name, text);
  }
}

/**
 * Writes text only where it differs, so that live regions and selections are not disturbed; into the text
 * node that is there.
 */
export function setText(element, text) {
  const only = element.childNodes?.length === 1 ? element.firstChild : null;
  if (only?.nodeType === 3 && text !== "") {
    // Another node in its place would be styled and laid out anew; for no text there is none, as `:empty`
    // asks.
    if (only.data !== text) only.data = text;
  } else if (element.textContent !== text) element.textContent = text;
}

/** Hides or shows; what is so already is not written again. */
export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/** Puts other children into a place; the focus stays on the one with the same `data-key`. */
export function refill(place, children) {
  const focused = /** @type {HTMLElement} */ (document.activeElement);
  const key = place.contains(focused) ? focused.dataset.key : null;
  place.replaceChildren(...children);
  if (key) place.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();
}

/**
 * Returns the head of a table with one line; a column without a name has no header cell.
 * @returns {HTMLElement}
 */
export function tableHead(names) {
  return node(
    "thead",
    {},
    node(
      "tr",
      {},
      ...names.map((text) => (text ? node("th", { text, attributes: { scope: "col" } }) : node("td"))),
    ),
  );
}

/**
 * Returns a push button; while `setAble` has it off, a press does nothing.
 * @returns {HTMLButtonElement}
 */
export function button(label, onClick, options = {}) {
  const element = node("button", {
    ...options,
    text: label,
    attributes: { type: "button", ...(options.attributes ?? {}) },
    on: { click: (event) => element.ariaDisabled !== "true" && onClick(event) },
  });
  return element;
}

/**
 * Switches a button on or off. Off it stays in reach of the keyboard: one that was just pressed would lose
 * the focus.
 */
export function setAble(element, able) {
  setAttributes(element, { "aria-disabled": able ? null : true });
}

/**
 * Returns a row of exclusive choices (role radiogroup, arrow keys move and choose) with `update(value)`.
 * @param {string} label name for screen readers
 * @param {{value: string, label: string, title?: string}[]} choices
 * @param {(value: string) => void} onChoose
 */
export function segmented(label, choices, onChoose) {
  const buttons = choices.map((choice) =>
    button(choice.label, () => onChoose(choice.value), {
      attributes: { role: "radio", title: choice.title ?? null, "data-value": choice.value },
    }),
  );
  const group = node(
    "div",
    { class: "tu-segmented", attributes: { role: "radiogroup", "aria-label": label } },
    ...buttons,
  );
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const next = buttons[(at + step + buttons.length) % buttons.length];
    next.focus();
    next.click();
  });
  const update = (value) => {
    const at = choices.findIndex((choice) => choice.value === value);
    // Where none is on, the first one takes the focus.
    buttons.forEach((each, place) =>
      setAttributes(each, { "aria-checked": place === at, tabindex: place === Math.max(0, at) ? 0 : -1 }),
    );
  };
  return { element: group, update };
}
