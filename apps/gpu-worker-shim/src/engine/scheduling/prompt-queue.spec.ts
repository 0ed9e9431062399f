import { describe, expect, it } from '@jest/globals';
import type { GenerationRequest } from '../generation-request.js';
import { SeededRandom } from '../sampling/random.js';
import type { SequencePiece, SequenceSettings } from '../sequence.js';
import { FakeDecoder, greedy, letters } from '../testing/fake-decoder.js';
import { Scheduler, type Tick } from './scheduler.js';

/** What comes next depends on everything fed so far. */
const next = (fed: readonly number[]) => 1 + (fed.reduce((sum, id) => (sum * 3 + id) % 10_007, 0) % 25);

const endless: Partial<SequenceSettings> = { ignoreEos: true, stopTokenIds: [] };

interface Asked {
  readonly length: number;
  readonly priority?: number;
  readonly maxTokens?: number;
  readonly choices?: number;
  readonly promptLogprobs?: number;
  /** What the prompt consists of; absent: of its id. */
  readonly token?: number;
}

function request(
  id: number,
  { length, maxTokens = 3, choices = 1, token, ...more }: Asked,
): GenerationRequest {
  const ids = new Int32Array(length).fill(token ?? 1 + (id % 25));
  const prompt = { ids, imageTokenId: 26, features: new Float32Array(), images: [] };
  const settings = Array.from({ length: choices }, (_, at) => ({
    ...greedy,
    ...endless,
    maxTokens,
    seed: id,
    temperature: at,
  }));
  return { id, prompt, choices: settings, ...more };
}

/** Prompt tokens that were run in these passes. */
const promptTokens = (passes: readonly string[]): number =>
  passes.reduce((sum, pass) => sum + (pass.startsWith('extend') ? Number(pass.split(' ')[1]) : 0), 0);

/** A scheduler, what it ran, and what became known of each request. */
function bench({ kvCacheTokens = 100_000, maxRunning = 4, prefixCacheBytes = 0 } = {}) {
  const decoder = new FakeDecoder(next, kvCacheTokens);
  const scheduler = new Scheduler(decoder, letters, { maxRunning, prefixCacheBytes });
  const texts = new Map<string, string>();
  const told = new Map<number, SequencePiece['promptLogprobs']>();
  const failed: number[] = [];
  const add = (id: number, asked: Asked) => scheduler.add(request(id, asked));
  const tick = async (): Promise<Tick> => {
    const passesBefore = decoder.passes.length;
    const result = await scheduler.tick();
    const run = promptTokens(decoder.passes.slice(passesBefore));
    expect(run).toBeLessThanOrEqual(128);
    for (const { id, index, text, promptLogprobs = [] } of result.pieces) {
      told.set(id, [...(told.get(id) ?? []), ...promptLogprobs]);
      const key = `${id}.${index}`;
      if (text !== '') texts.set(key, (texts.get(key) ?? '') + text);
    }
    failed.push(...result.failures.map(({ id }) => id));
    return result;
  };
  const runAll = async (onTick: (tick: Tick) => void = () => undefined) => {
    while (scheduler.hasWork) onTick(await tick());
    return texts;
  };
  return { decoder, scheduler, texts, told, failed, add, tick, runAll };
}

/** What each request gives when nobody else is there. */
async function alone(all: readonly (readonly [id: number, asked: Asked])[]) {
  const texts = new Map<string, string>();
  const told = new Map<number, SequencePiece['promptLogprobs']>();
  for (const [id, asked] of all) {
    const one = bench({ maxRunning: 8 });
    one.add(id, asked);
    for (const [key, text] of await one.runAll()) texts.set(key, text);
    told.set(id, one.told.get(id));
  }
  return { texts, told };
}

