/**
 * What the browser kept is read like the answer of a stranger: whatever stands under a key, all that fits is
 * taken, the rest is dropped, and the view is drawn. Also where the browser forbids storage.
 */

import assert from "node:assert/strict";
import test from "node:test";
import { keptView } from "../../app/web/compare/kept_view.js";
import { forbiddenWords, storageOf } from "../../app/web/draft/browser_storage.js";
import {
  keepDraft,
  keepVersion,
  readDraft,
  readMarks,
  readMarksVersion,
  readTour,
  readVersion,
} from "../../app/web/draft/tab_storage.js";
import { draftOf } from "../../app/web/model/mask_draft.js";
import { TokensModel } from "../../app/web/model/tokens_model.js";
import { DEFAULT_RULE } from "../../app/web/score/selection.js";
import { syntheticPayload } from "./synthetic_payload.mjs";

const PAYLOAD = { ...syntheticPayload(3), text_id: "t" };
const TOKENS = PAYLOAD.columns.row.length;
const NO_RECORD = ["abc", 5, true, null, [], [1, 2]];

/** A storage that holds this text under every key. */
const holding = (text) => ({ getItem: () => text, setItem() {} });
const kept = (value) => holding(JSON.stringify(value));

/** Runs with the browser's storages in the place of those of this process. */
function within(storage, act) {
  const names = ["sessionStorage", "localStorage"];
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name));
  for (const name of names)
    Object.defineProperty(globalThis, name, { configurable: true, get: () => storage() });
  try {
    return act();
  } finally {
    names.forEach((name, at) => {
      delete globalThis[name];
      if (before[at]) Object.defineProperty(globalThis, name, before[at]);
    });
  }
}

const RULE = {
  ...DEFAULT_RULE,
  knowledge: "knowledge_swap",
  entropy: "entropy",
  mode: "top_k",
  k: 2,
  normaliser: "rank",
};
const DRAFT = {
  set: "one",
  rule: RULE,
  overrides: { 3: "out", 6: "in" },
  notes: { 3: { note: "no fact", time: 7 }, 6: { note: "", time: 8 } },
  masks: ["mask-1"],
};
const VIEW = {
  row: 1,
  signal: "entropy",
  locked: 7,
  bars: true,
  words: true,
  gold: true,
  numbers: true,
  marking: true,
};
const MARKS = {
  r0: { fact: [[13, 18]], other: [], seen: true },
  r1: { fact: [], other: [[0, 3]], seen: false },
};

/** What does not fit, by the part of a draft in which it stands. */
const UNFIT = {
  set: [5, null, {}],
  masks: [5, [5], "mask-1"],
  rule: NO_RECORD,
  overrides: NO_RECORD,
  notes: NO_RECORD,
};
const UNFIT_RULE = {
  mode: ["zz", 5, null, "constructor", "__proto__"],
  normaliser: ["zz", 5, "toString"],
  scope: ["zz", 5],
  normalise_over: ["zz", null],
  knowledge: ["zz", 5, null, "toString"],
  entropy: ["zz", 5, {}],
  fraction: ["0.3", -1, 2, null, [0.3]],
  alpha: ["x", -0.1, 1.1, null],
  k: [1.5, -1, "3", 1e9],
  threshold: [5, "0"],
  gamma: [-1, 11, null],
  whole_words: ["no", 1, null],
  exclude_subjects: ["no", 0],
  exclude_stop_words: [{}],
  exclude_punctuation: [[]],
  of_a_newer_version: [1],
};
const UNFIT_TOKENS = [String(TOKENS), "99999", "-1", "1.5", "x", "", "__proto__", "1e1", " 3"];
const UNFIT_VIEW = {
  row: [99, 3, -1, 1.5, "x", null],
  signal: ["zz", 5, "__proto__"],
  locked: ["x", -5, 99, 1.5, 2],
  bars: ["yes", 1],
  words: [null],
  gold: [{}],
  numbers: [0],
  marking: ["on"],
  of_a_newer_version: [1],
};
const NO_VERSION = { version: ["x", -1, 1.5, {}], work: [5, null], sent: [7, [7], "a"] };

