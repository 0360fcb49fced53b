/**
 * The rooms of app/web: what each may import, that nothing imports in a circle, and that every module is in a
 * room.
 */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";

const WEB = path.resolve(import.meta.dirname, "../../app/web");

// A room may import itself and the rooms that stand before it here; what stands on one line knows nothing of
// its neighbours.
const LAYERS = [
  ["score"],
  ["text"],
  ["model"],
  ["server", "dom"],
  ["draft"],
  [
    "tokens/strip",
    "tokens/question",
    "tokens/rows",
    "tokens/details",
    "tokens/choose",
    "tokens/pictures",
    "tokens/masks",
    "tokens/marks",
    "open",
    "runs",
  ],
  ["compare"],
  ["page"],
];

// Imports of values, and those of types in comments, which mean as much to a reader.
const IMPORT = /(?:from\s+|import\s*\(?\s*)["'](\.[^"']+\.js)["']/g;

const modules = new Map(
  readdirSync(WEB, { recursive: true })
    .filter((file) => file.endsWith(".js"))
    .map((file) => {
      const text = readFileSync(path.join(WEB, file), "utf8");
      const found = (of) => [...of.matchAll(IMPORT)].map(([, name]) => path.join(path.dirname(file), name));
      return [file, { all: found(text), values: found(text.replace(/\/\*\*.*?\*\//gs, "")) }];
    }),
);
const roomOf = (file) => path.dirname(file);
const layerOf = (file) => LAYERS.findIndex((rooms) => rooms.includes(roomOf(file)));

test("every module stands in a room, and what it imports is there", () => {
  assert.ok(modules.size > 100);
  for (const [file, { all }] of modules) {
    assert.notEqual(layerOf(file), -1, `${file} stands in no room of the table`);
    for (const other of all) assert.ok(modules.has(other), `${file} imports ${other}, which is not there`);
  }
});

test("a room imports itself and the rooms below it: no panel imports a panel", () => {
  const faults = [...modules].flatMap(([file, { all }]) =>
    all
      .filter((other) => roomOf(other) !== roomOf(file) && layerOf(other) >= layerOf(file))
      .map((other) => `${file} imports ${other}`),
  );
  assert.deepEqual(faults, []);
});

test("no module imports itself by way of others", () => {
  const done = new Set();
  const walk = (file, way) => {
    assert.ok(!way.includes(file), `a circle: ${[...way.slice(way.indexOf(file)), file].join(" → ")}`);
    if (done.has(file)) return;
    for (const other of modules.get(file).values) walk(other, [...way, file]);
    done.add(file);
  };
  for (const file of modules.keys()) walk(file, []);
});
