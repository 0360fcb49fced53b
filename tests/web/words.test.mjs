import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aggregate, aggregateSignal, groupWords } from '../../app/web/words.js';

const columns = { row: [0, 0, 0, 1, 1], word: [0, 0, 1, 1, 2], start: [0, 2, 5, 0, 4], end: [2, 4, 9, 3, 6] };

test('words are runs of equal row and word number, with offsets', () => {
  assert.deepEqual(groupWords(columns), [
    { row: 0, word: 0, first: 0, last: 1, start: 0, end: 4 },
    { row: 0, word: 1, first: 2, last: 2, start: 5, end: 9 },
    { row: 1, word: 1, first: 3, last: 3, start: 0, end: 3 },
    { row: 1, word: 2, first: 4, last: 4, start: 4, end: 6 },
  ]);
  assert.deepEqual(groupWords({ row: [], word: [] }), []);
});

test('knowledge adds up, entropy and fused take the highest', () => {
  const words = groupWords(columns);
  const values = [1, 2, NaN, -3, 0.5];
  assert.deepEqual([...aggregateSignal(values, words, 'knowledge')], [3, NaN, -3, 0.5]);
  assert.deepEqual([...aggregateSignal(values, words, 'entropy')], [2, NaN, -3, 0.5]);
  assert.deepEqual([...aggregateSignal(values, words, 'fused')], [2, NaN, -3, 0.5]);
  for (const name of ['log_prob', 'loss']) assert.deepEqual([...aggregateSignal(values, words, name, 'other')], [3, NaN, -3, 0.5]);
  assert.deepEqual([...aggregateSignal(values, words, 'knowledge_subject', 'knowledge')], [3, NaN, -3, 0.5]);
  assert.deepEqual([...aggregateSignal(values, words, 'swap_spread', 'other')], [2, NaN, -3, 0.5]);
});

test('a token without score does not spoil its word', () => {
  const words = groupWords(columns);
  assert.equal(aggregate([NaN, 2, 1, 1, 1], words, 'sum')[0], 2);
  assert.equal(aggregate([null, -2, 1, 1, 1], words, 'max')[0], -2);
  assert.throws(() => aggregate([1], words, 'median'), RangeError);
});
