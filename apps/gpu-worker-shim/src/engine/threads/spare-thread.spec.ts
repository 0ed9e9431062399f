import { describe, expect, it } from '@jest/globals';
import type { Calls } from './call-thread.js';
import { SpareThread } from './spare-thread.js';

const never = new AbortController().signal;

/** Threads that repeat what they are told once `answerAll` is called; each can die. */
function createThreads() {
  const open: (() => void)[] = [];
  const started: { isHealthy: boolean; isClosed: boolean }[] = [];
  const start = async () => {
    const state = { isHealthy: true, isClosed: false };
    started.push(state);
    const thread: Calls<string, string> = {
      get isHealthy() {
        return state.isHealthy;
      },
      call: (request) => new Promise((resolve) => open.push(() => resolve(request))),
      close: async () => {
        state.isClosed = true;
      },
    };
    return { thread };
  };
  /** Lets all calls through that have come so far. */
  const answerAll = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    for (const answer of open.splice(0)) answer();
  };
  return { start, started, answerAll };
}

describe('a spare thread', () => {
  it('is started by the first call, once for all who come meanwhile', async () => {
    const { start, started, answerAll } = createThreads();
    const spare = new SpareThread(start, 4);
    expect(started).toHaveLength(0);
    const calls = [spare.call('a', never), spare.call('b', never)];
    await answerAll();
    expect(await Promise.all(calls)).toEqual(['a', 'b']);
    expect(started).toHaveLength(1);
  });

  it('is started again where it died or could not start', async () => {
    const { start, started, answerAll } = createThreads();
    let canStart = false;
    const spare = new SpareThread(() => (canStart ? start() : Promise.reject(new Error('no memory'))), 4);
    await expect(spare.call('a', never)).rejects.toThrow('no memory');
    canStart = true;
    const first = spare.call('b', never);
    await answerAll();
    expect(await first).toBe('b');
    for (const state of started) state.isHealthy = false;
    const second = spare.call('c', never);
    await answerAll();
    expect(await second).toBe('c');
    expect(started).toHaveLength(2);
  });

  it('is ended when nothing was asked of it for some time, and started again', async () => {
    const { start, started, answerAll } = createThreads();
    const spare = new SpareThread(start, 4, 1);
    for (const text of ['a', 'b']) {
      const call = spare.call(text, never);
      await answerAll();
      expect(await call).toBe(text);
      while (started.at(-1)?.isClosed !== true) await new Promise(setImmediate);
    }
    expect(started).toHaveLength(2);
  });

  it('takes one call and those that may wait, and a next one when one has left', async () => {
    const { start, answerAll } = createThreads();
    const spare = new SpareThread(start, 2);
    const calls = ['a', 'b', 'c'].map((word) => spare.call(word, never));
    await expect(spare.call('d', never)).rejects.toMatchObject({ code: 'QUEUE_FULL' });
    await answerAll();
    expect(await Promise.all(calls)).toEqual(['a', 'b', 'c']);
    const next = spare.call('d', never);
    await answerAll();
    expect(await next).toBe('d');
  });

  it('is closed where it was started', async () => {
    const { start, started, answerAll } = createThreads();
    const spare = new SpareThread(start, 2);
    await spare.close();
    expect(started).toHaveLength(0);
    const call = spare.call('a', never);
    await answerAll();
    await call;
    await spare.close();
    expect(started).toMatchObject([{ isClosed: true }]);
  });
});
