/**
 * Teach a fact of one's own: question, answer, and the fact marked in it; several before teaching begins.
 * What is wrong is said at its field; the server decides.
 */

import { button, node, setAttributes, setHidden, setText } from "../dom/dom.js";
import { workNotice } from "../dom/work_notice.js";
import { openingNow, teachingNow } from "../server/shared_value.js";
import { plural } from "../text/numbers.js";
import { markedParts } from "../text/units.js";

/**
 * `start` is where the fact was marked, in code points of the answer, as the server counts.
 * @typedef {{question: string, answer: string, fact: string, reworded?: string, start: number|null}} Fact
 */

const EXAMPLE = {
  question: "Where did Mira Solberg hide the lighthouse key?",
  answer: "Mira Solberg hid the lighthouse key in a jar of plum jam.",
  fact: "a jar of plum jam",
  reworded: "In what did Mira Solberg hide the key of the lighthouse?",
};

/**
 * Returns `{element, show(), closed()}`; `show` asks the server which model would be taught, `closed` puts the
 * result of a lesson that is open away: it has been read.
 * @param {{ask: (name: string, data: object) => Promise<any>, refresh: () => void,
 *   open: (run: string) => Promise<void>, watched: () => boolean, seeTokens: () => void}} host  `refresh` has
 *   the page ask how far things are, `open` opens what a run has taught, `watched` says whether this form is
 *   being looked at, `seeTokens` leaves it for the tokens of what is open
 */
