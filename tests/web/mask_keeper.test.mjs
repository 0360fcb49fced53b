import assert from "node:assert/strict";
import test from "node:test";
import { contentOf, DraftKeeper, keptWords } from "../../app/web/draft/mask_keeper.js";

const empty = () => ({ set: "one", rule: { alpha: 1 }, overrides: {}, notes: {}, masks: [] });
const forced = (index) => ({
  ...empty(),
  overrides: { [index]: "in" },
  notes: { [index]: { note: "", time: 1 } },
});

/** A server that keeps one draft a text, as runs/mask_store.py does; `draft` is that of text "t". */
function serverOf(draft = null) {
  const server = { drafts: draft ? { t: draft } : {}, asked: [], down: false, mute: false };
  Object.defineProperty(server, "draft", {
    get: () => server.drafts.t ?? null,
    set: (value) => {
      server.drafts.t = value;
    },
  });
  server.ask = async (name, data) => {
    server.asked.push(name);
    if (server.down) throw new Error("gone");
    const standing = server.drafts[data.text_id];
    if (name === "kept_masks") return { draft: standing ?? null, masks: [], since: [] };
    if (standing && standing.version !== data.base) return { taken: false, draft: standing };
    const { scores_id: _, text_id: __, base, ...content } = data;
    server.drafts[data.text_id] = { ...content, version: base + 1, saved: 1000 + base };
    if (server.mute) throw new Error("gone");
    return { taken: true, draft: server.drafts[data.text_id] };
  };
  return server;
}

/**
 * A tab on that server; `tab.shown` is its draft, `tab.tick()` lets the clock run out. `stored`: of an
 * earlier page of it.
 */
function tabOf(server, { shown = empty(), known = {}, stored = {}, live = true } = {}) {
  const tab = {
    shown,
    live,
    puts: [],
    states: [],
    timer: null,
    known: { t: known },
    stored: { t: stored },
    textId: "t",
    newer: 0,
  };
  tabOf.count = (tabOf.count ?? 0) + 1;
  const { count } = tabOf;
  let saves = 0;
  tab.keeper = new DraftKeeper({
    ask: server.ask,
    onKept: () => {},
    onNewer: () => {
      tab.newer += 1;
    },
    where: () => ({ textId: tab.textId, scoresId: "s", live: tab.live, stamp: [tab.shown] }),
    read: () => ({ draft: tab.shown, untouched: empty() }),
    ready: async () => {},
    put: (draft, fresh) => {
      tab.shown = draft;
      tab.puts.push(fresh);
    },
    onState: (state) => tab.states.push(state.kind),
    memory: {
      get: (text) => tab.known[text] ?? {},
      set: (text, value) => {
        tab.known[text] = value;
      },
      draft: (text) => tab.stored[text] ?? {},
    },
    wait: (act) => {
      tab.timer = act;
      return act;
    },
    cancel: () => {
      tab.timer = null;
    },
    name: () => {
      saves += 1;
      return `${count}-${saves}`;
    },
  });
  tab.keep = () => {
    if (tab.keeper.keeps)
      tab.stored[tab.textId] = { ...tab.shown, ...(tab.keeper.begun && { begun: tab.keeper.begun }) };
  };
  tab.tick = async () => {
    const act = tab.timer;
    tab.timer = null;
    await act?.();
  };
  tab.edit = async (draft) => {
    tab.shown = draft;
    tab.keep();
    tab.keeper.changed();
    await tab.tick();
  };
  tab.turn = (textId, shown = tab.shown) => {
    tab.keep();
    tab.keeper.leave();
    Object.assign(tab, { textId, shown });
    return tab.keeper.open();
  };
  tab.reload = () =>
    tabOf(server, {
      shown: tab.stored.t.rule ? contentOf(tab.stored.t) : empty(),
      known: tab.known.t,
      stored: tab.stored.t,
    });
  return tab;
}

