import { describe, expect, it } from '@jest/globals';
import { jsonLimits } from './json-limits.js';
import { parseJson } from './parse-json.js';

const parse = (text: string | Buffer) => parseJson(Buffer.from(text));
const objectOf = (fields: number) => `{${Array.from({ length: fields }, (_, at) => `"${at}":0`).join(',')}}`;

describe('a JSON body', () => {
  it.each(['{"a":[1,"x",null,true,{"b":-1.5e3}]}', '"text"', '7', 'null', ' [] '])(
    'is its value: %s',
    (text) => {
      expect(parse(text)).toEqual(JSON.parse(text));
    },
  );

  it('may begin with a byte-order mark and hold bytes that are no UTF-8', () => {
    expect(parse('\ufeff{"a":1}')).toEqual({ a: 1 });
    expect(parse(Buffer.from([0x22, 0xff, 0x22]))).toBe('\ufffd');
  });

  it.each(['{"a":', '{} {}', "{'a':1}", '{"a":"\n"}', 'undefined', '"no end'])(
    'is refused when it is none: %j',
    (text) => {
      expect(() => parse(text)).toThrow('The body is not valid JSON.');
    },
  );

  it('is refused when it is empty', () => {
    expect(() => parse('')).toThrow('The body is empty');
  });

  it('loses fields that are named like a part of an object, wherever they are', () => {
    const value = parse(
      '{"x":[{"__proto__":{"a":1},"b":2}],"\\u005f_proto__":null,"constructor":{"prototype":1}}',
    );
    expect(JSON.stringify(value)).toBe('{"x":[{"b":2}]}');
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  it('has no object of too many fields, and no field of too long a name', () => {
    expect(Object.keys(Object(parse(objectOf(jsonLimits.fields))))).toHaveLength(jsonLimits.fields);
    expect(() => parse(`{"a":[${objectOf(jsonLimits.fields + 1)}]}`)).toThrow(
      `at most ${jsonLimits.fields} fields`,
    );
    const name = 'x'.repeat(jsonLimits.nameCharacters);
    expect(parse(`{"${name}":0}`)).toEqual({ [name]: 0 });
    expect(() => parse(`{"a":{"${name}x":0}}`)).toThrow(`at most ${jsonLimits.nameCharacters} characters`);
  });
});
