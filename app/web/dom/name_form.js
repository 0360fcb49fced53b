/** What a dialog of named things has in common: the form that names a new one, and the file that brings one. */

import { node } from "./dom.js";

/**
 * Returns a form that saves what is shown under a name.
 * @param {string} label what the name is of, for those who hear it
 * @param {(name: string) => Promise<any>} save
 * @param {(work: () => Promise<any>, words: (answer: any) => string) => any} attempt
 */
export function nameForm(label, save, attempt) {
  const input = node("input", {
    class: "tu-search",
    attributes: {
      type: "text",
      maxlength: 80,
      placeholder: "Name, such as Ada, first pass",
      "aria-label": label,
      required: true,
    },
  });
  const form = node(
    "form",
    { class: "tu-masks-acts" },
    input,
    node("button", { class: "tu-button is-first", text: "Save as", attributes: { type: "submit" } }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (!name) return;
    attempt(
      () => save(name),
      () => {
        input.value = "";
        return `Saved as “${name}”.`;
      },
    );
  });
  return form;
}

/**
 * Returns a file field that hands over the file chosen; the same file can be chosen again.
 * @param {string} words what stands beside it
 * @param {string} label
 * @param {string} accept suffixes and types
 * @param {(file: File) => any} take
 */
export function fileField(words, label, accept, take) {
  const input = node("input", { attributes: { type: "file", accept, "aria-label": label } });
  input.addEventListener("change", () => {
    const file = input.files[0];
    input.value = "";
    if (file) take(file);
  });
  return node("label", { class: "tu-masks-acts" }, node("span", { text: words }), input);
}