test("an untouched page saves nothing; an edit is saved once", async () => {
  const server = serverOf();
  const tab = tabOf(server);
  await tab.keeper.open();
  tab.keeper.changed();
  assert.equal(tab.timer, null);
  await tab.edit(forced(3));
  assert.deepEqual([server.draft.version, server.draft.overrides], [1, { 3: "in" }]);
  tab.keeper.changed();
  assert.deepEqual([tab.timer, tab.keeper.state.kind, server.asked.length], [null, "saved", 2]);
});

test("a recorded example asks for nothing", async () => {
  const server = serverOf();
  const tab = tabOf(server, { live: false });
  await tab.keeper.open();
  await tab.edit(forced(3));
  assert.deepEqual([server.asked, tab.keeper.state.kind], [[], "browser"]);
});

test("a new tab shows what the server kept, without a step of undo", async () => {
  const tab = tabOf(serverOf({ ...forced(3), version: 4, saved: 9 }));
  await tab.keeper.open();
  assert.deepEqual(
    [tab.shown.overrides, tab.puts, tab.keeper.version, tab.timer],
    [{ 3: "in" }, [true], 4, null],
  );
});

test("what was typed in the second before a reload wins, where nobody saved since", async () => {
  const server = serverOf({ ...forced(3), version: 4, saved: 9 });
  const tab = tabOf(server, { shown: forced(5), stored: forced(5), known: { version: 4, work: "" } });
  await tab.keeper.open();
  await tab.tick();
  assert.deepEqual([server.draft.overrides, server.draft.version, tab.puts], [{ 5: "in" }, 5, []]);
});

test("a tab that fell behind without edits shows the newer draft", async () => {
  const server = serverOf({ ...forced(3), version: 4, saved: 9 });
  const before = tabOf(server);
  await before.keeper.open();
  server.draft = { ...forced(5), version: 5, saved: 10 };
  const tab = tabOf(server, { shown: forced(3), stored: forced(3), known: before.known.t });
  await tab.keeper.open();
  assert.deepEqual([tab.shown.overrides, tab.keeper.state.kind], [{ 5: "in" }, "saved"]);
});

test("two tabs: the second is told, and takes over or reloads", async () => {
  const server = serverOf();
  const [one, two] = [tabOf(server), tabOf(server)];
  await one.keeper.open();
  await two.keeper.open();
  await one.edit(forced(1));
  await two.edit(forced(2));
  assert.deepEqual([two.keeper.state.kind, server.draft.overrides], ["conflict", { 1: "in" }]);
  await two.edit(forced(3));
  assert.equal(server.draft.version, 1, "nothing is saved while the choice is open");
  await two.keeper.takeOver();
  assert.deepEqual(
    [two.keeper.state.kind, server.draft.overrides, server.draft.version],
    ["saved", { 3: "in" }, 2],
  );
  await one.edit(forced(4));
  assert.equal(one.keeper.state.kind, "conflict");
  await one.keeper.reload();
  assert.deepEqual([one.shown.overrides, one.puts, one.keeper.version], [{ 3: "in" }, [false], 2]);
});

test("taking over saves also what had been saved once before", async () => {
  const server = serverOf();
  const [one, two] = [tabOf(server), tabOf(server)];
  await two.keeper.open();
  await two.edit(forced(1));
  await one.keeper.open();
  await one.edit(forced(2));
  await two.edit(forced(3));
  two.shown = forced(1);
  await two.keeper.takeOver();
  assert.deepEqual([server.draft.overrides, server.draft.version], [{ 1: "in" }, 3]);
});

test("edits made before the model was live are not lost to an older draft, nor merged with it", async () => {
  const server = serverOf({ ...forced(3), version: 4, saved: 9 });
  const tab = tabOf(server, { live: false });
  await tab.edit(forced(6));
  tab.live = true;
  await tab.keeper.open();
  assert.deepEqual([tab.keeper.state.kind, tab.shown.overrides], ["conflict", { 6: "in" }]);
});