describe('a prompt of better priority', () => {
  it('goes before what is left of one under way, which goes on where it was', async () => {
    const { decoder, add, tick, runAll } = bench();
    add(1, { length: 400, priority: 10, maxTokens: 1 });
    await tick();
    add(2, { length: 2, priority: -10, maxTokens: 1 });
    const { pieces, cachedTokens } = await tick();
    expect(pieces.map(({ id }) => id)).toEqual([2]);
    expect(cachedTokens).toBe(128);
    await runAll();
    expect(decoder.passes).toEqual(['extend 128', 'extend 2', 'extend 128', 'extend 128', 'extend 16']);
  });

  it('goes before it however long it is, and those of worse priority before neither', async () => {
    const { decoder, add, tick, runAll } = bench();
    add(1, { length: 300, priority: 1, maxTokens: 1 });
    await tick();
    add(2, { length: 200, priority: 0, maxTokens: 1 });
    add(3, { length: 1, priority: 2, maxTokens: 1 });
    const order: number[] = [];
    await runAll(({ pieces }) => order.push(...pieces.map(({ id }) => id)));
    expect(order).toEqual([2, 1, 3]);
    expect(decoder.passes).toEqual([
      ...['extend 128', 'extend 128', 'extend 72'],
      ...['extend 128', 'extend 44', 'extend 1'],
    ]);
  });

  it('takes the place of one that has not ended its prompt; that is run again and changes no answer', async () => {
    const asked = [
      [1, { length: 150, priority: 5 }],
      [2, { length: 40, priority: 0, choices: 2 }],
    ] as const;
    const { decoder, add, tick, runAll, texts } = bench({ kvCacheTokens: 180 });
    add(...asked[0]);
    expect((await tick()).cachedTokens).toBe(128);
    add(...asked[1]);
    const first = await tick();
    expect(first).toMatchObject({ running: 2, cachedTokens: 80, preemptions: 1 });
    await runAll(({ cachedTokens }) => expect(cachedTokens).toBeLessThanOrEqual(180));
    expect(texts).toEqual((await alone(asked)).texts);
    expect(decoder.passes.filter((pass) => pass === 'extend 128')).toHaveLength(2);
    expect(decoder.rows.size).toBe(0);
  });

  it('takes its row when there is no other; what was run is found again where prefixes are kept', async () => {
    const { decoder, add, tick, runAll } = bench({ maxRunning: 1, prefixCacheBytes: 10_000 });
    add(1, { length: 300, priority: 5, maxTokens: 1 });
    await tick();
    await tick();
    add(2, { length: 10, priority: 0, maxTokens: 2 });
    expect(await tick()).toMatchObject({ running: 1, cachedTokens: 10, preemptions: 1 });
    await runAll();
    expect(decoder.passes).toEqual(['extend 128', 'extend 128', 'extend 10', 'step 1', 'extend 44']);
  });

  it('takes no place that would not be enough', async () => {
    const { decoder, add, tick, runAll } = bench({ maxRunning: 3 });
    add(1, { length: 2, maxTokens: 4, choices: 2 });
    await tick();
    add(2, { length: 200, priority: 5 });
    await tick();
    await tick();
    add(3, { length: 2, priority: 0, choices: 2 });
    expect((await runAll()).size).toBe(5);
    expect(decoder.passes.filter((pass) => pass === 'extend 128')).toHaveLength(1);
  });

  it('that can never fit disturbs nobody', async () => {
    const { decoder, add, tick, runAll, failed } = bench({ kvCacheTokens: 200 });
    add(1, { length: 190, priority: 5, maxTokens: 1 });
    await tick();
    add(2, { length: 150, priority: 0, choices: 2 });
    await runAll();
    expect(failed).toEqual([2]);
    expect(decoder.passes).toEqual(['extend 128', 'extend 62']);
  });
});

describe('a short prompt of equal priority', () => {
  it('need not wait for all of a long one, which has every second turn', async () => {
    const { decoder, add, tick, runAll } = bench({ maxRunning: 8 });
    add(1, { length: 700, maxTokens: 1 });
    await tick();
    for (const id of [2, 3, 4]) add(id, { length: 60, maxTokens: 1 });
    const order: number[] = [];
    await runAll(({ pieces }) => order.push(...pieces.map(({ id }) => id)));
    expect(order).toEqual([2, 3, 4, 1]);
    expect(decoder.passes.slice(0, 5)).toEqual([
      ...['extend 128', 'extend 60', 'extend 60', 'extend 128', 'extend 60'],
    ]);
  });

  it('counts by what is left of it behind a kept prefix', async () => {
    const { add, tick, runAll } = bench({ prefixCacheBytes: 10_000 });
    add(1, { length: 640, token: 5, maxTokens: 1 });
    await runAll();
    add(2, { length: 600, maxTokens: 1 });
    await tick();
    add(3, { length: 650, token: 5, maxTokens: 1 });
    expect((await tick()).pieces.map(({ id }) => id)).toEqual([3]);
  });

  it('does not starve the long one, however many come', async () => {
    const { add, tick, texts } = bench();
    add(1, { length: 5 * 128, maxTokens: 1 });
    for (let turn = 1; turn <= 9; turn += 1) {
      expect(texts.has('1.0')).toBe(false);
      await tick();
      add(1 + turn, { length: 60, maxTokens: 1 });
    }
    expect([...texts.keys()]).toHaveLength(8);
    expect(texts.has('1.0')).toBe(true);
  });

  it('is one with at most half as much left: prompts of similar length run one after the other', async () => {
    const { decoder, add, runAll } = bench({ prefixCacheBytes: 10_000 });
    for (const [at, length] of [600, 460, 455].entries()) add(at + 1, { length, token: 7, maxTokens: 1 });
    await runAll();
    // Two of three find the first one's keys and values.
    expect(promptTokens(decoder.passes)).toBe(600 + (460 - 448) + (455 - 448));
  });
});

