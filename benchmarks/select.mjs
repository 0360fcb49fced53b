// How long fusing and selecting take: `node benchmarks/select.mjs [tokens …]` (default 1000 10000 50000).
//
// Three moves for each normaliser and mode: `anew` remembers nothing (first draw, another scale), `alpha`
// moves the weight of knowledge (fuse and rank again), `cut` moves the amount (nothing but the choice).
// Wall-clock milliseconds after warm-up; `cpu` is the processor time of this process, which neighbours on
// a busy machine change less.

import { cpus } from 'node:os';
import { Memory } from '../app/web/score/memoise.js';
import { NORMALISERS } from '../app/web/score/fusion.js';
import { MODES } from '../app/web/score/modes.js';
import { select } from '../app/web/score/selection.js';

const [WARM_UP, MOVES] = [30, 200];
const MOST_MS = { 10_000: 8 };

/** Columns like those of a file of rows of 40 tokens: a quarter stop words, knowledge near 0 for most tokens. */
function columnsOf(count) {
  let seed = 1;
  const random = () => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed / 2147483648;
  };
  const column = (make) => Float64Array.from({ length: count }, (_, index) => make(index));
  return {
    row: column((index) => Math.floor(index / 40)), word: column((index) => Math.floor((index % 40) / 1.5)),
    subject: column(() => Number(random() < 0.1)), stop: column(() => Number(random() < 0.25)),
    punctuation: column(() => Number(random() < 0.1)), gold: column(() => Number(random() < 0.1)), random_key: column(random),
    knowledge_swap: column(() => (random() < 0.1 ? NaN : 10 * random() ** 8)), entropy: column(() => 4 * random() ** 2),
  };
}

/** A value from 0 to 1 that goes to and fro, as a slider does. */
const place = (move) => Math.abs(((move * 0.013) % 2) - 1);

const NAMES = { knowledge: 'knowledge_swap', entropy: 'entropy' };
const MOVE = {
  anew: (columns, rule, move) => select(columns, { ...NAMES, ...rule, alpha: 0.05 + 0.9 * place(move) }),
  alpha: (columns, rule, move, memory) => select(columns, { ...NAMES, ...rule, alpha: 0.05 + 0.9 * place(move) }, {}, memory),
  cut: (columns, rule, move, memory) => select(columns, {
    ...NAMES, ...rule, fraction: place(move), threshold: place(move), k: 1 + Math.floor(100 * place(move)), gamma: 4 * place(move),
  }, {}, memory),
};

function measure(columns, rule, kind) {
  const memory = new Memory();
  const times = [];
  let cpu = 0;
  for (let move = 0; move < WARM_UP + MOVES; move++) {
    if (move === WARM_UP) cpu = process.cpuUsage().user;
    const start = performance.now();
    MOVE[kind](columns, rule, move, memory);
    times.push(performance.now() - start);
  }
  const sorted = times.slice(WARM_UP).sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(MOVES - 1, Math.floor(share * MOVES))];
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), cpu: (process.cpuUsage().user - cpu) / 1000 / MOVES };
}

const sizes = process.argv.slice(2).map(Number);
console.log(`node ${process.version}, ${cpus().length} × ${cpus()[0].model}; milliseconds a move`);
let slowest = 0;
for (const count of sizes.length ? sizes : [1_000, 10_000, 50_000]) {
  const columns = columnsOf(count);
  console.log(`\n${count} tokens`.padEnd(36) + Object.keys(MOVE).map((kind) => `${kind}: p50    p95    p99    cpu`.padStart(36)).join(''));
  for (const normaliser of Object.keys(NORMALISERS)) {
    for (const mode of Object.keys(MODES)) {
      const lines = Object.keys(MOVE).map((kind) => {
        const found = measure(columns, { normaliser, mode }, kind);
        if (kind !== 'anew' && MOST_MS[count]) slowest = Math.max(slowest, found.p95 / MOST_MS[count]);
        return Object.values(found).map((value) => value.toFixed(2).padStart(7)).join('').padStart(36);
      });
      console.log(`${normaliser}, ${mode}`.padEnd(35) + lines.join(''));
    }
  }
}
if (slowest > 1) {
  console.log('\nA slider move at 10,000 tokens has p95 above 8 ms');
  process.exitCode = 1;
}