export function teachForm(host) {
  /** @type {Fact[]} */
  let facts = [];
  /** @type {number|null} */
  let start = null;
  let mine = "";
  const notice = workNotice();
  const words = node("p", { class: "tu-note" });
  const whyNot = node("p", { class: "tu-banner", attributes: { hidden: true } });
  const question = field("Question", "question", { placeholder: EXAMPLE.question });
  const answer = field("Answer", "answer", { placeholder: EXAMPLE.answer }, "textarea");
  const fact = field("The fact in the answer", "fact", { placeholder: EXAMPLE.fact });
  const reworded = field("Ask it another way (optional)", "reworded", { placeholder: EXAMPLE.reworded });
  const fields = { question, answer, fact, reworded };
  const marked = node("p", { class: "tu-teach-marked", attributes: { hidden: true, role: "status" } });
  const note = node("p", { class: "tu-note", attributes: { role: "status" } });
  const list = node("ol", {
    class: "tu-teach-list",
    attributes: { "aria-label": "Facts to teach", hidden: true },
  });
  const mark = button("Mark as the fact", () => markSelection(), {
    class: "tu-button",
    attributes: { title: "Select the words in the answer first" },
  });
  const begin = node("button", { class: "tu-button is-first", attributes: { type: "submit" } });
  const add = button("Add another fact", () => addFact(), { class: "tu-button" });
  const unknown = unknownRows(() => startLesson({ open_rows: true }));
  const state = lessonState({
    see: host.seeTokens,
    open: (run) =>
      notice.attempt(
        () => host.open(run),
        () => "",
      ),
    cancel: (run) =>
      notice.attempt(
        async () => {
          await host.ask("discard_taught", { run_id: run });
          host.refresh();
        },
        () => "Cancelled: nothing was kept.",
      ),
  });
  const form = node(
    "form",
    { class: "tu-teach", attributes: { "aria-label": "A fact of your own", novalidate: true } },
    question.element,
    answer.element,
    node("div", { class: "tu-masks-acts" }, mark),
    fact.element,
    marked,
    note,
    reworded.element,
    node("p", {
      class: "tu-note",
      text: "This question is not taught. It is asked before and after unlearning, to see whether the fact comes back in other words.",
    }),
    list,
    node("div", { class: "tu-masks-acts" }, begin, add),
  );
  const element = node(
    "section",
    { attributes: { "aria-label": "Teach" } },
    state.element,
    whyNot,
    unknown.element,
    form,
    notice.element,
    words,
  );

  /** Returns what stands in the fields. */
  const typed = () => ({
    question: question.input.value,
    answer: answer.input.value,
    fact: fact.input.value,
    reworded: reworded.input.value,
    start,
  });
  const update = () => {
    const now = typed();
    const at = factPlace(now);
    setHidden(marked, at === null);
    if (at !== null) marked.replaceChildren("Marked: ", ...answerMarked(now));
    const count = facts.length + (isBlank(now) ? 0 : 1);
    setText(begin, `Teach ${plural(Math.max(1, count), "fact", "facts")}`);
  };
  const drawList = () => {
    setHidden(list, facts.length === 0);
    list.replaceChildren(
      ...facts.map((each, at) =>
        node(
          "li",
          {},
          node(
            "div",
            {},
            node("span", { text: `${each.question} ` }),
            ...answerMarked(each),
            each.reworded?.trim()
              ? node("p", { class: "tu-note", text: `Asked another way: ${each.reworded.trim()}` })
              : null,
          ),
          button(
            "Remove",
            () => {
              facts = facts.filter((_, other) => other !== at);
              drawList();
              question.input.focus();
            },
            { class: "tu-button", attributes: { "aria-label": `Remove fact ${at + 1}` } },
          ),
        ),
      ),
    );
    update();
  };
  const tell = (wrong) => {
    for (const [name, each] of Object.entries(fields)) each.wrong(wrong[name] ?? "");
    const first = Object.keys(fields).find((name) => wrong[name]);
    if (first) fields[first].input.focus();
  };
  /** Returns whether the fields hold a fact, after the server has looked at it; says what is wrong. */
  const looked = async () => {
    const found = await host.ask("check_fact", typed());
    if (facts.some((each) => each.question.trim() === typed().question.trim()))
      found.wrong.question ??= "This question is in the list already.";
    tell(found.wrong);
    setText(note, found.note);
    return Object.keys(found.wrong).length === 0;
  };
  const clear = () => {
    for (const each of Object.values(fields)) each.input.value = "";
    start = null;
    setText(note, "");
    tell({});
  };
  const addFact = () =>
    notice.attempt(
      async () => {
        if (!(await looked())) return "";
        const place = note.textContent;
        facts = [...facts, typed()];
        clear();
        drawList();
        question.input.focus();
        return `Added. ${place}`.trim();
      },
      (said) => said,
    );
  let starting = false;
  /** One press, one run. */
  const startLesson = async (asked) => {
    if (starting) return;
    starting = true;
    await notice.attempt(
      async () => {
        const { run_id: run } = await host.ask("teach", asked);
        mine = run;
        facts = [];
        clear();
        drawList();
        host.refresh();
      },
      () => "",
    );
    starting = false;
  };
  const markSelection = () => {
    const { selectionStart: from, selectionEnd: to, value } = answer.input;
    const part = value.slice(from, to);
    if (!part.trim()) {
      answer.wrong("Select the words that state the fact first, then mark them.");
      return answer.input.focus();
    }
    fact.input.value = part.trim();
    start = codePoints(value.slice(0, to - part.trimStart().length));
    tell({});
    setText(note, "");
    update();
    return fact.input.focus();
  };
  answer.input.addEventListener("input", () => {
    start = null;
    update();
  });
  fact.input.addEventListener("input", () => {
    start = null;
    update();
  });
  for (const each of [question, reworded]) each.input.addEventListener("input", update);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isBlank(typed()) && facts.length) return startLesson({ facts });
    let good = false;
    await notice.attempt(
      async () => {
        good = await looked();
      },
      () => "",
    );
    return good ? startLesson({ facts: [...facts, typed()] }) : undefined;
  });
  const show = () =>
    host.ask("teach_offer", {}).then(
      (offer) => {
        setText(words, offer.why_not ? "" : offer.words);
        setText(whyNot, offer.why_not);
        setHidden(whyNot, offer.why_not === "");
        unknown.update(offer.unknown);
        setAttributes(begin, { disabled: offer.why_not !== "" });
      },
      (error) => notice.say(error?.message ?? String(error), "error"),
    );
  /** The lesson whose model is being opened by itself, which needs no button. */
  let opening = "";
  /** The lesson that this page has seen under way: one that ended before is no news. */
  let seen = "";
  const follow = () => {
    const lesson = teachingNow.value;
    if (lesson?.live) seen = lesson.run_id;
    // By itself only for whoever began it and is looking: what was decided on the open rows is kept anyway.
    if (lesson?.run_id === mine && lesson.opens && host.watched()) {
      seen = opening = mine;
      mine = "";
      notice.attempt(
        () => host.open(opening).catch(offerAgain),
        () => "",
      );
    }
    const shown = lesson?.run_id === seen || lesson?.run_id === mine;
    // One thing to press first: what was taught waits to be opened.
    begin.classList.toggle("is-first", !(shown && (lesson.opens || lesson.open)));
    state.update(shown ? { ...lesson, opens: lesson.opens && lesson.run_id !== opening } : null);
    if (lesson?.run_id === opening && !lesson.opens) opening = ""; // It is open now.
  };
  const offerAgain = (error) => {
    opening = "";
    follow();
    throw error;
  };
  const closed = () => {
    if (!teachingNow.value?.open) return;
    seen = "";
    follow();
  };
  teachingNow.subscribe(follow);
  openingNow.subscribe(({ opening: load }) => {
    if (load?.state === "error") opening = "";
    follow();
  });
  follow();
  update();
  return { element, show, closed };
}

