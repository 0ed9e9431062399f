import type { EngineLoad } from '@fovea/backends';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ProgressWatch } from './progress-watch.js';

const STALL_MS = 1_000;

describe('ProgressWatch', () => {
  let watch: ProgressWatch;
  let load: EngineLoad;
  let problem: Error | undefined;
  let stalls: number[];
  let recoveries: number;
  let looks: number;

  beforeEach(() => {
    jest.useFakeTimers();
    load = { running: 1, waiting: 0, generatedTokens: 5, promptTokens: 10, kvCacheUsage: 0.5 };
    problem = undefined;
    stalls = [];
    recoveries = 0;
    looks = 0;
    watch = new ProgressWatch({
      stallMs: STALL_MS,
      look: async () => {
        looks += 1;
        if (problem !== undefined) throw problem;
        return load;
      },
      onStall: (silentMs) => stalls.push(silentMs),
      onRecovery: () => {
        recoveries += 1;
      },
    });
  });
  afterEach(() => {
    watch.stop();
    jest.useRealTimers();
  });

  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  it('calls an engine hung that works and moves nothing, after one more look', async () => {
    watch.begin();
    watch.read(load);
    await pass(STALL_MS - 1);
    expect(looks).toBe(0);
    await pass(1);
    expect(looks).toBe(1);
    expect(stalls).toEqual([STALL_MS]);
    expect(watch.isStalled).toBe(true);
  });

  it('never calls an idle engine hung', async () => {
    watch.begin()();
    watch.read({ ...load, running: 0 });
    await pass(STALL_MS * 100);
    expect(stalls).toEqual([]);
  });

  it.each([
    ['tokens', { generatedTokens: 6 }],
    ['a prompt', { promptTokens: 11 }],
    ['a chunk of a long prefill', { kvCacheUsage: 0.6 }],
    ['a restart', { generatedTokens: 0 }],
  ])('takes %s for progress', async (_what, change) => {
    watch.begin();
    watch.read(load);
    await pass(STALL_MS - 1);
    watch.read({ ...load, ...change });
    load = { ...load, ...change };
    await pass(STALL_MS - 1);
    expect(stalls).toEqual([]);
    await pass(1);
    expect(stalls).toHaveLength(1);
  });

  it('takes an event of a generation for progress', async () => {
    watch.begin();
    watch.read(load);
    for (let at = 0; at < 5; at++) {
      await pass(STALL_MS - 1);
      watch.moved();
    }
    expect(stalls).toEqual([]);
  });

  it('does not take requests that come for progress', async () => {
    watch.begin();
    watch.read(load);
    for (let at = 1; at <= 4; at++) {
      await pass(STALL_MS / 4);
      watch.begin();
      load = { ...load, running: 1 + at, waiting: at };
      watch.read(load);
    }
    expect(stalls).toHaveLength(1);
  });

  it('waits three times as long for an engine that only prepares pictures', async () => {
    load = { ...load, running: 0 };
    watch.begin();
    watch.read(load);
    await pass(STALL_MS * 3 - 1);
    expect(stalls).toEqual([]);
    await pass(1);
    expect(stalls).toHaveLength(1);
  });

  it('counts anew when the scheduler gets the first request', async () => {
    watch.begin();
    watch.read({ ...load, running: 0 });
    await pass(STALL_MS * 2);
    watch.read(load);
    await pass(STALL_MS - 1);
    expect(stalls).toEqual([]);
    await pass(1);
    expect(stalls).toHaveLength(1);
  });

  it('waits three times as long for an engine without figures, and has no opinion afterwards', async () => {
    load = {};
    const end = watch.begin();
    watch.read(load);
    await pass(STALL_MS * 3);
    expect(stalls).toHaveLength(1);
    expect(watch.isStalled).toBe(false);
    end();
    await pass(STALL_MS * 10);
    expect(stalls).toHaveLength(1);
  });

  it('believes the last look', async () => {
    watch.begin();
    watch.read(load);
    load = { ...load, generatedTokens: 6 };
    await pass(STALL_MS * 2 - 1);
    expect(stalls).toEqual([]);
  });

  it('takes no answer for no progress', async () => {
    watch.begin();
    watch.read(load);
    problem = new Error('no answer');
    await pass(STALL_MS);
    expect(stalls).toHaveLength(1);
  });

  it('does not count the time in which we wait for something of our own', async () => {
    const end = watch.begin();
    watch.read({ ...load, running: 0 });
    end();
    await pass(STALL_MS * 10);
    watch.begin();
    await pass(STALL_MS * 3 - 1);
    expect(stalls).toEqual([]);
  });

  it('notices an engine that hangs with the requests of others', async () => {
    watch.read(load);
    await pass(STALL_MS);
    expect(stalls).toHaveLength(1);
  });

  describe('after a stall', () => {
    beforeEach(async () => {
      const end = watch.begin();
      watch.read(load);
      await pass(STALL_MS);
      end();
    });

    it('stays hung while nothing moves, however often it is looked at', async () => {
      watch.forget();
      watch.read(load);
      await pass(STALL_MS * 10);
      watch.read({ ...load, waiting: 3 });
      expect(watch.isStalled).toBe(true);
      expect(stalls).toHaveLength(1);
    });

    it.each([
      ['moves', { generatedTokens: 6 }],
      ['was left by all', { running: 0 }],
      ['is another process', { startedAtS: 7 }],
    ])('recovers when it %s', (_what, change) => {
      watch.read({ ...load, startedAtS: 6 });
      expect(watch.isStalled).toBe(true);
      watch.read({ ...load, startedAtS: 6, ...change });
      expect(watch.isStalled).toBe(false);
      expect(recoveries).toBe(1);
    });
  });
});
