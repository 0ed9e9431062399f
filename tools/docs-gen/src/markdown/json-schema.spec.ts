import { describe, expect, it } from '@jest/globals';
import { typeText } from './json-schema.js';

describe('typeText', () => {
  it.each([
    [{ type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER }, 'integer ≥ 1'],
    [{ type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }, 'integer'],
    [{ type: 'number', minimum: 0, maximum: 2 }, 'number 0 … 2'],
    [{ type: 'number', exclusiveMinimum: 0, maximum: 10 }, 'number > 0 ≤ 10'],
    [{ type: 'string', maxLength: 256 }, 'string (≤ 256 characters)'],
    [{ type: ['string', 'null'] }, 'string or null'],
    [{ anyOf: [{ $ref: '#/components/schemas/Usage' }, { type: 'null' }] }, 'Usage or null'],
    [
      { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, maxItems: 16 }] },
      'string or array (≤ 16 entries) of string',
    ],
    [{ const: 'text', type: 'string' }, '"text"'],
    [{}, 'anything'],
  ])('puts %j into words', (schema, words) => {
    expect(typeText(schema)).toBe(words);
  });
});