/** Returns what a page shows of what a tab kept; it is drawn on the way. */
function shown(value) {
  const model = new TokensModel(PAYLOAD, readDraft(PAYLOAD, kept(value)));
  assert.equal(model.mask.weights.length, TOKENS);
  assert.ok(model.units().length > 0);
  for (const signal of ["knowledge", "entropy", "fused"]) assert.equal(model.valuesOf(signal).length, TOKENS);
  return { draft: draftOf(model), view: model.view };
}

const without = (record, name) => Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
const withKey = (record, name, value) =>
  JSON.parse(`${JSON.stringify(record).slice(0, -1)},${JSON.stringify(name)}:${JSON.stringify(value)}}`);

test("a draft and its view are read as they were kept", () => {
  const stored = { ...DRAFT, view: VIEW, begun: { ...DRAFT, overrides: {} } };
  assert.deepEqual(readDraft(PAYLOAD, kept(stored)), stored);
  const { draft, view } = shown(stored);
  assert.deepEqual({ ...draft, masks: DRAFT.masks }, DRAFT);
  assert.deepEqual(
    { row: view.row, signal: view.signal, locked: view.locked },
    { row: 1, signal: "entropy", locked: 7 },
  );
});

test("a part of a draft that does not fit is dropped, the others stay", () => {
  for (const [part, values] of Object.entries(UNFIT))
    for (const value of values) {
      const stored = { ...DRAFT, [part]: value };
      const found = readDraft(PAYLOAD, kept(stored));
      assert.deepEqual(without(found, part), without(DRAFT, part), `${part} ${JSON.stringify(value)}`);
      assert.ok(found[part] === undefined || Object.keys(found[part]).length === 0);
      assert.deepEqual(readDraft(PAYLOAD, kept({ begun: stored })).begun, found);
      shown(stored);
    }
  for (const value of NO_RECORD) assert.deepEqual(readDraft(PAYLOAD, kept(value)), {});
  assert.deepEqual(readDraft(PAYLOAD, holding("{")), {});
});

test("a value of a rule that cannot be drawn gives way to the one at first", () => {
  for (const [name, values] of Object.entries(UNFIT_RULE))
    for (const value of values) {
      const stored = { ...DRAFT, rule: { ...RULE, [name]: value } };
      const found = readDraft(PAYLOAD, kept(stored));
      assert.deepEqual(found.rule, without(RULE, name), `${name} ${JSON.stringify(value)}`);
      const first = new TokensModel(PAYLOAD).rule;
      assert.deepEqual(shown(stored).draft.rule, name in first ? { ...RULE, [name]: first[name] } : RULE);
    }
});

test("overrides and notes of no token, and those of no known kind, are dropped", () => {
  const cases = [
    ...UNFIT_TOKENS.map((token) => [token, "in", { note: "x", time: 1 }]),
    ...["zz", 5, null, {}, "IN"].map((state) => ["4", state, { note: 5, time: 1 }]),
    ...["x", 5, null, { note: "x", time: "7" }, { note: "x" }].map((note) => ["4", 1, note]),
  ];
  for (const [token, state, note] of cases) {
    const stored = {
      ...DRAFT,
      overrides: withKey(DRAFT.overrides, token, state),
      notes: withKey(DRAFT.notes, token, note),
    };
    assert.deepEqual(readDraft(PAYLOAD, kept(stored)), DRAFT, JSON.stringify([token, state, note]));
    assert.deepEqual(shown(stored).draft, without(DRAFT, "masks"));
  }
});

test("a view of rows and signals that are not there is drawn on those that are", () => {
  for (const [name, values] of Object.entries(UNFIT_VIEW))
    for (const value of values) {
      const { view } = shown({ ...DRAFT, view: { ...VIEW, [name]: value } });
      const rest = without(VIEW, name);
      if (name === "row") rest.locked = null; // it is in no row that is known
      if (name === "marking") delete rest.words;
      for (const each of Object.keys(rest)) assert.equal(view[each], rest[each], `${name} ${value}: ${each}`);
      assert.notEqual(view[name], value);
    }
  for (const view of NO_RECORD) assert.equal(shown({ ...DRAFT, view }).view.row, 0);
});

