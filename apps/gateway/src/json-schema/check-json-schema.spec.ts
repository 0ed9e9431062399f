import { FoveaError } from '@fovea/errors';
import { describe, expect, it } from '@jest/globals';
import { checkJsonSchema } from './check-json-schema.js';
import { schemaLimits } from './schema-limits.js';

type Schema = Record<string, unknown>;

const nested = (depth: number): Schema => (depth === 0 ? {} : { not: nested(depth - 1) });
const many = (properties: number): Schema => ({
  properties: Object.fromEntries(Array.from({ length: properties }, (_, at) => [`p${at}`, true])),
});

function refusal(schema: Schema): FoveaError {
  try {
    checkJsonSchema(schema, ['schema']);
  } catch (error) {
    if (FoveaError.isInstance(error)) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('a JSON schema of a client', () => {
  it.each<[string, Schema]>([
    ['of an object', { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }],
    ['that refers to itself', { $defs: { n: { items: { $ref: '#/$defs/n' } } }, $ref: '#/$defs/n' }],
    ['of draft 7', { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }] }],
    ['of a dialect nobody knows', { $schema: 'https://example.com/own', type: 'string' }],
    [
      'with a pattern of either dialect',
      { anyOf: [{ pattern: '^\\p{L}+$' }, { pattern: '^[\\w-]{1,64}$' }] },
    ],
    [
      'whose properties are named like keywords',
      { properties: { pattern: {}, $ref: {}, enum: {}, minItems: true } },
    ],
    ['whose values look like keywords', { enum: [{ pattern: '(' }, { $ref: 'https://example.com' }] }],
    ['at the limit of depth', nested(schemaLimits.depth)],
    ['at the limit of repetitions', { maxItems: schemaLimits.repetitions, pattern: 'a{100}b{100}' }],
  ])('%s passes', (_name, schema) => {
    expect(() => checkJsonSchema(schema, ['schema'])).not.toThrow();
  });

  it.each<[string, Schema, string]>([
    ['a type that is none', { properties: { a: { type: 'text' } } }, 'schema.properties.a.type'],
    ['a keyword with a wrong value', { allOf: [{}, { required: 'a' }] }, 'schema.allOf[1].required'],
    ['no schema where one belongs', { properties: { a: 1 } }, 'schema.properties.a'],
    ['a pattern that is none', { items: { pattern: '(' } }, 'schema.items.pattern'],
    ['a name pattern that is none', { patternProperties: { '[': {} } }, 'schema.patternProperties.['],
    ['a reference to elsewhere', { $ref: 'https://example.com/x.json' }, 'schema.$ref'],
    [
      'a reference to a file',
      { properties: { enum: { $ref: 'file:///etc/passwd' } } },
      'schema.properties.enum.$ref',
    ],
  ])('with %s is refused at its path', (_name, schema, path) => {
    expect(refusal(schema)).toMatchObject({ code: 'INVALID_REQUEST', param: path });
  });

  it.each<[string, Schema, number]>([
    ['max_schema_bytes', { description: 'x'.repeat(schemaLimits.bytes) }, schemaLimits.bytes],
    ['max_schema_depth', nested(schemaLimits.depth + 1), schemaLimits.depth],
    ['max_schema_nodes', { enum: Array(schemaLimits.nodes).fill(0) }, schemaLimits.nodes],
    ['max_schema_pattern_chars', { pattern: 'a'.repeat(513) }, schemaLimits.patternChars],
    ['max_schema_repetitions', { pattern: '(a{101}){100}' }, schemaLimits.repetitions],
    ['max_schema_repetitions', { properties: { enum: { maxLength: 10_001 } } }, schemaLimits.repetitions],
  ])('over %s is refused with that limit', (name, schema, value) => {
    expect(refusal(schema)).toMatchObject({ code: 'INVALID_REQUEST', limit: { name, value } });
  });

  it('with thousands of properties is judged within its limits', () => {
    expect(() => checkJsonSchema(many(2_000), ['schema'])).not.toThrow();
  });
});
