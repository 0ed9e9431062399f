import { describe, expect, it } from '@jest/globals';
import { bytes, count, duration } from './quantities.js';

describe('quantities for people', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [3_500, '3.42 KiB'],
    [1_048_576, '1 MiB'],
    [134_217_728, '128 MiB'],
  ])('writes %d bytes as %s', (value, text) => expect(bytes(value)).toBe(text));

  it.each([
    [0.4, '0 ms'],
    [312.4, '312 ms'],
    [999.6, '1 s'],
    [1_254, '1.25 s'],
    [59_960, '1 min 0 s'],
    [125_000, '2 min 5 s'],
  ])('writes %d milliseconds as %s', (value, text) => expect(duration(value)).toBe(text));

  it('groups digits', () => expect(count(12_345)).toBe('12,345'));
});
