import { describe, expect, test } from '@jest/globals';
import { judge, summarize } from './judge.js';
import type { Measurement } from './run-scenario.js';

const measured = (contender: string, ...times: number[]): Measurement[] =>
  times.map((time, index) => ({ round: index + 1, contender, loadAverage: 0, sample: { time } }));

const both = [...measured('ours', 30, 20, 90), ...measured('theirs', 10, 11, 9)];
const target = { what: 'time', contender: 'ours', measure: 'time' };

describe('judge', () => {
  test('a ratio is that of the medians, so one bad round decides nothing', () => {
    const [verdict] = judge([{ ...target, relativeTo: 'theirs', atMost: 3 }], both);
    expect(verdict).toMatchObject({ found: 3, isMet: true });
  });

  test('an absolute target looks at the contender alone', () => {
    expect(judge([{ ...target, atMost: 29 }], both)[0]).toMatchObject({ found: 30, isMet: false });
  });

  test('what was not measured is not met', () => {
    const targets = [{ ...target, relativeTo: 'nobody', atMost: 3 }];
    expect(judge(targets, both)[0]).toMatchObject({ found: undefined, isMet: false });
    expect(judge(targets, [])[0]).toMatchObject({ found: undefined, isMet: false });
    expect(judge([{ ...target, atMost: 99 }], measured('ours', Number.NaN))[0]?.isMet).toBe(false);
  });
});

test('a summary knows only its own contender', () => {
  expect(summarize(both, 'theirs', 'time')?.median).toBe(10);
  expect(summarize(both, 'theirs', 'memory')).toBeUndefined();
});
