import { describe, expect, it } from '@jest/globals';
import { minimalJson } from './minimal-json.js';
import { minimalMatch } from './minimal-match.js';

describe('the minimal match', () => {
  it.each([
    ['abc', 'abc'],
    ['a|b', 'a'],
    ['(?:yes|no)!', 'yes!'],
    ['^[A-Z]{2}-\\d{3,}$', 'AA-000'],
    ['[^a-z]+x?', '0'],
    ['[\\]\\\\]', '\\'],
    ['(?<name>x{2})*y', 'y'],
    ['\\w+@\\w+\\.com', 'a@a.com'],
    ['é{2}.', 'ééa'],
    ['[一-龯]', '一'],
    ['a{2', 'a{2'],
  ])('of %s is %s', (pattern, text) => {
    expect(minimalMatch(pattern)).toBe(text);
  });

  it.each(['(', '[a', '(?=b)a', '(a)\\1{2}b|\\1', 'a{99999}'])(
    'does not exist or is refused: %s',
    (pattern) => {
      expect(() => minimalMatch(pattern)).toThrow();
    },
  );
});

describe('the minimal JSON', () => {
  it.each([
    [{ const: 3 }, 3],
    [{ enum: ['b', 'a'] }, 'b'],
    [{ type: ['null', 'string'] }, null],
    [{ type: 'string', minLength: 3 }, 'aaa'],
    [{ type: 'integer', minimum: 7, multipleOf: 5 }, 10],
    [{ type: 'integer', exclusiveMinimum: 7 }, 8],
    [{ type: 'number', maximum: -2 }, -2],
    [
      { type: 'array', prefixItems: [{ type: 'boolean' }], items: { type: 'integer' }, minItems: 2 },
      [false, 0],
    ],
    [
      { properties: { a: { type: 'null' } }, required: ['a', 'b'] },
      { a: null, b: '' },
    ],
    [{ anyOf: [{ type: 'boolean' }, { type: 'null' }] }, false],
    [
      { allOf: [{ required: ['a'] }, { properties: { a: { type: 'integer' } }, required: ['b'] }] },
      { a: 0, b: '' },
    ],
    [true, ''],
  ])('of %j is %j', (schema, value) => {
    expect(minimalJson(schema)).toEqual(value);
  });

  it.each([[3], [{ type: 'picture' }], [{ $ref: '#' }]])('of %j does not exist', (schema) => {
    expect(() => minimalJson(schema)).toThrow();
  });
});
