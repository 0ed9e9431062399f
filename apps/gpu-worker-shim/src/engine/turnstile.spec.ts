import { describe, expect, it } from '@jest/globals';
import { Turnstile } from './turnstile.js';

/** Work that says when it began and ends when it is told to. */
function held(log: string[], name: string) {
  let finish: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const work = async () => {
    log.push(name);
    await ended;
    return name;
  };
  return { work, finish };
}

const never = new AbortController().signal;

describe('a turnstile', () => {
  it('lets as many through as it is wide, the others in order of arrival', async () => {
    const log: string[] = [];
    const turnstile = new Turnstile(2);
    const all = ['a', 'b', 'c', 'd'].map((name) => held(log, name));
    const passing = all.map(({ work }) => turnstile.pass(never, work));
    expect(log).toEqual(['a', 'b']);
    all[1]!.finish();
    await passing[1];
    await Promise.resolve();
    expect(log).toEqual(['a', 'b', 'c']);
    for (const { finish } of all) finish();
    expect(await Promise.all(passing)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets the next one in after a failure', async () => {
    const turnstile = new Turnstile(1);
    const failing = turnstile.pass(never, () => Promise.reject(new Error('no')));
    const next = turnstile.pass(never, async () => 'next');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('next');
  });

  it('forgets who leaves the queue, and takes nobody in who left before', async () => {
    const log: string[] = [];
    const turnstile = new Turnstile(1);
    const first = held(log, 'first');
    const passing = turnstile.pass(never, first.work);
    const leaver = new AbortController();
    const waiting = turnstile.pass(leaver.signal, async () => log.push('leaver'));
    const last = turnstile.pass(never, async () => log.push('last'));
    leaver.abort(new Error('gone'));
    await expect(waiting).rejects.toThrow('gone');
    await expect(turnstile.pass(leaver.signal, async () => 1)).rejects.toThrow('gone');
    first.finish();
    await Promise.all([passing, last]);
    expect(log).toEqual(['first', 'last']);
    expect(await turnstile.pass(never, async () => 'free')).toBe('free');
  });

  it('lets lower priority numbers in first, equal ones in order of arrival', async () => {
    const log: string[] = [];
    const turnstile = new Turnstile(1);
    const first = held(log, 'first');
    const passing = [turnstile.pass(never, first.work, 9)];
    const leaver = new AbortController();
    const leaving = turnstile.pass(leaver.signal, async () => log.push('leaver'), -9);
    for (const [name, priority] of [
      ['e', 5],
      ['c', undefined],
      ['b', -1],
      ['d', 0],
      ['a', -2],
    ] as const) {
      passing.push(turnstile.pass(never, async () => String(log.push(name)), priority));
    }
    leaver.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow('gone');
    first.finish();
    await Promise.all(passing);
    expect(log).toEqual(['first', 'a', 'b', 'c', 'd', 'e']);
  });
});