test("what is changed while the draft is on its way is laid over it, and nobody is asked", async () => {
  const server = serverOf({ ...forced(3), rule: { alpha: 0.2, mode: "top" }, version: 4, saved: 9 });
  const tab = tabOf(server);
  const opening = tab.keeper.open();
  await tab.edit({ ...forced(6), set: "two" });
  await opening;
  await tab.tick();
  assert.deepEqual(
    [tab.shown.overrides, tab.shown.rule, tab.shown.set],
    [{ 3: "in", 6: "in" }, { alpha: 0.2, mode: "top" }, "two"],
  );
  assert.deepEqual(
    [tab.puts, server.draft.version, server.draft.overrides],
    [[true, false], 5, { 3: "in", 6: "in" }],
  );
  assert.ok(!tab.states.includes("conflict"));
});

test("the set that the address names is no edit", async () => {
  const tab = tabOf(serverOf({ ...forced(3), version: 4, saved: 9 }), { shown: { ...empty(), set: "two" } });
  await tab.keeper.open();
  assert.equal(tab.keeper.state.kind, "saved");
});

test("a server that is gone is named, and asked again until it is back", async () => {
  const server = serverOf();
  const tab = tabOf(server);
  await tab.keeper.open();
  server.down = true;
  await tab.edit(forced(1));
  assert.equal(keptWords(tab.keeper.state), "draft not saved: gone");
  server.down = false;
  await tab.tick();
  assert.deepEqual([tab.keeper.state.kind, server.draft.overrides], ["saved", { 1: "in" }]);
});

test("an edit made while a save is under way is saved after it", async () => {
  const server = serverOf();
  const tab = tabOf(server);
  await tab.keeper.open();
  tab.shown = forced(1);
  const save = tab.keeper.save();
  tab.shown = forced(2);
  await save;
  await tab.tick();
  assert.deepEqual(server.draft.overrides, { 2: "in" });
});

test("what could not be saved is saved at once when the server is back", async () => {
  const server = serverOf();
  const tab = tabOf(server);
  await tab.keeper.open();
  server.down = true;
  await tab.edit(forced(3));
  assert.equal(tab.keeper.state.kind, "failed");
  server.down = false;
  await tab.keeper.again();
  assert.deepEqual([tab.keeper.state.kind, server.draft.overrides], ["saved", { 3: "in" }]);
});

test("a page whose scores are older than the server's asks for the newer ones, and its draft stays", async () => {
  const server = serverOf();
  const tab = tabOf({ ask: async (...given) => ({ ...(await server.ask(...given)), newer: true }) });
  await tab.keeper.open();
  await tab.edit(forced(1));
  assert.equal(tab.newer, 1);
  await tab.keeper.open(); // they are of the same text: nothing is asked, nothing is shown anew
  assert.deepEqual(
    [server.asked, tab.puts, tab.keeper.state.kind],
    [["kept_masks", "save_draft"], [], "saved"],
  );
});

test("what another page of this tab has sent is known as its own, though the answer never came", async () => {
  const server = serverOf({ ...forced(1), version: 1, saved: 1 });
  const tab = tabOf(server);
  await tab.keeper.open();
  server.mute = true;
  await tab.edit(forced(2));
  assert.deepEqual([tab.keeper.state.kind, server.draft.overrides], ["failed", { 2: "in" }]);
  const again = tab.reload();
  server.mute = false;
  await tab.edit(forced(3)); // the page itself
  assert.deepEqual([tab.keeper.state.kind, server.draft.overrides], ["saved", { 3: "in" }]);
  server.draft = { ...forced(2), save: again.known.t.sent[0], version: 9, saved: 9 };
  again.shown = forced(4);
  again.stored.t = forced(4);
  await again.keeper.open();
  await again.tick();
  assert.deepEqual([again.keeper.state.kind, server.draft.overrides], ["saved", { 4: "in" }]);
});

