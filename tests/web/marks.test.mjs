import assert from "node:assert/strict";
import test from "node:test";
import { DraftKeeper } from "../../app/web/draft/mask_keeper.js";
import {
  changedRows,
  joined,
  MARKS,
  Marks,
  markOf,
  marksText,
  spanOf,
  without,
} from "../../app/web/model/marks.js";

const row = (fact, other = [], seen = false) => ({ fact, other, seen });

test("a mark of one kind takes the place of one of the other kind, character by character", () => {
  const marks = new Marks();
  assert.ok(marks.mark("a", [[0, 10]], "fact"));
  assert.ok(marks.mark("a", [[4, 6]], "other"));
  assert.deepEqual(
    marks.of("a"),
    row(
      [
        [0, 4],
        [6, 10],
      ],
      [[4, 6]],
    ),
  );
  assert.ok(marks.mark("a", [[3, 7]], null));
  assert.deepEqual(
    marks.of("a"),
    row([
      [0, 3],
      [7, 10],
    ]),
  );
  assert.ok(marks.mark("a", [[0, 10]], null));
  assert.deepEqual(marks.rows, {}, "a row about which nothing is said is no marked row");
});

test("marks have steps of their own, one a gesture; what changes nothing is no step", () => {
  const marks = new Marks({ a: row([[0, 3]]) });
  assert.equal(marks.undo(), null, "what was kept is no step");
  assert.equal(marks.mark("a", [[0, 3]], "fact"), false);
  marks.mark(
    "a",
    [
      [5, 8],
      [9, 12],
    ],
    "fact",
  );
  marks.look("b", true);
  assert.deepEqual(marks.undo(), ["b"]);
  assert.deepEqual(marks.undo(), ["a"]);
  assert.deepEqual([marks.rows, marks.undo()], [{ a: row([[0, 3]]) }, null]);
  assert.deepEqual([marks.redo(), marks.redo(), marks.redo()], [["a"], ["b"], null]);
  assert.deepEqual(marks.rows, {
    a: row([
      [0, 3],
      [5, 8],
      [9, 12],
    ]),
    b: row([], [], true),
  });
});

test("a row that was reviewed without a mark is kept: all its words are not the fact", () => {
  const marks = new Marks();
  assert.ok(marks.look("a", true));
  assert.deepEqual(marks.rows, { a: row([], [], true) });
  assert.ok(marks.look("a", false));
  assert.deepEqual(marks.rows, {});
});

test("imported rows take the place of their own rows, in one step", () => {
  const marks = new Marks({ a: row([[0, 3]]), b: row([[1, 2]]) });
  marks.put({ b: row([[4, 5]], [], true), c: row([], [[0, 1]]) });
  assert.deepEqual(Object.keys(marks.rows), ["a", "b", "c"]);
  assert.deepEqual(marks.undo(), ["b", "c"]);
});

test("spans that touch become one, and a hole parts one", () => {
  assert.deepEqual(
    joined([
      [5, 7],
      [0, 3],
      [3, 5],
      [9, 9],
    ]),
    [[0, 7]],
  );
  assert.deepEqual(
    without(
      [
        [0, 10],
        [12, 14],
      ],
      [
        [2, 4],
        [9, 13],
      ],
    ),
    [
      [0, 2],
      [4, 9],
      [13, 14],
    ],
  );
});

test("the span of tokens is that of their letters, counted in code points", () => {
  // "😀 Oslo ." as the tokens "😀", " Oslo", " ", "."
  const columns = { start: [0, 1, 6, 7], end: [1, 6, 7, 8] };
  assert.deepEqual(spanOf("😀 Oslo .", columns, [1]), [2, 6]);
  assert.deepEqual(spanOf("😀 Oslo .", columns, [0, 1, 2]), [0, 6]);
  assert.equal(spanOf("😀 Oslo .", columns, [2]), null);
});

test("a word that holds a part of a fact is the fact; white space has no mark", () => {
  const marks = row([[2, 4]], [[4, 6]]);
  assert.deepEqual(
    [[0, 2], [0, 3], [3, 6], [4, 6], null].map((span) => markOf(marks, span)),
    [null, "fact", "fact", "other", null],
  );
});

