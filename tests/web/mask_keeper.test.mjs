import assert from "node:assert/strict";
import test from "node:test";
import { DraftKeeper, keptWords } from "../../app/web/mask_keeper.js";

const empty = () => ({ set: "one", rule: { alpha: 1 }, overrides: {}, notes: {}, masks: [] });
const forced = (index) => ({ ...empty(), overrides: { [index]: "in" }, notes: { [index]: { note: "", time: 1 } } });

/** A server that keeps one draft, as runs/mask_store.py does. */
function serverOf(draft = null) {
  const server = { draft, asked: [], down: false };
  server.ask = async (name, data) => {
    server.asked.push(name);
    if (server.down) throw new Error("gone");
    if (name === "kept_masks") return { draft: server.draft, masks: [], since: [] };
    if ((server.draft?.version ?? 0) !== data.base) return { taken: false, draft: server.draft };
    const { scores_id: _, base, ...content } = data;
    server.draft = { ...content, version: base + 1, saved: 1000 + base };
    return { taken: true, draft: server.draft };
  };
  return server;
}

/** A tab on that server; `tab.shown` is its draft, `tab.tick()` lets the clock run out. */
function tabOf(server, { shown = empty(), known = {}, live = true } = {}) {
  const tab = { shown, live, puts: [], states: [], timer: null, known, scoresId: "s", newer: 0 };
  tab.keeper = new DraftKeeper({
    ask: server.ask, onKept: () => {}, onNewer: () => { tab.newer += 1; },
    where: () => ({ scoresId: tab.scoresId, live: tab.live, stamp: [tab.shown] }),
    read: () => ({ draft: tab.shown, untouched: empty() }),
    put: (draft, fresh) => { tab.shown = draft; tab.puts.push(fresh); },
    onState: (state) => tab.states.push(state.kind),
    memory: { get: () => tab.known, set: (_scores, value) => { tab.known = value; } },
    wait: (act) => { tab.timer = act; return act; }, cancel: () => { tab.timer = null; },
  });
  tab.tick = async () => { const act = tab.timer; tab.timer = null; await act?.(); };
  tab.edit = async (draft) => { tab.shown = draft; tab.keeper.changed(); await tab.tick(); };
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
  assert.deepEqual([tab.shown.overrides, tab.puts, tab.keeper.version, tab.timer], [{ 3: "in" }, [true], 4, null]);
});

test("what was typed in the second before a reload wins, where nobody saved since", async () => {
  const server = serverOf({ ...forced(3), version: 4, saved: 9 });
  const tab = tabOf(server, { shown: forced(5), known: { version: 4, work: "" } });
  await tab.keeper.open();
  await tab.tick();
  assert.deepEqual([server.draft.overrides, server.draft.version, tab.puts], [{ 5: "in" }, 5, []]);
});

