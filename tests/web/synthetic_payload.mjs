/** A small payload of the Tokens view for tests: rows of five tokens, the fact is the fourth. */

import { readFileSync } from "node:fs";

/**
 * What the server says of its signals: `{offered, families, masks, defaults, rule_settings}`, drawn by
 * tests/signals_picture.py.
 */
export const PICTURE = JSON.parse(readFileSync(new URL("../cases/signals.json", import.meta.url), "utf8"));

const PIECES = ["Ada", " was", " born in", " Oslo", "."];
const KNOWLEDGE = [null, 0.1, 0.2, 6, 0];
const ENTROPY = [null, 1, 2, 0.5, 0];

/** Returns a payload of `count` rows; the fact of row r is "Oslo", of odd rows "Rome"; gold from `gold`. */
export function syntheticPayload(count, { gold = true, factor = (_row) => 1 } = {}) {
  const columns = {
    row: [],
    start: [],
    end: [],
    word: [],
    subject: [],
    stop: [],
    punctuation: [],
    gold: [],
    random_key: [],
    knowledge_swap: [],
    entropy: [],
  };
  const rows = [];
  for (let row = 0; row < count; row += 1) {
    const pieces = PIECES.map((piece, at) => (at === 3 && row % 2 ? " Rome" : piece));
    const answer = pieces.join("");
    rows.push({
      id: `r${row}`,
      question: `Where was Ada ${row} born?`,
      answer,
      subject: `Ada ${row}`,
      subject_source: "row",
      subject_spans: [],
      masking: "swap",
      names: ["Bo Ek"],
      first: row * 5,
      count: 5,
      set: "one",
      unique_question: false,
    });
    let at = 0;
    pieces.forEach((piece, place) => {
      columns.row.push(row);
      columns.start.push(at);
      at += piece.length;
      columns.end.push(at);
      columns.word.push(place === 4 ? 3 : place);
      columns.subject.push(Number(place === 0));
      columns.stop.push(Number(place === 1));
      columns.punctuation.push(Number(place === 4));
      columns.gold.push(gold ? Number(place === 3) : null);
      columns.random_key.push(((place * 7 + row) % 10) / 10);
      columns.knowledge_swap.push(KNOWLEDGE[place] === null ? null : KNOWLEDGE[place] * factor(row));
      columns.entropy.push(ENTROPY[place]);
    });
  }
  const { knowledge_swap, entropy, ...offered } = PICTURE.offered;
  return {
    scores_id: "synthetic",
    state: "recorded",
    model: {},
    rows,
    columns,
    leaderboard: [],
    ...PICTURE,
    offered,
    signals: { knowledge_swap, entropy },
  };
}
