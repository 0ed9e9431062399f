import { describe, expect, it } from '@jest/globals';
import { judgeClock } from './clock.js';
import { Findings } from './finding.js';

describe('judgeClock', () => {
  it.each([
    [0, 'ok', 'agrees'],
    [-1_900, 'ok', 'agrees'],
    [2_500, 'warn', '2.5 s ahead of'],
    [-29_000, 'warn', '29.0 s behind'],
    [31_000, 'fail', '31.0 s ahead of'],
  ])('judges %d ms: %s', (skewMs, level, words) => {
    const findings = new Findings('redis');
    judgeClock(findings, 'Redis', skewMs);
    expect(findings.list).toEqual([
      expect.objectContaining({ level, message: expect.stringContaining(words) }),
    ]);
  });
});