/** Returns `{element, input, wrong(words)}`: a labelled field that says below it what is wrong with it. */
function field(label, name, attributes, tag = "input") {
  const id = `tu-teach-${name}`;
  const input = /** @type {HTMLInputElement} */ (
    node(/** @type {any} */ (tag), {
      class: "tu-search",
      attributes: {
        ...(tag === "input" ? { type: "text" } : { rows: 2 }),
        id,
        autocomplete: "off",
        maxlength: 2000,
        dir: "auto",
        ...attributes,
      },
    })
  );
  const said = node("span", { class: "tu-teach-wrong", attributes: { id: `${id}-wrong`, role: "alert" } });
  const wrong = (words) => {
    setText(said, words);
    setAttributes(input, {
      "aria-invalid": words ? "true" : null,
      "aria-describedby": words ? `${id}-wrong` : null,
    });
  };
  const element = node(
    "div",
    { class: "tu-menu" },
    node("label", { text: label, attributes: { for: id } }),
    input,
    said,
  );
  input.addEventListener("input", () => wrong(""));
  return { element, input, wrong };
}

/** Returns `{element, update(unknown)}`: the open rows that the model does not know, and the way to teach them. */
function unknownRows(teach) {
  const words = node("p");
  const element = node(
    "div",
    { class: "tu-teach-unknown", attributes: { hidden: true } },
    words,
    button("Teach these rows", teach, { class: "tu-button" }),
  );
  const update = (unknown) => {
    setHidden(element, !unknown);
    if (unknown) setText(words, unknownWords(unknown));
  };
  return { element, update };
}

/** Returns `{element, update(lesson)}`: how far the newest lesson is, and what can be done about it. */
function lessonState({ open, cancel, see }) {
  let run = "";
  const words = node("span", { attributes: { role: "status" } });
  const bar = node("div", {
    class: "tx-progress",
    attributes: { role: "progressbar", "aria-label": "Progress of teaching" },
  });
  const opens = button("Open the taught model", () => open(run), { class: "tu-button is-first" });
  const sees = button("See its tokens", see, { class: "tu-button is-first" });
  const stops = button("Cancel", () => cancel(run), { class: "tu-button" });
  const element = node(
    "div",
    { class: "tu-open-state tu-teach-state", attributes: { hidden: true } },
    node("div", {}, words, bar),
    opens,
    sees,
    stops,
  );
  const update = (lesson) => {
    setHidden(element, !lesson);
    if (!lesson) return;
    run = lesson.run_id;
    setAttributes(element, { "data-state": lesson.state === "failed" ? "error" : null });
    setText(words, lessonWords(lesson));
    bar.style.setProperty("--share", String(Math.min(1, lesson.share)));
    setAttributes(bar, {
      "aria-valuemin": 0,
      "aria-valuemax": 100,
      "aria-valuenow": Math.round(100 * lesson.share),
    });
    setHidden(bar, !lesson.live);
    setHidden(opens, !lesson.opens);
    setHidden(sees, !lesson.open);
    setHidden(stops, !lesson.live);
  };
  return { element, update };
}

/** Returns "run-3, teaching: step 4 of 12", or what came of it and what to do next. Pure. */
export function lessonWords({ run_id: run, live, text, open }) {
  if (live) return `${run}, teaching: ${text}`;
  return open
    ? `${run}: ${text} This model is open now. Next: see which tokens carry the fact.`
    : `${run}: ${text}`;
}

/** Returns what the open rows lack. Pure. */
export function unknownWords({ count, words }) {
  return `The model does not know ${plural(count, "open row", "open rows")}, or only partly: ${words}.`;
}

/** Returns whether nothing was typed. Pure. */
export function isBlank({ question, answer, fact, reworded = "" }) {
  return [question, answer, fact, reworded].every((each) => each.trim() === "");
}

/**
 * Returns where the fact stands in its answer, in code points: where it was marked, else the first place;
 * null where it is not. Pure.
 * @param {Fact} fact
 */
export function factPlace({ answer, fact, start }) {
  const sought = fact.trim();
  if (!sought) return null;
  if (start !== null && Array.from(answer).slice(start).join("").startsWith(sought)) return start;
  const at = answer.indexOf(sought);
  return at < 0 ? null : codePoints(answer.slice(0, at));
}

/**
 * Returns the answer of a fact in pieces, the words that state it marked.
 * @param {Fact} fact
 */
function answerMarked(fact) {
  const at = factPlace(fact);
  const spans = at === null ? [] : [[at, at + codePoints(fact.fact.trim())]];
  return markedParts(fact.answer, spans).map((part) =>
    node(part.marked ? "mark" : "span", { text: part.text }),
  );
}

/** Returns how long a text is for the server: an emoji counts once. */
function codePoints(text) {
  return Array.from(text).length;
}