test("two texts are equal for the same marks in any order, and name what differs", () => {
  const [one, two] = [
    { a: row([[0, 3]]), b: row([], [], true) },
    { b: row([], [], true), a: row([[0, 3]]) },
  ];
  assert.equal(marksText(one), marksText(two));
  assert.deepEqual(changedRows(one, { ...two, b: row([], [], false), c: row([[1, 2]]) }), ["b", "c"]);
});

test("what another person marked is added under every step of undo; a row that both changed collides", () => {
  const marks = new Marks({ a: row([[0, 3]]) });
  marks.mark("b", [[1, 2]], "fact");
  const [from, theirs] = [{ a: row([[0, 3]]) }, { a: row([[0, 3]]), c: row([], [], true) }];
  assert.equal(MARKS.collides({ rows: theirs }, { rows: from }, { rows: marks.rows }), false);
  assert.deepEqual(marks.merge(from, theirs), ["c"]);
  assert.deepEqual(Object.keys(marks.rows).sort(), ["a", "b", "c"]);
  marks.undo();
  assert.deepEqual(marks.rows, theirs, "undo takes back what was done here, not what came from there");
  const both = { rows: { ...theirs, b: row([[5, 6]]) } };
  marks.redo();
  assert.ok(MARKS.collides(both, { rows: from }, { rows: marks.rows }));
  assert.equal(
    MARKS.collides({ rows: marks.rows }, { rows: from }, { rows: marks.rows }),
    false,
    "the same mark by both is no dispute",
  );
});

/** A server that keeps the marks of one text as runs/marks_store.py does, and a page on it. */
function serverAndPages() {
  const server = { standing: null };
  server.ask = async (name, { base, rows, save }) => {
    if (name === "kept_marks") return { marks: server.standing };
    if (server.standing && server.standing.version !== base) return { taken: false, marks: server.standing };
    server.standing = { rows, save, version: base + 1, saved: 1000 + base };
    return { taken: true, marks: server.standing };
  };
  const page = (name) => {
    const it = { marks: new Marks(), known: {}, timer: null, saves: 0 };
    it.keeper = new DraftKeeper({
      kind: MARKS,
      ask: server.ask,
      onKept: () => {},
      onNewer: () => {},
      ready: async () => {},
      onState: () => {},
      where: () => ({ textId: "t", scoresId: "s", live: true, stamp: [it.marks.rows] }),
      read: () => ({ draft: { rows: it.marks.rows }, untouched: { rows: {} } }),
      put: ({ rows }, fresh) => {
        if (fresh) it.marks = new Marks(rows);
        else it.marks.replace(rows);
      },
      merge: (from, theirs) => it.marks.merge(from.rows, theirs.rows),
      memory: {
        get: () => it.known,
        set: (_text, value) => {
          it.known = value;
        },
        draft: () => ({}),
      },
      wait: (act) => {
        it.timer = act;
        return act;
      },
      cancel: () => {
        it.timer = null;
      },
      name: () => {
        it.saves += 1;
        return `${name}-${it.saves}`;
      },
    });
    it.mark = async (...given) => {
      it.marks.mark(...given);
      it.keeper.changed();
      const act = it.timer;
      it.timer = null;
      await act?.();
    };
    return it;
  };
  return { server, page };
}

test("two people who mark other rows lose nothing and are not asked; of one row they are asked", async () => {
  const { server, page } = serverAndPages();
  const [ada, ben] = [page("ada"), page("ben")];
  await ada.keeper.open();
  await ben.keeper.open();
  await ada.mark("a", [[0, 3]], "fact");
  await ben.mark("b", [[4, 6]], "other");
  assert.deepEqual([ben.keeper.state.kind, Object.keys(server.standing.rows).sort()], ["saved", ["a", "b"]]);
  assert.deepEqual(ben.marks.rows, { a: row([[0, 3]]), b: row([], [[4, 6]]) });
  await ada.mark("b", [[4, 6]], "fact");
  assert.deepEqual([ada.keeper.state.kind, server.standing.rows.b], ["conflict", row([], [[4, 6]])]);
  await ada.keeper.takeOver();
  assert.deepEqual([ada.keeper.state.kind, server.standing.rows.b], ["saved", row([[4, 6]])]);
});
