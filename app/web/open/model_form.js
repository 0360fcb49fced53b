/**
 * The form for another model: the embedded one, a folder of the server's machine, or one of the hub; an
 * adapter on it.
 */

import { node, segmented } from "../dom/dom.js";

const SOURCES = [
  { value: "embedded", label: "Embedded" },
  { value: "base", label: "Embedded, no adapter" },
  { value: "folder", label: "Folder" },
  { value: "hub", label: "Hub id" },
];
const NAMED = ["folder", "hub"];
const NAME = {
  folder: [
    "Folder on the server’s machine",
    "/home/me/models/my-model",
    "Written by save_pretrained: config.json, tokenizer.json, safetensors.",
  ],
  hub: [
    "Hub id",
    "owner/name",
    "The server then contacts huggingface.co and fetches weights, configuration and tokenizer; no code.",
  ],
  embedded: ["", "", "SmolLM2-135M-Instruct with the adapter that knows the demo rows."],
  base: ["", "", "SmolLM2-135M-Instruct as it was published: it has never seen the demo rows."],
};

/** Returns `{element}`; `onLoad(request)` hears `{source, name, adapter, precision}`. */
export function modelForm(onLoad) {
  let source = "folder";
  const input = (label, attributes) => {
    const field = node("input", {
      class: "tu-search",
      attributes: { type: "text", autocomplete: "off", spellcheck: "false", maxlength: 4000, ...attributes },
    });
    const words = node("span", { text: label });
    return { field, words, element: node("label", { class: "tu-menu" }, words, field) };
  };
  const name = input("", { required: true });
  const adapter = input("Adapter folder (optional)", { placeholder: "PEFT folder with adapter_config.json" });
  const precision = node(
    "select",
    {},
    ...["auto", "fp32", "bf16"].map((word) => node("option", { text: word, attributes: { value: word } })),
  );
  const help = node("p", { class: "tu-note" });
  const load = node("button", {
    class: "tu-button is-first",
    text: "Load model",
    attributes: { type: "submit" },
  });
  const which = segmented("Where the model is", SOURCES, (value) => {
    source = value;
    update();
  });
  const update = () => {
    which.update(source);
    const [label, placeholder, words] = NAME[source];
    name.words.textContent = label;
    name.field.placeholder = placeholder;
    name.element.hidden = !NAMED.includes(source);
    name.field.required = NAMED.includes(source);
    adapter.element.hidden = source === "base";
    adapter.words.textContent =
      source === "embedded" ? "Another adapter folder (optional)" : "Adapter folder (optional)";
    help.textContent = words;
  };
  const element = node(
    "form",
    { class: "tu-open-model", attributes: { "aria-label": "Another model" } },
    which.element,
    name.element,
    help,
    adapter.element,
    node("label", { class: "tu-menu" }, node("span", { text: "Precision" }), precision),
    load,
  );
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    onLoad(modelRequest(source, name.field.value, adapter.field.value, precision.value));
  });
  update();
  return { element };
}

/**
 * Returns what the server is asked for; a null adapter is the source's own, or none, "" is none in any case.
 */
export function modelRequest(source, name, adapter, precision) {
  if (source === "base") return { source: "embedded", name: "", adapter: "", precision };
  return {
    source,
    name: source === "embedded" ? "" : name.trim(),
    adapter: adapter.trim() || null,
    precision,
  };
}
