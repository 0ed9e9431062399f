import { expect, test } from '@jest/globals';
import { shortNumber, table } from './table.js';

test('columns are as wide as their widest cell', () => {
  expect(
    table(
      ['name', 'ms'],
      [
        ['a', '1'],
        ['much longer', '12.5'],
      ],
    ),
  ).toBe(
    [
      '| name        |   ms |',
      '|-------------|------|',
      '| a           |    1 |',
      '| much longer | 12.5 |',
    ].join('\n'),
  );
});

test('numbers keep about three digits', () => {
  expect([1234.5, 12.34, 0.1234, 0].map(shortNumber)).toEqual(['1235', '12.3', '0.12', '0.00']);
});
