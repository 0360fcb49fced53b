/**
 * `node tests/web/all.mjs`: all tests of the browser's modules in one process. `node --test` starts one for
 * each of sixty files, which takes five times as long; `node --test FILE` runs a single one.
 */

import { readdirSync } from "node:fs";

const folder = new URL(".", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".test.mjs"));
for (const name of names.sort()) await import(new URL(name, folder).href);
