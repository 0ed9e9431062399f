import { describe, expect, it } from '@jest/globals';
import { cutValue, ValueBuilder, type ValuePiece } from './value-pieces.js';

function rebuild(pieces: readonly ValuePiece[]): unknown {
  const builder = new ValueBuilder();
  for (const piece of pieces) builder.add(structuredClone(piece));
  return builder.finish();
}

const numbers = Array.from({ length: 50_000 }, (_, at) => at);
const text = Array.from({ length: 100_000 }, (_, at) => `${at} `).join('');
const fields = Object.fromEntries(numbers.slice(0, 9000).map((at) => [`field ${at}`, [at, { at }]]));

describe('a value in pieces', () => {
  it.each<[string, unknown]>([
    ['nothing', null],
    ['a number', 1.5],
    ['a word', 'x'],
    ['an empty list', []],
    ['a long text', text],
    ['a long list', numbers],
    ['a large object', fields],
    [
      'long ones in each other',
      { a: [numbers, { text, numbers: [[numbers]] }, 'x', []], b: text, c: {}, d: false },
    ],
    ['short ones between long ones', [1, text, 2, [], numbers, {}, text, text, 3]],
    ['keys that are numbers', { 2: text, 1: numbers, 0: 'x' }],
    [
      'many keys of some length',
      Object.fromEntries(numbers.slice(0, 5000).map((at) => [`${at}`.padEnd(1000), at])),
    ],
  ])('is put together again: %s', (_what, value) => {
    const pieces = [...cutValue(value)];
    expect(rebuild(pieces)).toEqual(value);
    expect(JSON.stringify(rebuild(pieces))).toBe(JSON.stringify(value));
    // A piece is small whatever the value is: 64 characters or one value weigh the same.
    for (const piece of pieces) expect(JSON.stringify(piece).length).toBeLessThan(700_000);
  });

  it('is one piece when it is small', () => {
    expect([...cutValue({ a: ['x', 1] })]).toEqual([{ keys: [], values: [{ a: ['x', 1] }] }]);
  });
});