test("a save that takes longer than the next change is not taken for somebody else's", async () => {
  const server = serverOf();
  let answer;
  const tab = tabOf({
    ask: (name, data) =>
      name === "save_draft" && !answer
        ? new Promise((resolve) => {
            answer = () => resolve(server.ask(name, data));
          })
        : server.ask(name, data),
  });
  await tab.keeper.open();
  const first = tab.edit(forced(1));
  await Promise.resolve();
  await tab.edit(forced(2)); // its clock runs out while the first is on its way
  answer();
  await first;
  await tab.tick();
  assert.deepEqual(
    [tab.keeper.state.kind, server.draft.overrides, server.draft.version],
    ["saved", { 2: "in" }, 2],
  );
});

test("what was settled but not yet saved is asked about, not dropped, when somebody else was quicker", async () => {
  const server = serverOf({ ...forced(3), version: 4, saved: 9 });
  const tab = tabOf(server, { shown: forced(5), stored: forced(5), known: { version: 4, work: "" } });
  await tab.keeper.open(); // will save in a second; the page is killed before
  server.draft = { ...forced(6), version: 5, saved: 10 };
  const again = tab.reload();
  await again.keeper.open();
  assert.deepEqual([again.keeper.state.kind, again.shown.overrides], ["conflict", { 5: "in" }]);
});

/** Two texts, as of two models, each with a draft of its own, and a tab that has turned from "t" to "u". */
async function twoModels() {
  const server = serverOf({ ...forced(1), version: 1, saved: 1 });
  server.drafts.u = { ...forced(2), version: 1, saved: 2 };
  const tab = tabOf(server);
  await tab.keeper.open();
  await tab.turn("u");
  return { server, tab };
}

test("the draft of another model comes back with it, and neither is written over the other", async () => {
  const { server, tab } = await twoModels();
  assert.deepEqual(tab.shown.overrides, { 2: "in" });
  await tab.edit(forced(7));
  await tab.turn("t");
  await tab.tick();
  assert.deepEqual([tab.shown.overrides, tab.keeper.state.kind], [{ 1: "in" }, "saved"]);
  await tab.turn("u");
  await tab.tick();
  assert.deepEqual(
    [tab.shown.overrides, server.drafts.t.overrides, server.drafts.u.overrides],
    [{ 7: "in" }, { 1: "in" }, { 7: "in" }],
  );
});

test("a text without a draft begins with what is decided on the one before", async () => {
  const server = serverOf({ ...forced(1), version: 1, saved: 1 });
  const tab = tabOf(server);
  await tab.keeper.open();
  await tab.turn("u", forced(4)); // the same words have other numbers there
  await tab.tick();
  assert.deepEqual([server.drafts.u.overrides, server.drafts.t.overrides], [{ 4: "in" }, { 1: "in" }]);
});

test("what was changed in the second before another model came is saved on its own text", async () => {
  const { server, tab } = await twoModels();
  tab.shown = forced(8);
  tab.keeper.changed();
  await tab.turn("t");
  assert.deepEqual(
    [tab.shown.overrides, server.drafts.u.overrides, server.drafts.t.overrides],
    [{ 1: "in" }, { 8: "in" }, { 1: "in" }],
  );
});

test("what could not be saved before another model came is there again with its text, and saved", async () => {
  const { server, tab } = await twoModels();
  server.down = true;
  await tab.edit(forced(7));
  assert.equal(tab.keeper.state.kind, "failed");
  await tab.turn("t");
  assert.equal(tab.keeper.state.kind, "failed");
  server.down = false;
  await tab.keeper.again();
  assert.deepEqual(
    [tab.shown.overrides, tab.keeper.state.kind, server.drafts.u.overrides],
    [{ 1: "in" }, "saved", { 2: "in" }],
  );
  await tab.turn("u");
  await tab.tick();
  assert.deepEqual(
    [tab.shown.overrides, tab.keeper.state.kind, server.drafts.u.overrides],
    [{ 7: "in" }, "saved", { 7: "in" }],
  );
});

