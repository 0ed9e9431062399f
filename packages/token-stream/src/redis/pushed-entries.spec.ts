import { describe, expect, it } from '@jest/globals';
import { PushedEntries } from './pushed-entries.js';

const start = (id: number, writer?: string): PushedEntries => {
  const pushed = new PushedEntries({ id, writer });
  pushed.isBehind = false;
  return pushed;
};
const takeIds = (pushed: PushedEntries): number[] => {
  const ids: number[] = [];
  for (let next = pushed.take(); next !== undefined; next = pushed.take()) ids.push(next.id);
  return ids;
};

describe('PushedEntries', () => {
  it('knows nothing at first', () => {
    expect(new PushedEntries({ id: 0, writer: undefined }).isBehind).toBe(true);
  });

  it('hands on an unbroken run and skips what it has already', () => {
    const pushed = start(2, 'a');
    for (const text of ['2 a {}', '3 a {}', '3 a {}', '4 a {}']) pushed.message(text);
    expect(pushed.isBehind).toBe(false);
    expect(takeIds(pushed)).toEqual([3, 4]);
  });

  it.each([
    ['a gap', '5 a {}'],
    ['another writer', '3 b {}'],
    ['another writer under a known id', '2 b {}'],
    ['an entry that was too large to be pushed', '3 a'],
    ['something that is no announcement', 'hello'],
  ])('falls behind at %s', (_what, text) => {
    const pushed = start(2, 'a');
    pushed.message(text);
    expect(pushed.isBehind).toBe(true);
    expect(takeIds(pushed)).toEqual([]);
  });

  it('holds at most sixteen entries and 128 K characters', () => {
    const many = start(0);
    for (let id = 1; id <= 40; id++) many.message(`${id} a {}`);
    expect(many.isBehind).toBe(true);
    expect(takeIds(many)).toHaveLength(16);
    const large = start(0);
    for (let id = 1; id <= 10; id++) large.message(`${id} a ${'x'.repeat(50_000)}`);
    expect(takeIds(large)).toHaveLength(3);
  });

  it('keeps what follows a read of the log without a gap, and drops the rest', () => {
    const pushed = start(0);
    for (let id = 1; id <= 5; id++) pushed.message(`${id} a {}`);
    pushed.moveTo({ id: 3, writer: 'a' });
    expect(takeIds(pushed)).toEqual([4, 5]);
    pushed.message('6 a {}');
    pushed.moveTo({ id: 9, writer: 'a' });
    pushed.message('10 a {}');
    expect(takeIds(pushed)).toEqual([10]);
  });

  it('wakes a waiting reader, and lets it go after a quiet while', async () => {
    const pushed = start(0);
    expect(await pushed.wait(1)).toBe(false);
    const waiting = pushed.wait(60_000);
    pushed.message('1 a {}');
    expect(await waiting).toBe(true);
  });
});