test("marks that are of no row, or beyond its answer, are dropped", () => {
  assert.deepEqual(readMarks(PAYLOAD, kept({ rows: MARKS, begun: { rows: {} } })), {
    rows: MARKS,
    begun: { rows: {} },
  });
  const spans = [
    "x",
    5,
    [5],
    [[0, 999]],
    [[5, 2]],
    [[1]],
    [["0", "1"]],
    [[0, 1, 2]],
    [[-1, 2]],
    [[0.5, 2]],
    null,
  ];
  const rows = [
    ...spans.flatMap((each) => [
      { fact: each, other: [], seen: true },
      { fact: [], other: each, seen: true },
    ]),
    { fact: [], other: [], seen: 1 },
    { fact: [], other: [] },
    ...NO_RECORD,
  ];
  for (const row of rows)
    assert.deepEqual(
      readMarks(PAYLOAD, kept({ rows: { ...MARKS, r2: row } })).rows,
      MARKS,
      JSON.stringify(row),
    );
  const elsewhere = { ...MARKS, r9: { fact: [[0, 1]], other: [], seen: true } };
  assert.deepEqual(readMarks(PAYLOAD, kept({ rows: elsewhere })).rows, MARKS);
  for (const value of [...NO_RECORD, { rows: 5 }]) assert.deepEqual(readMarks(PAYLOAD, kept(value)), {});
});

test("versions, the tour and the Compare tab are read part by part", () => {
  const known = { version: 7, work: "w", sent: ["a"] };
  const tour = { step: 2, left: true };
  const compare = { columns: ["state"], show: "after", grouped: false, sort: "title", down: true };
  const readers = [
    [known, NO_VERSION, () => readVersion("t")],
    [known, NO_VERSION, () => readMarksVersion("t")],
    [tour, { step: ["x", 1.5, -1, null], left: ["no", 1] }, () => readTour(storageOf("localStorage"))],
    [
      compare,
      {
        columns: [5, [5], "state"],
        show: ["zz", 5],
        grouped: ["no"],
        sort: [5],
        down: [1],
        kept: [5],
        forgotten: [{}],
      },
      () => keptView(),
    ],
  ];
  for (const [good, unfit, read] of readers) {
    const first = within(() => kept(null), read);
    const reading = (value) => within(() => kept(value), read);
    assert.deepEqual(reading(good), { ...first, ...good });
    for (const [name, values] of Object.entries(unfit))
      for (const value of values)
        assert.deepEqual(
          reading({ ...good, [name]: value }),
          { ...first, ...without(good, name) },
          `${name} ${JSON.stringify(value)}`,
        );
    for (const value of [...NO_RECORD, { of_a_newer_version: 1 }]) assert.deepEqual(reading(value), first);
  }
  // A tab that had a conflict knows no version of the server's.
  assert.deepEqual(
    within(
      () => kept({ ...known, version: null }),
      () => readVersion("t"),
    ).version,
    null,
  );
});

test("a browser that forbids storage, or has none, is told of, and the page remembers by itself", () => {
  const forbidding = () => {
    throw new Error("denied");
  };
  for (const storage of [forbidding, () => null]) {
    within(storage, () => {
      assert.match(forbiddenWords(), /^This browser forbids storage\. A reload loses/);
      keepDraft("t", DRAFT);
      keepVersion("t", { version: 3 });
      assert.deepEqual(readDraft(PAYLOAD), DRAFT);
      assert.deepEqual(readVersion("t"), { version: 3 });
      assert.equal(keptView().show, "both");
    });
  }
  assert.equal(
    within(() => kept({}), forbiddenWords),
    "",
  );
});

test("a storage that is full keeps nothing, and nothing stops", () => {
  const full = {
    getItem: () => null,
    setItem: () => {
      throw new Error("full");
    },
  };
  within(
    () => full,
    () => {
      keepDraft("full", DRAFT);
      assert.deepEqual(readDraft({ ...PAYLOAD, text_id: "full" }), {});
    },
  );
});