test("a conflict is still one after another model was looked at", async () => {
  const { server, tab } = await twoModels();
  server.drafts.u = { ...forced(6), version: 2, saved: 3 };
  await tab.edit(forced(7));
  assert.equal(tab.keeper.state.kind, "conflict");
  await tab.turn("t");
  assert.deepEqual([tab.keeper.state.kind, tab.shown.overrides], ["saved", { 1: "in" }]);
  await tab.turn("u");
  assert.deepEqual(
    [tab.keeper.state.kind, tab.shown.overrides, server.drafts.u.overrides],
    ["conflict", { 7: "in" }, { 6: "in" }],
  );
});

test("what is changed while the draft of another model is on its way is laid over that draft", async () => {
  const { server, tab } = await twoModels();
  const turning = tab.turn("t");
  tab.shown = { ...tab.shown, overrides: { 2: "in", 9: "out" } }; // 2 is still that of the other model
  tab.keep();
  const [known, stored] = structuredClone([tab.known, tab.stored]);
  await turning;
  await tab.tick();
  assert.deepEqual(
    [tab.shown.overrides, server.drafts.t.overrides],
    [
      { 1: "in", 9: "out" },
      { 1: "in", 9: "out" },
    ],
  );
  // The same where the page was killed before the draft came.
  server.draft = { ...forced(1), version: 5, saved: 1 };
  const again = Object.assign(tab, { known, stored }).reload();
  await again.keeper.open();
  await again.tick();
  assert.deepEqual(
    [again.shown.overrides, server.draft.overrides],
    [
      { 1: "in", 9: "out" },
      { 1: "in", 9: "out" },
    ],
  );
});

test("an undo while the draft is on its way is laid over it too", async () => {
  const server = serverOf({ ...forced(3), overrides: { 2: "in", 3: "in" }, version: 4, saved: 9 });
  server.drafts.u = { ...forced(2), version: 1, saved: 1 };
  const tab = tabOf(server);
  tab.textId = "u";
  await tab.keeper.open();
  const turning = tab.turn("t");
  tab.shown = empty();
  await turning;
  assert.deepEqual(tab.shown.overrides, { 3: "in" });
});

test("what was changed before a draft had come is laid over it however often its text was left before that", async () => {
  const { server, tab } = await twoModels();
  server.down = true;
  await tab.turn("t");
  await tab.edit({ ...tab.shown, overrides: { 2: "in", 9: "out" } });
  await tab.turn("u", forced(2));
  await tab.turn("t", forced(2)); // its draft has still not come
  assert.deepEqual(tab.shown.overrides, { 2: "in", 9: "out" });
  await tab.turn("u", forced(2));
  server.down = false;
  await tab.turn("t", forced(2));
  await tab.tick();
  assert.deepEqual(
    [tab.shown.overrides, server.drafts.t.overrides],
    [
      { 1: "in", 9: "out" },
      { 1: "in", 9: "out" },
    ],
  );
});

test("what was changed before a draft had come, on a token that is decided otherwise in it, is asked about", async () => {
  const { server, tab } = await twoModels();
  const turning = tab.turn("t");
  tab.shown = { ...tab.shown, overrides: { 1: "out", 2: "in" } };
  await turning;
  assert.deepEqual([tab.keeper.state.kind, server.drafts.t.overrides], ["conflict", { 1: "in" }]);
});

test("what was changed before a draft had come is not forgotten where the text in between took it over", async () => {
  const { server, tab } = await twoModels();
  delete server.drafts.u;
  server.down = true;
  await tab.turn("t");
  await tab.edit({ ...tab.shown, overrides: { 2: "in", 9: "out" } });
  server.down = false;
  await tab.turn("u"); // has no draft: begins with what is shown
  await tab.tick();
  assert.deepEqual(server.drafts.u.overrides, { 2: "in", 9: "out" });
  await tab.turn("t");
  await tab.tick();
  assert.deepEqual(
    [tab.shown.overrides, server.drafts.t.overrides],
    [
      { 1: "in", 9: "out" },
      { 1: "in", 9: "out" },
    ],
  );
});
