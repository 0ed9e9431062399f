import { describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import { durationS, flag, httpUrls, integer, list, number, oneOf, port, redisUrl, text } from './values.js';

const table: [string, z.ZodType<unknown>, readonly [string, unknown][], readonly string[]][] = [
  [
    'port',
    port(),
    [
      ['0', 0],
      [' 8080 ', 8080],
      ['65535', 65_535],
    ],
    ['65536', '-1', '1e3', '8080x', '', '1.0'],
  ],
  [
    'integer',
    integer({ min: -5, max: 5 }),
    [
      ['-5', -5],
      ['+3', 3],
    ],
    ['6', '1.5', '0x1', 'NaN', '99999999999999999999'],
  ],
  [
    'number',
    number({ max: 2 }),
    [
      ['.5', 0.5],
      ['-1e-1', -0.1],
      ['2', 2],
    ],
    ['2.1', 'Infinity', '1,5', ''],
  ],
  [
    'durationS',
    durationS(),
    [
      ['0', 0],
      ['1.5', 1.5],
    ],
    ['-1', '5s', '1e999'],
  ],
  [
    'flag',
    flag(),
    [
      ['TRUE', true],
      ['1', true],
      ['yes', true],
      ['no', false],
      ['0', false],
    ],
    ['on', '2', ''],
  ],
  [
    'list',
    list(),
    [
      ['a, b,,c ', ['a', 'b', 'c']],
      [' ', []],
    ],
    [],
  ],
  ['oneOf', oneOf(['debug', 'info']), [['info', 'info']], ['INFO', 'trace']],
  ['text', text({ pattern: /^\// }), [['/a b ', '/a b ']], ['a']],
  [
    'httpUrls',
    httpUrls(),
    [
      ['http://h:1/x/', ['http://h:1/x']],
      ['http://a:1, https://b/ ', ['http://a:1', 'https://b']],
    ],
    ['redis://h', 'h:80', '/path', 'http://', 'http://a,', 'http://a,redis://b'],
  ],
  [
    'redisUrl',
    redisUrl(),
    [['rediss://:p@h:1/2', 'rediss://:p@h:1/2']],
    ['redis:h', 'redis:///2', 'http://h'],
  ],
];

describe.each(table)('%s', (_name, schema, accepted, refused) => {
  it('takes its values', () => {
    for (const [given, value] of accepted) expect(schema.parse(given)).toEqual(value);
  });

  it('refuses other text, and nothing at all', () => {
    for (const given of [...refused, undefined])
      expect([given, schema.safeParse(given).success]).toEqual([given, false]);
  });
});