test("a tab that fell behind without edits shows the newer draft", async () => {
  const server = serverOf({ ...forced(3), version: 4, saved: 9 });
  const before = tabOf(server);
  await before.keeper.open();
  server.draft = { ...forced(5), version: 5, saved: 10 };
  const tab = tabOf(server, { shown: forced(3), known: before.known });
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
  assert.deepEqual([two.keeper.state.kind, server.draft.overrides, server.draft.version], ["saved", { 3: "in" }, 2]);
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
  assert.deepEqual([tab.shown.overrides, tab.shown.rule, tab.shown.set], [{ 3: "in", 6: "in" }, { alpha: 0.2, mode: "top" }, "two"]);
  assert.deepEqual([tab.puts, server.draft.version, server.draft.overrides], [[true, false], 5, { 3: "in", 6: "in" }]);
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

/** The server carries its draft on to other scores, as `rescore` does; `tab` then shows those. */
async function rescored(server, tab, scoresId, known = {}) {
  server.draft = { ...server.draft, version: 1, carried: { scores_id: tab.scoresId, version: server.draft.version } };
  const before = tab.known;
  tab.keeper.memory.get = (id) => (id === scoresId ? known : before);
  tab.scoresId = scoresId;
  await tab.keeper.open();
}

test("after rows were scored anew, work goes on from the draft that the server carried along", async () => {
  const server = serverOf();
  const tab = tabOf(server);
  await tab.keeper.open();
  await tab.edit(forced(3));
  tab.shown = forced(4); // typed while the rows were being scored: not saved yet
  tab.keeper.changed();
  await rescored(server, tab, "t");
  await tab.tick();
  assert.deepEqual([tab.keeper.state.kind, server.draft.overrides, server.draft.version, tab.puts], ["saved", { 4: "in" }, 2, []]);
});

test("a tab that never had the newer scores shows the draft that was carried to them, and loses nothing of it", async () => {
  const server = serverOf({ ...forced(3), version: 2, saved: 9, carried: { scores_id: "s", version: 7 } });
  const tab = tabOf(server, { known: {} });
  tab.scoresId = "t";
  await tab.keeper.open();
  assert.deepEqual([tab.shown.overrides, tab.keeper.state.kind], [{ 3: "in" }, "saved"]);
});

test("another tab that saved on the scores before is asked; one without work of its own follows", async () => {
  const server = serverOf();
  const [one, two] = [tabOf(server), tabOf(server)];
  await two.keeper.open();
  await two.edit(forced(5)); // version 1, the number that the carried draft will have too
  await one.keeper.open();
  await one.edit(forced(1));
  two.shown = forced(2);
  await rescored(server, two, "t");
  assert.deepEqual([two.keeper.state.kind, two.shown.overrides], ["conflict", { 2: "in" }]);
  const three = tabOf(serverOf());
  await three.keeper.open();
  three.keeper.ask = server.ask;
  await rescored(server, three, "t");
  assert.deepEqual([three.keeper.state.kind, three.shown.overrides], ["saved", { 1: "in" }]);
});

test("a tab whose scores were taken the place of asks for the newer ones", async () => {
  const server = serverOf();
  const tab = tabOf({ ask: async (...given) => ({ ...(await server.ask(...given)), newer: true }) });
  await tab.keeper.open();
  await tab.edit(forced(1));
  assert.equal(tab.newer, 1);
});

/** Two sets of scores that nothing is carried between, as those of two models, each with a draft of version 1. */
async function twoModels() {
  const servers = { s: serverOf({ ...forced(1), version: 1, saved: 1 }), t: serverOf({ ...forced(2), version: 1, saved: 2 }) };
  const known = {};
  const tab = tabOf({ ask: (name, data) => servers[data.scores_id].ask(name, data) });
  Object.assign(tab.keeper, { memory: { get: (id) => known[id] ?? {}, set: (id, value) => { known[id] = value; } } });
  await tab.keeper.open();
  const turn = (id) => { tab.scoresId = id; return tab.keeper.open(); };
  await turn("t");
  return { servers, tab, turn };
}

test("the draft of another model comes back with it, and neither is written over the other", async () => {
  const { servers, tab, turn } = await twoModels();
  assert.deepEqual(tab.shown.overrides, { 2: "in" });
  await tab.edit(forced(7));
  await turn("s");
  await tab.tick();
  assert.deepEqual([tab.shown.overrides, tab.keeper.state.kind], [{ 1: "in" }, "saved"]);
  await turn("t");
  await tab.tick();
  assert.deepEqual([tab.shown.overrides, servers.s.draft.overrides, servers.t.draft.overrides], [{ 7: "in" }, { 1: "in" }, { 7: "in" }]);
});

test("work that could not be saved before another model came is asked about, not written over its draft", async () => {
  const { servers, tab, turn } = await twoModels();
  servers.t.down = true;
  await tab.edit(forced(7));
  assert.equal(tab.keeper.state.kind, "failed");
  await turn("s");
  await tab.tick();
  assert.deepEqual([tab.keeper.state.kind, tab.shown.overrides, servers.s.draft.overrides], ["conflict", { 7: "in" }, { 1: "in" }]);
});