describe('prompts that take turns', () => {
  it('run at most 128 tokens between two steps, together', async () => {
    const { decoder, add, tick, runAll } = bench({ maxRunning: 20 });
    add(1, { length: 1, maxTokens: 200 });
    await tick();
    for (let id = 2; id < 20; id += 1) {
      add(id, { length: [500, 20, 100, 3, 128, 129][id % 6]!, priority: id % 3 });
      await tick();
    }
    await runAll();
    const betweenSteps = decoder.passes
      .join()
      .split(/step \d+/)
      .map((passes) => promptTokens(passes.split(',')));
    expect(Math.max(...betweenSteps)).toBe(128);
  });

  it('cost no further pass: one each for those of up to 128 tokens, in order of arrival', async () => {
    const { decoder, add, runAll } = bench({ maxRunning: 40 });
    const lengths = Array.from({ length: 30 }, (_, at) => 40 + ((at * 37) % 81));
    for (const [at, length] of lengths.entries()) add(at + 1, { length, maxTokens: 30 });
    await runAll();
    expect(decoder.passes.filter((pass) => pass.startsWith('extend'))).toEqual(
      lengths.map((length) => `extend ${length}`),
    );
  });

  it('keep the places of all their choices', async () => {
    const asked = [
      [1, { length: 200, priority: 5, choices: 3 }],
      [2, { length: 5, priority: 0, choices: 1, maxTokens: 6 }],
      [3, { length: 5, priority: 0, choices: 2, maxTokens: 6 }],
      [4, { length: 5, priority: 5, choices: 2 }],
    ] as const;
    const { add, tick, runAll, texts } = bench({ maxRunning: 4 });
    add(...asked[0]);
    await tick();
    for (const [id, one] of asked.slice(1)) add(id, one);
    await runAll(({ running }) => expect(running).toBeLessThanOrEqual(4));
    expect(texts).toEqual((await alone(asked)).texts);
  });

  it('give everything back when they are cancelled while they stand', async () => {
    const { scheduler, decoder, add, tick } = bench();
    add(1, { length: 300, priority: 5, choices: 2 });
    await tick();
    add(2, { length: 300, priority: 0 });
    expect((await tick()).cachedTokens).toBe(256);
    const turn = tick();
    scheduler.cancel(1);
    expect((await turn).cachedTokens).toBe(256);
    scheduler.cancel(2);
    expect(scheduler.hasWork).toBe(false);
    expect(await tick()).toMatchObject({ pieces: [], failures: [], running: 0, cachedTokens: 0 });
    expect(decoder.passes).toEqual(['extend 128', 'extend 128', 'extend 128']);
  });

  it('are not heard of when they are cancelled during their last pass', async () => {
    const { scheduler, decoder, add, tick } = bench();
    add(1, { length: 20, promptLogprobs: 0, choices: 2 });
    const turn = tick();
    scheduler.cancel(1);
    expect(await turn).toMatchObject({ pieces: [], failures: [], running: 0, cachedTokens: 0 });
    expect(decoder.rows.size).toBe(0);
  });

  it('disturb nobody when one of them goes on and fails', async () => {
    const asked = [
      [2, { length: 150, priority: 0 }],
      [3, { length: 20, priority: 5 }],
    ] as const;
    const { decoder, add, tick, runAll, texts, failed } = bench({ prefixCacheBytes: 10_000 });
    decoder.fail = (stage, fed) => {
      if (stage === 'extend' && fed[0] === 9 && fed.length > 128) throw new RangeError('no memory');
    };
    add(8, { length: 300, priority: 5, token: 9, choices: 2 });
    await tick();
    for (const [id, one] of asked) add(id, one);
    await runAll();
    expect(failed).toEqual([8]);
    expect(texts).toEqual((await alone(asked)).texts);
    expect((await tick()).cachedTokens).toBe(0);
  });

  it('make room when answers that come before them grow, and are told of once', async () => {
    const asked = [
      [1, { length: 10, maxTokens: 60 }],
      [2, { length: 300, priority: 5, promptLogprobs: 1 }],
    ] as const;
    const { add, runAll, texts, told } = bench({ kvCacheTokens: 314 });
    for (const [id, one] of asked) add(id, one);
    let preempted = 0;
    await runAll(({ preemptions, cachedTokens }) => {
      preempted = preemptions;
      expect(cachedTokens).toBeLessThanOrEqual(314);
    });
    expect(preempted).toBe(1);
    const expected = await alone(asked);
    expect(texts).toEqual(expected.texts);
    expect(told.get(2)).toHaveLength(299);
    expect(told.get(2)).toEqual(expected.told.get(2));
  });

  it('go on when it is an answer of worse priority that grows: that makes room', async () => {
    const asked = [
      [1, { length: 10, priority: 5, maxTokens: 60 }],
      [2, { length: 300, priority: 0 }],
    ] as const;
    const { decoder, add, tick, runAll, texts } = bench({ kvCacheTokens: 314 });
    add(...asked[0]);
    await tick();
    add(...asked[1]);
    let preempted = 0;
    await runAll(({ preemptions }) => {
      preempted = preemptions;
    });
    expect(preempted).toBe(1);
    expect(decoder.passes.filter((pass) => pass === 'extend 128')).toHaveLength(2);
    expect(texts).toEqual((await alone(asked)).texts);
  });

  it('tell of every token once when they stand and go on', async () => {
    const asked = [
      [1, { length: 300, priority: 5, promptLogprobs: 2 }],
      [2, { length: 200, priority: 0, promptLogprobs: 0 }],
    ] as const;
    const { add, tick, runAll, told } = bench();
    add(...asked[0]);
    await tick();
    add(...asked[1]);
    await runAll();
    expect(told).toEqual((await alone(asked)).told);
  });

  it('give what each gives alone, whoever comes, leaves or fails in whatever order', async () => {
    const random = new SeededRandom(7);
    const draw = (bound: number) => Math.floor(random.next() * bound);
    const lengths = [1, 20, 90, 128, 129, 200, 400];
    const asked = Array.from({ length: 120 }, (_, at) => {
      const length = lengths[draw(lengths.length)]!;
      const choices = length < 200 ? 1 + draw(3) : 1;
      const logprobs = draw(3) === 0 && { promptLogprobs: 1 };
      return [at + 1, { length, choices, priority: draw(3), maxTokens: 1 + draw(30), ...logprobs }] as const;
    });
    const { scheduler, decoder, add, tick, texts, told, failed } = bench({
      kvCacheTokens: 500,
      maxRunning: 6,
      prefixCacheBytes: 1000,
    });
    // Requests 13, 38, … consist of this token: their prompts fail when they are half run.
    const isDoomed = (id: number) => 1 + (id % 25) === 14;
    decoder.fail = (stage, fed) => {
      if (stage === 'extend' && fed[0] === 14 && fed.length > 60) throw new RangeError('no memory');
    };
    const cancelled = new Set<number>();
    const open = [...asked];
    let preempted = 0;
    while (scheduler.hasWork || open.length > 0) {
      // Seldom enough that those of worse priority have begun when better ones come.
      if (open.length > 0 && (draw(6) === 0 || !scheduler.hasWork)) add(...open.shift()!);
      const turn = tick();
      if (draw(40) === 0) {
        const id = 1 + draw(asked.length - open.length);
        cancelled.add(id);
        scheduler.cancel(id);
      }
      const { running, cachedTokens, preemptions } = await turn;
      preempted = preemptions;
      expect(running).toBeLessThanOrEqual(6);
      expect(cachedTokens).toBeLessThanOrEqual(500);
    }
    expect(preempted).toBeGreaterThan(10);
    expect(failed.filter((id) => !isDoomed(id))).toEqual([]);
    const healthy = asked.filter(([id]) => !cancelled.has(id) && !failed.includes(id));
    expect(healthy.length).toBeGreaterThan(60);
    const expected = await alone(healthy);
    for (const [key, text] of expected.texts) expect([key, texts.get(key)]).toEqual([key, text]);
    for (const [id, one] of expected.told) expect(told.get(id)).toEqual(one);
    expect(decoder.rows.size).toBe(0);
    expect((await tick()).cachedTokens).toBe(0);
  });
});
