import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { shareRows } from "../../app/web/model/columns.js";
import { openLabel, previewNotes, previewWords } from "../../app/web/open/data_preview.js";
import { modelRequest } from "../../app/web/open/model_form.js";
import { failedWords, openingWords } from "../../app/web/open/opening_state.js";
import { groupsOf, originWords, placeWords } from "../../app/web/open/set_form.js";
import { taughtName, taughtWords } from "../../app/web/open/taught_list.js";
import { factPlace, isBlank, lessonWords, unknownWords } from "../../app/web/open/teach_form.js";
import { openedWords } from "../../app/web/page/run_news.js";
import { modelChip, openNow, openWords } from "../../app/web/page/status_chips.js";
import { base64, MOST_FILE, PIECE, sendFile } from "../../app/web/server/file_pieces.js";
import { askServer } from "../../app/web/server/server_ask.js";
import { openWanted, wantOpen } from "../../app/web/server/shared_value.js";
import { bannerWords } from "../../app/web/tokens/question/prompt.js";

const FIELDS = { question: "q", answer: "a", subject: "", gold: "", id: "", set: "", split: "" };
const preview = (more) => ({
  name: "a.csv",
  good: 18,
  forget: 18,
  retain: 2,
  plain: 0,
  refused_count: 0,
  fields: FIELDS,
  ...more,
});

test("what would be read, in words", () => {
  assert.equal(
    previewWords(preview({ good: 20, refused_count: 3 })),
    "a.csv: 18 rows to forget, 2 to keep; 3 lines are refused",
  );
  assert.equal(
    previewWords(preview({ forget: 1, retain: 0, refused_count: 1 })),
    "a.csv: 1 row to forget; 1 line is refused",
  );
  assert.equal(
    previewWords(preview({ world: 3 })),
    "a.csv: 18 rows to forget, 2 to keep, 3 of the world’s facts",
  );
  assert.equal(
    previewWords(preview({ holdout: 4, choice: 60 })),
    "a.csv: 18 rows to forget, 2 to keep, 4 held out, 60 with choices",
  );
  assert.equal(
    previewWords(preview({ forget: 0, retain: 0, choice: 60, only_asked: true })),
    "a.csv: 60 questions with choices",
  );
  assert.equal(openLabel(preview({})), "Open 18 rows");
  assert.equal(openLabel(preview({ refused_count: 3 })), "Open 18 good rows");
  assert.equal(openLabel(preview({ good: 4, forget: 0, retain: 4 })), "");
});

