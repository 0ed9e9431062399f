import { describe, expect, it } from '@jest/globals';
import { findJsonExcess, jsonLimits } from './json-limits.js';

const { depth, containers, values } = jsonLimits;
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
const excessOf = (text: string) => findJsonExcess(Buffer.from(text));

describe('the limits of JSON', () => {
  it.each([
    ['depth', nested(depth), nested(depth + 1), `${depth}`],
    ['lists', `[${'[],'.repeat(containers - 2)}[]]`, `[${'[],'.repeat(containers - 1)}[]]`, `${containers}`],
    [
      'objects',
      `[${'{},'.repeat(containers - 2)}{}]`,
      `[${'{},'.repeat(containers - 1)}{}]`,
      `${containers}`,
    ],
    ['values', `[${'0,'.repeat(values - 1)}0]`, `[${'0,'.repeat(values)}0]`, `${values}`],
  ])('bound %s', (_what, most, more, limit) => {
    expect(excessOf(most)).toBeUndefined();
    expect(excessOf(more)).toContain(limit);
  });

  it.each([
    ['a string', '[,'.repeat(values)],
    ['a string behind an escaped quote', `\\"${'[,'.repeat(values)}`],
    ['a string behind an escaped backslash', `x\\\\\\"${'[,'.repeat(values)}\\\\`],
  ])('count nothing in %s', (_what, content) => {
    expect(excessOf(`{"a":"${content}","b":[0]}`)).toBeUndefined();
    // And what comes behind it again.
    expect(excessOf(`{"a":"${content}","b":${nested(depth)}}`)).toContain(`${depth}`);
  });

  it('hold for text that is no JSON, too', () => {
    expect(excessOf('['.repeat(1e6))).toContain(`${depth}`);
    expect(excessOf('"no end')).toBeUndefined();
    expect(excessOf('"no end\\')).toBeUndefined();
    expect(excessOf(']]]]')).toBeUndefined();
  });
});
