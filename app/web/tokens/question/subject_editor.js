/**
 * A form under the question: another subject for this row and rows like it, and the names put in its place.
 */

import { button, node, setText } from "../../dom/dom.js";
import { workNotice } from "../../dom/work_notice.js";
import { loadAnew } from "../../model/scores_change.js";
import { namesTyped, rowsNaming } from "../../text/subject_words.js";

const DATA = "Back to the data's subject";

/**
 * Returns `{element, toggle, open, update}`; `open(subject)` fills the form with words of the question.
 * @param {import("../../model/tokens_model.js").TokensModel} model
 * @param {{ask: (name: string, data: object) => Promise<any>, say: (words: string) => void}} host
 */
export function subjectEditor(model, host) {
  const parts = fields();
  const notice = workNotice("Not scored: ");
  const submit = button("Score this row again", () => {}, {
    class: "tu-button is-first",
    attributes: { type: "submit" },
  });
  const back = button(DATA, () => apply(null), { class: "tu-button" });
  const cancel = button("Cancel", () => close(), { class: "tu-toggle" });
  const element = node(
    "form",
    { class: "tu-subject", attributes: { hidden: true, "aria-label": "Subject of this row" } },
    parts.line,
    parts.choices,
    parts.namesLine,
    parts.similarLine,
    node("div", { class: "tu-subject-acts" }, submit, back, cancel),
    notice.element,
  );
  const toggle = button("Change subject", () => (element.hidden ? open() : close()), {
    class: "tu-toggle tu-subject-toggle",
    attributes: {
      "aria-expanded": false,
      title: "What the knowledge mask changes: choose other words, or other names",
    },
  });
  let shownRow = null;

  const rows = () => [
    model.view.row,
    ...(parts.similar.checked ? rowsNaming(model, parts.subject.value) : []),
  ];
  const count = () => {
    const others = rowsNaming(model, parts.subject.value).length;
    setText(
      parts.others,
      `Also in ${others} other ${others === 1 ? "row" : "rows"} of this set that name it`,
    );
    parts.similarLine.hidden = others === 0;
    setText(
      submit,
      parts.similar.checked && others ? `Score ${others + 1} rows again` : "Score this row again",
    );
    back.hidden = model.row?.subject_source !== "edited";
  };
  const fill = (subject) => {
    shownRow = model.row.id;
    parts.subject.value = subject ?? model.row.subject;
    parts.names.value = model.row.subject_source === "edited" ? model.row.names.join("\n") : "";
    parts.names.placeholder = `Names of the set:\n${model.row.names.join("\n")}`;
    parts.similar.checked = false;
    notice.say("");
    offer(parts, model, host, (name) => {
      parts.subject.value = name;
      count();
    });
    count();
  };
  const open = (subject) => {
    if (model.payload.state !== "live")
      return host.say("Subjects can be changed as soon as the model is live");
    element.hidden = false;
    toggle.setAttribute("aria-expanded", "true");
    fill(subject);
    return parts.subject.focus();
  };
  const close = () => {
    element.hidden = true;
    toggle.setAttribute("aria-expanded", "false");
    toggle.focus();
  };
  const apply = (change) =>
    notice.attempt(
      () => scored(model, host, rows(), change),
      (done) => {
        if (model.row?.id === shownRow) close();
        host.say(done);
        return done;
      },
    );
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    apply({ subject: parts.subject.value.trim(), names: namesTyped(parts.names.value) });
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  });
  parts.subject.addEventListener("input", count);
  parts.similar.addEventListener("change", count);
  const update = () => {
    if (element.hidden || model.row?.id === shownRow) return;
    fill();
  };
  return { element, toggle, open, update };
}

function fields() {
  const subject = node("input", { attributes: { type: "text", maxlength: 200, autocomplete: "off" } });
  const names = node("textarea", { attributes: { rows: 4 } });
  const similar = node("input", { attributes: { type: "checkbox" } });
  const others = node("span");
  return {
    subject,
    names,
    similar,
    others,
    choices: node("div", { class: "tu-subject-choices" }),
    line: node(
      "label",
      {},
      node("span", { text: "Subject: words selected in the question, or typed" }),
      subject,
    ),
    namesLine: node("label", {}, node("span", { text: "Names put in its place, one a line" }), names),
    similarLine: node("label", { class: "tu-subject-similar" }, similar, others),
  };
}

/**
 * Puts the names that were found and the data's own subject as buttons; a late answer for another row is
 * dropped.
 */
async function offer(parts, model, host, choose) {
  const { row } = model;
  parts.choices.replaceChildren();
  const { given, proposed } = await host
    .ask("subject_choices", { scores_id: model.payload.scores_id, row: model.view.row })
    .catch(() => ({ given: "", proposed: [] }));
  if (row.id !== model.row?.id) return;
  const choices = [...new Set([given, ...proposed])].filter(
    (name) => name !== "" && name !== parts.subject.value,
  );
  parts.choices.replaceChildren(
    ...choices.map((name) => button(name, () => choose(name), { class: "tu-chip" })),
  );
}

/** Asks for the scores with the change, the old ones dimmed meanwhile; returns what was done in words. */
async function scored(model, host, places, change) {
  const ids = places.map((at) => model.payload.rows[at].id);
  const changes = Object.fromEntries(places.map((at) => [at, change]));
  await loadAnew(model, ids, () => host.ask("rescore", { scores_id: model.payload.scores_id, changes }));
  return `${ids.length} ${ids.length === 1 ? "row" : "rows"} scored again`;
}