test("a person is told what is missing, and what it means", () => {
  assert.deepEqual(previewNotes(preview({})), []);
  const missing = { ...FIELDS, question: null, answer: null };
  assert.match(
    previewNotes(preview({ good: 0, forget: 0, fields: missing }))[0],
    /known to be the question or the answer\. Choose below/,
  );
  assert.match(previewNotes(preview({ good: 0, forget: 0 }))[0], /No line is a row/);
  assert.match(previewNotes(preview({ forget: 0 }))[0], /nothing to forget/);
  const asked = { forget: 0, retain: 0, choice: 60, only_asked: true, probe: "--set common", fields: null };
  assert.deepEqual(previewNotes(preview(asked)), [
    "These questions are asked to see what a model knows. No row is to forget, so they cannot be opened as tokens. Ask them in a terminal: python -m tokenunlearn probe --set common",
  ]);
  const general = readFileSync(new URL("../../assets/demo/world.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n").length;
  assert.match(
    previewNotes(preview({ retain: 0 }))[0],
    new RegExp(`no rows to keep, so ${general} general-knowledge questions protect the model`),
  );
  assert.match(
    previewNotes(preview({ retain: 0, world: 1 }))[0],
    /so its 1 row of general knowledge protects the model/,
  );
  assert.match(previewNotes(preview({ unkeyed: 1 }))[0], /^1 question with choices has no known true choice/);
  assert.match(previewNotes(preview({ contradictory: 1 }))[0], /^1 row is both to forget and to keep/);
  assert.match(
    previewNotes(preview({ plain: 1 }))[0],
    /1 row is plain text .* knowledge is not known there .*α = 0/,
  );
});

test("a set by name says what it is, and that only the hub is fetched from", () => {
  const mmlu = {
    name: "mmlu",
    label: "MMLU",
    help: "Questions",
    licence: "MIT",
    source: "MMLU 2009.03300",
    forgets: false,
    shipped: false,
    hub: "cais/mmlu",
    files: ["all/test*.parquet", "*.json"],
  };
  const demo = { ...mmlu, name: "demo", forgets: true, shipped: true };
  assert.deepEqual(
    groupsOf([demo, mmlu]).map(([, members]) => members.map(({ name }) => name)),
    [["demo"], ["mmlu"]],
  );
  assert.equal(originWords(mmlu), "Source: MMLU 2009.03300. Licence: MIT.");
  assert.match(originWords(demo), /It comes with this program\.$/);
  assert.match(
    placeWords(mmlu, "folder"),
    /files of cais\/mmlu as they are published\. Nothing is fetched\.$/,
  );
  assert.match(
    placeWords(mmlu, "hub"),
    /contacts huggingface\.co and fetches all\/test\*\.parquet and \*\.json/,
  );
});

test("a file goes in pieces that come together again, each under the server's limit", async () => {
  const bytes = Uint8Array.from({ length: PIECE + 5 }, (_, at) => at % 251);
  const asked = [];
  const shares = [];
  const ask = async (name, data) => {
    asked.push([name, data]);
    return { upload: "u" };
  };
  const file = Object.assign(new Blob([bytes]), { name: "a.parquet" });
  assert.equal(await sendFile(file, ask, (share) => shares.push(share)), "u");
  assert.deepEqual(
    asked.map(([name, { at }]) => [name, at]),
    [
      ["begin_upload", undefined],
      ["add_piece", 0],
      ["add_piece", PIECE],
    ],
  );
  const sent = Buffer.concat(asked.slice(1).map(([, { data }]) => Buffer.from(data, "base64")));
  assert.ok(sent.equals(Buffer.from(bytes)));
  assert.ok(asked.every(([, data]) => JSON.stringify(data).length < 3_500_000));
  assert.deepEqual([shares[0], shares.at(-1)], [0, 1]);
  assert.equal(base64(new Uint8Array([0, 255])), "AP8=");
});

test("a file that is too large is not sent", async () => {
  const ask = () => assert.fail("nothing may be asked");
  await assert.rejects(
    sendFile({ name: "big.csv", size: MOST_FILE + 1 }, ask),
    /big\.csv has 67,108,865 bytes; at most 67,108,864/,
  );
});

test("a model is asked for by where it is; an adapter that is left out is null", () => {
  assert.deepEqual(modelRequest("folder", " /m ", " ", "fp32"), {
    source: "folder",
    name: "/m",
    adapter: null,
    precision: "fp32",
  });
  assert.deepEqual(modelRequest("embedded", "left over", "/a", "auto"), {
    source: "embedded",
    name: "",
    adapter: "/a",
    precision: "auto",
  });
  assert.deepEqual(modelRequest("base", "left over", "/a", "auto"), {
    source: "embedded",
    name: "",
    adapter: "",
    precision: "auto",
  });
});

test("the chip and the dialog tell the same of what is being opened", () => {
  const open = { text: "tiny · fp32 on cpu", detail: "adapter none", state: "live" };
  const opening = {
    text: "loading the model, 3 s so far",
    state: "loading",
    error: "",
    model: "big",
    data: "rows.csv",
    keeps: true,
  };
  assert.deepEqual(modelChip(open, null), {
    text: open.text,
    title: "adapter none. Open another model…",
    state: "live",
  });
  assert.equal(modelChip(open, opening).text, "big: loading the model, 3 s so far");
  assert.equal(
    openingWords(opening),
    "big on rows.csv: loading the model, 3 s so far. You can go on using what is open.",
  );
  const failed = { ...opening, text: "", state: "error", error: "It has no config.json." };
  assert.deepEqual(modelChip(open, failed), {
    text: "not opened: big",
    title: "It has no config.json.",
    state: "error",
  });
  assert.equal(
    failedWords(failed),
    "big on rows.csv was not opened. It has no config.json. What was open still is.",
  );
  assert.deepEqual(openWords({ model: open, data: { text: "3 forget", detail: "a.csv" } }), {
    model: "tiny · fp32 on cpu. adapter none",
    data: "a.csv. 3 forget",
  });
  assert.deepEqual(openWords({}), { model: "", data: "" });
  // the model that the page starts with speaks for itself
  assert.equal(
    modelChip({ text: "loading the model, 1 s so far", state: "loading" }, { ...opening, keeps: false }).text,
    "loading the model, 1 s so far",
  );
});

test("each wish for the dialog is news, the same part as well", () => {
  const heard = [];
  openWanted.subscribe(({ part }) => heard.push(part));
  wantOpen("model");
  wantOpen("model");
  assert.deepEqual(heard, ["model", "model"]);
});

test("decisions move to other scores of the same rows only", () => {
  const rows = (...pairs) => ({ rows: pairs.map(([id, answer]) => ({ id, answer })) });
  assert.ok(shareRows(rows(["a", "x"], ["b", "y"]), rows(["b", "y"])));
  assert.ok(!shareRows(rows(["row-1", "x"]), rows(["row-1", "y"])));
});

test("a plain text says that nothing can be hidden, unless it has a subject", () => {
  assert.match(
    bannerWords({ question: "", subject_source: "none", unique_question: true }),
    /Plain text: .* knowledge is not known here/,
  );
  assert.equal(bannerWords({ question: "", subject_source: "row", unique_question: false }), "");
  assert.match(bannerWords({ question: "Who?", subject_source: "none" }), /No name shared/);
  assert.match(
    bannerWords({ question: "Who?", subject_source: "row", unique_question: true }, false),
    /no adapter, so there is no contrast/,
  );
  assert.match(
    bannerWords({ question: "Who?", subject_source: "none", unique_question: true }),
    /^No name shared .* No other row asks this question/,
  );
  const only = { question: "Who?", subject: "Ada", subject_spans: [] };
  assert.equal(
    bannerWords({ ...only, subject_source: "row" }),
    "“Ada” occurs only in the answer: nothing of the question is hidden.",
  );
  assert.match(
    bannerWords({ ...only, subject_source: "edited" }),
    /by hand: “Ada”\. “Ada” occurs only in the answer/,
  );
  assert.match(
    bannerWords({
      question: "Who?",
      subject: "",
      given_subject: "arts",
      subject_source: "none",
      subject_spans: [],
    }),
    /^The data’s subject, “arts”, occurs neither in the question nor in the answer\. No name shared/,
  );
  assert.match(
    bannerWords({ ...only, given_subject: "arts", subject_source: "proposed", subject_spans: [[0, 3]] }),
    /“arts”.* proposed instead: “Ada”\.$/,
  );
  assert.match(
    bannerWords({ question: "Who?", subject: "Ada", subject_source: "proposed", unique_question: true }),
    /proposed.*“Ada”\. No other row asks this question/,
  );
  // What asks for the contrast goes when it is used.
  const alone = { question: "Who?", subject: "Ada", subject_source: "row", unique_question: true };
  assert.match(bannerWords(alone, true, true), /Contrast is the better signal/);
  assert.equal(bannerWords(alone, true, true, false), "");
});

test("a refusal is thrown as its sentence", async () => {
  const server = { no: async () => ({ error: "Not here." }), yes: async () => ({ ok: 1 }) };
  await assert.rejects(askServer(server, "no", {}), /Not here\./);
  assert.deepEqual(await askServer(server, "no", {}, true), { error: "Not here." });
  assert.deepEqual(await askServer(server, "yes", {}), { ok: 1 });
  await assert.rejects(askServer(server, "unknown", {}), /offers no unknown/);
});

test("the fact is where it was marked, else where it stands first", () => {
  const fact = { question: "Who?", answer: "Di ate, Di sang.", fact: " Di " };
  assert.equal(factPlace({ ...fact, start: null }), 0);
  assert.equal(factPlace({ ...fact, start: 8 }), 8);
  assert.equal(factPlace({ ...fact, start: 3 }), 0, "the answer has changed since");
  // In code points, as the server counts: two emojis before it move nothing.
  const party = { ...fact, answer: "🎉🎉 Di ate, Di sang." };
  assert.equal(factPlace({ ...party, start: null }), 3);
  assert.equal(factPlace({ ...party, start: 11 }), 11);
  assert.equal(factPlace({ ...fact, fact: "Bo", start: null }), null);
  assert.equal(factPlace({ ...fact, fact: " ", start: null }), null);
  assert.equal(isBlank({ question: " ", answer: "", fact: "" }), true);
  assert.equal(isBlank({ question: "", answer: "a", fact: "" }), false);
});

test("each page says once that something else is open, whoever opened it", () => {
  const chips = {
    model: { text: "tiny · bf16", state: "live" },
    data: { detail: "demo", text: "20 forget" },
  };
  const before = openNow(chips);
  assert.deepEqual(before, { model: "tiny · bf16", data: "demo: 20 forget" });
  assert.equal(openNow({ ...chips, opening: { state: "loading" } }), null);
  assert.equal(openNow({ ...chips, model: { text: "loading", state: "loading" } }), null);
  const held = openNow({ ...chips, model: { text: "tiny · bf16 · scoring stopped", state: "live" } });
  for (const same of [held, before, null]) assert.equal(openedWords(before, same), "");
  assert.equal(openedWords(null, before), "", "what a page begins with is no news");
  assert.equal(
    openedWords(before, { model: "tiny + run-3 · bf16", data: "own facts: 1 forget" }),
    "Open now: own facts: 1 forget, with tiny + run-3 · bf16. What was decided before is kept with what was open then.",
  );
  assert.match(
    openedWords(before, { ...before, data: "b.csv: 3 forget" }),
    /^Open now: b\.csv: 3 forget\. What/,
  );
});

test("a lesson, what the open rows lack, and a taught model, in words", () => {
  const lesson = { run_id: "run-3", text: "step 4 of 12" };
  assert.equal(lessonWords({ ...lesson, live: true }), "run-3, teaching: step 4 of 12");
  assert.equal(
    lessonWords({ ...lesson, live: false, text: "Taught: .02 to .98.", open: true }),
    "run-3: Taught: .02 to .98. This model is open now. Next: see which tokens carry the fact.",
  );
  assert.equal(lessonWords({ ...lesson, live: false, text: "Taught." }), "run-3: Taught.");
  assert.equal(
    unknownWords({ count: 1, words: "“Who?”" }),
    "The model does not know 1 open row, or only partly: “Who?”.",
  );
  assert.equal(taughtName({ facts: ["a", "b"], more: 2 }), "a, b, and 2 more");
  assert.match(taughtWords({ run_id: "run-3", ended: 0, bytes: 19.4e6 }), /^run-3, 1 January.* 19 MB$/);
  // One whose files are damaged: its run's name, and no size that was not measured.
  assert.equal(taughtName({ facts: [], more: 0, name: "Teach 1 fact" }), "Teach 1 fact");
  assert.match(taughtWords({ run_id: "run-3", ended: 0, bytes: null }), /^run-3, 1 January[^M]*:\d\d$/);
});
