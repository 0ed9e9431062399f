import { describe, expect, it } from '@jest/globals';
import { decodeCtc, lineConfidence, parseAlphabet } from './ctc.js';

const alphabet = parseAlphabet('a\nb\nc\n');

/** One step per entry: class and its probability, the rest for the blank, or for the space where given. */
function output(...steps: [best: number, probability: number, space?: number][]): Float32Array {
  return Float32Array.from(
    steps.flatMap(([best, probability, space = 0]) => {
      const row = [0, 0, 0, 0, space];
      row[best] = probability;
      return row;
    }),
  );
}

const read = (...steps: Parameters<typeof output>) =>
  decodeCtc(output(...steps), alphabet)
    .map(({ text }) => text)
    .join('');

describe('parseAlphabet', () => {
  it('puts the blank before and the space behind the keys, whatever ends their last line', () => {
    expect(alphabet).toEqual(['', 'a', 'b', 'c', ' ']);
    expect(parseAlphabet('a\r\nb\r\nc')).toEqual(alphabet);
  });
});

describe('decodeCtc', () => {
  it('joins repetitions, drops blanks and keeps letters that a blank parts', () => {
    expect(read([1, 0.9], [1, 0.8], [0, 0.9], [1, 0.9], [2, 0.9], [0, 0.9], [0, 0.9])).toBe('aab');
    expect(read()).toBe('');
  });

  it('puts back a space that the blank outweighs, but not a trace of one', () => {
    expect(read([1, 0.9], [0, 0.7, 0.2], [2, 0.9])).toBe('a b');
    expect(read([1, 0.9], [0, 0.9, 0.04], [2, 0.9])).toBe('ab');
  });

  it('neither doubles a space that was read nor begins or ends a line with a lost one', () => {
    expect(read([1, 0.9], [0, 0.7, 0.2], [4, 0.9], [0, 0.7, 0.2], [2, 0.9])).toBe('a b');
    expect(read([0, 0.7, 0.2], [1, 0.9], [0, 0.7, 0.2])).toBe('a');
  });
});

describe('lineConfidence', () => {
  it('is the mean over the characters, spaces apart, and 0 for an empty line', () => {
    const characters = decodeCtc(output([1, 1], [0, 0.7, 0.2], [2, 0.5]), alphabet);
    expect(lineConfidence(characters)).toBeCloseTo(0.75, 5);
    expect(lineConfidence([])).toBe(0);
  });
});
