/**
 * Depth of erasure of a run: a button to measure it, how far that is, what was found, by layer and by fact
 * token.
 */

import { button, node, refill, setText } from "../dom/dom.js";
import { picture } from "../dom/picture.js";
import { askServer } from "../server/server_ask.js";
import { share } from "../text/numbers.js";
import { progress } from "./attacks.js";
import { figuresTable } from "./figures_table.js";
import { small } from "./gradients.js";

const HELP =
  "How deep the facts were erased, and what every layer still says of them. Reads the model before and after, and with its adapter off; trains nothing.";

/**
 * Returns `{element, show(value, runId)}`; a value is that of `depth_value` (app/actions/depth.py), or null.
 * @param {ServerFunctions} server
 * @param {(name: string, data: object) => void} trigger
 */
export function depthView(server, trigger) {
  const element = node("section", { class: "tx-found", attributes: { "aria-label": "Depth of erasure" } });
  element.hidden = true;
  const live = node("div");
  const result = node("div", { class: "tx-found" });
  const fact = factView(server);
  element.append(
    node("h2", { class: "tx-heading", text: "Depth of erasure" }),
    node("p", { class: "tx-note", text: HELP }),
    live,
    result,
    fact.element,
  );
  let drawn = "";
  return {
    element,
    show(value, runId) {
      element.hidden = !value;
      if (!value) return;
      refill(live, standing(value, runId, trigger));
      const { says, layers, facts } = value;
      const key = JSON.stringify([runId, says, layers, facts]);
      if (key === drawn) return;
      drawn = key;
      result.replaceChildren(...found(says, layers));
      fact.show(facts, runId);
    },
  };
}

/** What goes on, why nothing can, and the button that begins. */
function standing({ why, fault, under_way: live, begins, says }, runId, trigger) {
  const begin = button(
    says.length ? "Measure depth again" : "Measure depth",
    () => trigger("depth", { run_id: runId }),
    { class: "tx-button", attributes: { "data-key": "depth" } },
  );
  const reason = `${says.length || fault ? "Cannot be measured again" : "Not measured"}: ${why}`;
  const notes = [fault, why ? reason : fault || says.length ? "" : "Not measured."].filter(Boolean);
  return [
    ...(live ? [progress(live, trigger)] : []),
    ...(begins ? [begin] : []),
    ...notes.map((text) => node("p", { class: "tx-note", text })),
  ];
}

function found(says, layers) {
  if (!says.length) return [];
  const told = node("ul", {}, ...says.map((text) => node("li", { text })));
  if (!layers) return [told];
  return [told, picture(layers.svg, "Depth by layer", layers.narrow), numbers("Every layer", layers)];
}

function numbers(title, { heads, lines }) {
  return node(
    "details",
    {},
    node("summary", { text: title }),
    figuresTable(title, heads, numberLines(lines)),
  );
}

/** Returns the lines as texts: the layer, then figures in nats. Pure. */
export function numberLines(lines) {
  return lines.map(([layer, ...figures]) => [String(layer), ...figures.map(nats)]);
}

const nats = (value) => (value === null ? "not measured" : small(value, 3));

/** Returns "ada: Rome, UDS .43" or "ada: Rome, UDS not measured". Pure. */
export function factLabel({ row_id, words, uds }) {
  return `${row_id}: ${words}, UDS ${uds === null ? "not measured" : share(uds)}`;
}

/** The picture of one fact, layer × token, and a menu of all facts. */
function factView(server) {
  const menu = node("select", { on: { change: () => draw() } });
  const question = node("p", { class: "tx-question" });
  const place = node("div", { class: "tx-found" });
  const element = node(
    "div",
    { class: "tx-found" },
    node("label", { class: "tx-pick-fact" }, node("span", { text: "Fact, layer by token" }), menu),
    question,
    place,
  );
  let facts = [];
  let runId = "";
  async function draw() {
    const chosen = facts.find(({ row_id }) => row_id === menu.value);
    if (!chosen) return;
    const of = runId;
    const stands = () => of === runId && menu.value === chosen.row_id;
    setText(question, chosen.question);
    try {
      const shown = await askServer(server, "depth_picture", { run_id: of, row_id: chosen.row_id });
      if (stands())
        place.replaceChildren(
          picture(shown.svg, factLabel(chosen), shown.narrow),
          numbers("Its numbers, in nats", shown),
        );
    } catch (error) {
      if (stands()) place.replaceChildren(node("p", { class: "tx-note", text: error.message }));
    }
  }
  return {
    element,
    show(given, ofRun) {
      const before = menu.value;
      facts = given;
      runId = ofRun;
      element.hidden = !facts.length;
      menu.replaceChildren(
        ...facts.map((each) => node("option", { text: factLabel(each), attributes: { value: each.row_id } })),
      );
      if (facts.some(({ row_id }) => row_id === before)) menu.value = before;
      place.replaceChildren();
      draw();
    },
  };
}
