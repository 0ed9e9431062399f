import { describe, expect, it } from '@jest/globals';
import type { GenerationRequest } from '../generation-request.js';
import type { SequenceSettings } from '../sequence.js';
import {
  type FakeCache,
  FakeDecoder,
  type FakeRow,
  type FakeStage,
  greedy,
  letters,
} from '../testing/fake-decoder.js';
import { Scheduler, type Tick } from './scheduler.js';

const promptOf = (ids: Int32Array): GenerationRequest['prompt'] => ({
  ids,
  imageTokenId: 26,
  features: new Float32Array(),
  images: [],
});

/** A prompt of `length` tokens; what comes next depends on everything fed so far. */
function request(id: number, length: number, choices: Partial<SequenceSettings>[] = [{}]): GenerationRequest {
  return {
    id,
    prompt: promptOf(new Int32Array(length).fill(id)),
    choices: choices.map((settings) => ({ ...greedy, maxTokens: 4, ...settings })),
  };
}

const letterIds = Array.from({ length: letters.size }, (_, id) => id);

const mixed = (fed: readonly number[]) => 1 + (fed.reduce((sum, id) => sum * 3 + id, 0) % 25);

/** Runs until nothing is left; gives the text of each choice as `id.index`. */
async function runAll(scheduler: Scheduler<FakeCache, FakeRow>, onTick?: (tick: Tick) => void) {
  const texts = new Map<string, string>();
  while (scheduler.hasWork) {
    const tick = await scheduler.tick();
    for (const { id, index, text } of tick.pieces) {
      texts.set(`${id}.${index}`, (texts.get(`${id}.${index}`) ?? '') + text);
    }
    onTick?.(tick);
  }
  return texts;
}

const create = (decoder: FakeDecoder, maxRunning = 4, prefixCacheBytes = 0) =>
  new Scheduler(decoder, letters, { maxRunning, prefixCacheBytes });

describe('the scheduler', () => {
  it('prefills a prompt, then steps until the choice ends', async () => {
    const decoder = new FakeDecoder(() => 1);
    const scheduler = create(decoder);
    scheduler.add(request(7, 3));
    expect(await runAll(scheduler)).toEqual(new Map([['7.0', 'aaaa']]));
    expect(decoder.passes).toEqual(['extend 3', 'step 1', 'step 1', 'step 1']);
  });

  it('cuts a long prompt into pieces, and running answers step between them', async () => {
    const decoder = new FakeDecoder(() => 1);
    const scheduler = create(decoder);
    scheduler.add(request(1, 2, [{ maxTokens: 10 }]));
    await scheduler.tick();
    scheduler.add(request(2, 300));
    await runAll(scheduler);
    expect(decoder.passes.slice(0, 7)).toEqual([
      'extend 2',
      'step 1',
      'extend 128',
      'step 1',
      'extend 128',
      'step 1',
      'extend 44',
    ]);
    expect(decoder.passes[7]).toBe('step 2');
  });

  it('gives each request what it gives alone, however they come and go', async () => {
    const alone = new Map<string, string>();
    const all = [request(1, 5, [{ maxTokens: 9 }]), request(2, 200), request(3, 1, [{ maxTokens: 2 }])];
    for (const one of all) {
      const scheduler = create(new FakeDecoder(mixed));
      scheduler.add(one);
      for (const [key, text] of await runAll(scheduler)) alone.set(key, text);
    }
    const scheduler = create(new FakeDecoder(mixed), 2);
    scheduler.add(all[0]!);
    scheduler.add(all[1]!);
    let turn = 0;
    const together = await runAll(scheduler, () => {
      turn += 1;
      if (turn === 2) scheduler.add(all[2]!);
    });
    expect(together).toEqual(alone);
    expect([...alone.values()].every((text) => text.length > 0)).toBe(true);
  });

  it('runs all choices of a request from one prefill', async () => {
    const decoder = new FakeDecoder(() => 1);
    const scheduler = create(decoder);
    scheduler.add(request(1, 6, [{}, { maxTokens: 2 }, { logitBias: new Map([[2, 100]]) }]));
    expect(await runAll(scheduler)).toEqual(
      new Map([
        ['1.0', 'aaaa'],
        ['1.1', 'aa'],
        ['1.2', 'bbbb'],
      ]),
    );
    expect(decoder.passes).toEqual(['extend 6', 'step 3', 'step 2', 'step 2']);
  });

  it('never runs more sequences than it may, and admits in order of arrival', async () => {
    const scheduler = create(new FakeDecoder(() => 1), 3);
    const order: number[] = [];
    for (const [id, choices] of [
      [1, 2],
      [2, 2],
      [3, 1],
    ] as const) {
      scheduler.add(request(id, 2, new Array(choices).fill({})));
    }
    await runAll(scheduler, (tick) => {
      expect(tick.running).toBeLessThanOrEqual(3);
      for (const { id } of tick.pieces) if (!order.includes(id)) order.push(id);
    });
    expect(order).toEqual([1, 2, 3]);
  });

  it('puts image embeddings where image tokens stand, across pieces of a prompt', async () => {
    const ids = new Int32Array(130).fill(3);
    ids[0] = 26;
    ids[129] = 26;
    let fed: readonly number[] = [];
    const watching = new FakeDecoder((seen) => {
      fed = seen;
      return 0;
    });
    const own = create(watching);
    own.add({
      ...request(1, 1),
      prompt: { ...promptOf(ids), features: Float32Array.of(100, 101), images: [{ digest: 'a', tokens: 2 }] },
    });
    await runAll(own);
    expect([fed[0], fed[1], fed[129]]).toEqual([100, 3, 101]);
  });

  it('fails a request whose prompt has more image tokens than embeddings', async () => {
    const scheduler = create(new FakeDecoder(() => 0));
    scheduler.add({
      ...request(1, 1),
      prompt: {
        ...promptOf(Int32Array.of(26, 26)),
        features: Float32Array.of(1),
        images: [{ digest: 'a', tokens: 1 }],
      },
    });
    const { failures } = await scheduler.tick();
    expect(failures).toMatchObject([{ id: 1, error: { code: 'INTERNAL' } }]);
    expect(scheduler.hasWork).toBe(false);
  });

  it('forgets a cancelled request whether it waits, prefills or runs', async () => {
    const scheduler = create(new FakeDecoder(() => 1), 1);
    scheduler.add(request(1, 2, [{ maxTokens: 100 }]));
    scheduler.add(request(2, 2));
    await scheduler.tick();
    scheduler.cancel(2);
    scheduler.cancel(1);
    scheduler.cancel(99);
    expect(scheduler.hasWork).toBe(false);
    scheduler.add(request(3, 300));
    await scheduler.tick();
    scheduler.cancel(3);
    expect(await scheduler.tick()).toMatchObject({ pieces: [], failures: [], running: 0, cachedTokens: 0 });
  });

  it('says nothing more of a request that is cancelled while its pass is under way', async () => {
    const decoder = new FakeDecoder(() => 1);
    const scheduler = create(decoder);
    scheduler.add(request(1, 2, [{ maxTokens: 100 }]));
    scheduler.add(request(2, 2, [{ maxTokens: 100 }]));
    await scheduler.tick();
    expect(decoder.rows.size).toBe(2);
    const turn = scheduler.tick();
    scheduler.cancel(1);
    const { pieces, running } = await turn;
    expect(pieces.map(({ id }) => id)).toEqual([2]);
    expect(running).toBe(1);
    expect(decoder.rows.size).toBe(1);
  });

  it('fails only those whose pass failed, and goes on', async () => {
    const decoder = new FakeDecoder((fed) => {
      if (fed[0] === 9) throw new Error('out of memory at /secret/path');
      return 1;
    });
    const scheduler = create(decoder);
    scheduler.add(request(9, 2));
    scheduler.add(request(1, 2));
    const failed: unknown[] = [];
    const texts = await runAll(scheduler, (tick) => failed.push(...tick.failures));
    expect(texts).toEqual(new Map([['1.0', 'aaaa']]));
    expect(failed).toMatchObject([{ id: 9, error: { code: 'INTERNAL' } }]);
  });

  it('counts the tokens whose keys and values it holds', async () => {
    const scheduler = create(new FakeDecoder(() => 1));
    scheduler.add(request(1, 130));
    expect((await scheduler.tick()).cachedTokens).toBe(128);
    expect((await scheduler.tick()).cachedTokens).toBe(130);
    expect((await scheduler.tick()).cachedTokens).toBe(131);
  });
});

describe('turns and places', () => {
  it('run several short prompts between two steps, together no longer than one piece', async () => {
    const decoder = new FakeDecoder(() => 1);
    const scheduler = create(decoder);
    for (const [id, length] of [
      [1, 60],
      [2, 60],
      [3, 60],
    ] as const) {
      scheduler.add(request(id, length));
    }
    await scheduler.tick();
    expect(decoder.passes).toEqual(['extend 60', 'extend 60']);
    await runAll(scheduler);
    expect(decoder.passes.slice(2, 5)).toEqual(['step 2', 'extend 60', 'step 3']);
  });

  it('go to lower priority numbers first, and by arrival among equals', async () => {
    const scheduler = create(new FakeDecoder(() => 1), 1);
    const order: number[] = [];
    for (const [id, priority] of [
      [1, 5],
      [2, 0],
      [3, -1],
      [4, 0],
    ] as const) {
      scheduler.add({ ...request(id, 2, [{ maxTokens: 1 }]), priority });
    }
    await runAll(scheduler, (tick) => order.push(...tick.pieces.map(({ id }) => id)));
    expect(order).toEqual([3, 2, 4, 1]);
  });

  it('make room for older answers when the cache is full, and take up again what had to go', async () => {
    const alone = await runAll(
      (() => {
        const scheduler = create(new FakeDecoder(mixed));
        for (const id of [1, 2, 3])
          scheduler.add(request(id, 10, [{ maxTokens: 20, ignoreEos: true, stopTokenIds: [] }]));
        return scheduler;
      })(),
    );
    // Three prompts fit with little to spare, three whole answers do not.
    const decoder = new FakeDecoder(mixed, 45);
    const scheduler = create(decoder);
    for (const id of [1, 2, 3])
      scheduler.add(request(id, 10, [{ maxTokens: 20, ignoreEos: true, stopTokenIds: [] }]));
    let preemptions = 0;
    const texts = await runAll(scheduler, (tick) => {
      preemptions = tick.preemptions;
      expect(tick.cachedTokens).toBeLessThanOrEqual(45);
    });
    expect(preemptions).toBeGreaterThan(0);
    expect(texts).toEqual(alone);
    expect(decoder.rows.size).toBe(0);
  });

  it('are refused to choices that can never fit together', async () => {
    const scheduler = create(new FakeDecoder(() => 1, 20));
    scheduler.add(request(1, 15, [{}, {}]));
    const { failures } = await scheduler.tick();
    expect(failures).toMatchObject([{ id: 1, error: { code: 'INVALID_REQUEST', param: 'n' } }]);
  });
});

describe('an answer that goes on', () => {
  const drawn = {
    temperature: 4,
    seed: 11,
    maxTokens: 12,
    presencePenalty: 0.5,
    stopTokenIds: [],
    ignoreEos: true,
  };
  /** Several tokens are likely. */
  const uneven = (fed: readonly number[]) => mixed(fed);

  it.each([
    ['greedy', {}],
    ['drawn with a seed', drawn],
  ] as const)('is the same as one that was never cut: %s', async (_how, settings) => {
    const whole = create(new FakeDecoder(uneven));
    whole.add(request(1, 5, [{ ...settings, maxTokens: 12 }]));
    const ids: number[] = [];
    const texts: string[] = [];
    await runAll(whole, (tick) => {
      for (const piece of tick.pieces) {
        ids.push(...piece.tokenIds);
        texts.push(piece.text);
      }
    });
    const rest = create(new FakeDecoder(uneven));
    rest.add({ ...request(1, 5, [{ ...settings, maxTokens: 12 }]), answerIds: ids.slice(0, 5) });
    const counts: number[] = [];
    const text = await runAll(rest, (tick) =>
      counts.push(...tick.pieces.map((piece) => piece.completionTokens)),
    );
    expect(text.get('1.0')).toBe(texts.slice(5).join(''));
    expect(counts[0]).toBe(6);
  });

  it('gives out what was held back for a stop string that did not come', async () => {
    const scheduler = create(new FakeDecoder(() => 4));
    scheduler.add({ ...request(1, 2, [{ stop: ['abc'], maxTokens: 4 }]), answerIds: [1, 2] });
    expect(await runAll(scheduler)).toEqual(new Map([['1.0', 'abdd']]));
  });

  it('is refused when it has ended', async () => {
    const scheduler = create(new FakeDecoder(() => 4));
    scheduler.add({ ...request(1, 2), answerIds: [1, 0] });
    expect((await scheduler.tick()).failures).toMatchObject([
      { id: 1, error: { code: 'INVALID_REQUEST', param: 'answer_token_ids' } },
    ]);
  });
});

describe('kept prefixes', () => {
  const ends = { maxTokens: 3 };

  it('spare the next prompt all but its rest, and change no answer', async () => {
    const decoder = new FakeDecoder(mixed);
    const scheduler = create(decoder, 4, 10_000);
    scheduler.add(request(1, 40, [ends]));
    const first = await runAll(scheduler);
    decoder.passes.length = 0;
    scheduler.add({ ...request(2, 40, [ends]), prompt: promptOf(new Int32Array(40).fill(1)) });
    let hits = 0;
    const second = await runAll(scheduler, (tick) => {
      hits = tick.prefixHits;
    });
    expect(second.get('2.0')).toBe(first.get('1.0'));
    // Whole blocks of 16; the last token is always run.
    expect(decoder.passes[0]).toBe('extend 8');
    expect(hits).toBe(32);
  });

  it('reach over the answer into the next turn of a conversation', async () => {
    const decoder = new FakeDecoder(() => 2);
    const scheduler = create(decoder, 4, 10_000);
    scheduler.add(request(1, 20, [{ maxTokens: 30 }]));
    await runAll(scheduler);
    decoder.passes.length = 0;
    const ids = Int32Array.from([...new Array(20).fill(1), ...new Array(30).fill(2), 3, 3, 3]);
    scheduler.add({ ...request(2, 1, [ends]), prompt: promptOf(ids) });
    await runAll(scheduler);
    expect(decoder.passes[0]).toBe(`extend ${53 - 48}`);
  });

  it('are apart by salt and by image', async () => {
    const decoder = new FakeDecoder(() => 1);
    const scheduler = create(decoder, 4, 10_000);
    const ask = async (id: number, digest: string, cacheSalt: string) => {
      const ids = new Int32Array(40).fill(5);
      ids.fill(26, 20, 24);
      const prompt = { ...promptOf(ids), features: new Float32Array(4), images: [{ digest, tokens: 4 }] };
      decoder.passes.length = 0;
      scheduler.add({ ...request(id, 1, [ends]), prompt, cacheSalt });
      await runAll(scheduler);
      return decoder.passes[0];
    };
    expect(await ask(1, 'cat', 'a')).toBe('extend 40');
    expect(await ask(2, 'cat', 'b')).toBe('extend 40');
    expect(await ask(3, 'dog', 'a')).toBe('extend 24');
    expect(await ask(4, 'cat', 'a')).toBe('extend 8');
  });
});

describe('a failure', () => {
  const stages: readonly FakeStage[] = ['extend', 'truncate', 'join', 'step', 'cacheOf'];

  it.each(stages)('in %s ends that request only, and what it held comes back', async (stage) => {
    const decoder = new FakeDecoder(mixed);
    const scheduler = create(decoder, 8, 10_000);
    const add = (id: number) =>
      scheduler.add(request(id, 40, [{ maxTokens: 6, ignoreEos: true, stopTokenIds: [] }]));
    for (const id of [1, 2, 3]) add(id);
    const healthy = await runAll(scheduler);
    decoder.fail = (at, fed) => {
      if (at === stage && fed[0] === 9) throw new RangeError('Array buffer allocation failed');
    };
    // The second one finds the first one's prefix where that was kept, so that it is cut.
    for (const id of [1, 9, 2, 9.5, 3]) {
      scheduler.add({
        ...request(Math.floor(id), 40, [{ maxTokens: 6, ignoreEos: true, stopTokenIds: [] }]),
        id: id === 9.5 ? 10 : id,
      });
    }
    const failed: unknown[] = [];
    const texts = await runAll(scheduler, (tick) => failed.push(...tick.failures));
    for (const id of [1, 2, 3]) expect(texts.get(`${id}.0`)).toBe(healthy.get(`${id}.0`));
    expect(failed.length).toBeGreaterThan(0);
    expect(failed).toEqual(
      failed.map(() => expect.objectContaining({ error: expect.objectContaining({ code: 'INTERNAL' }) })),
    );
    expect(decoder.rows.size).toBe(0);
    decoder.fail = () => undefined;
    add(4);
    expect((await runAll(scheduler)).get('4.0')).toHaveLength(6);
  });

  it('of sampling ends that request only', async () => {
    const decoder = new FakeDecoder(() => 1);
    const scheduler = create(decoder);
    scheduler.add(request(1, 2, [{ maxTokens: 3 }]));
    scheduler.add(request(2, 2, [{ logitBias: new Map(letterIds.map((id) => [id, Number.NaN])) }]));
    const failed: number[] = [];
    const texts = await runAll(scheduler, (tick) => failed.push(...tick.failures.map(({ id }) => id)));
    expect(texts).toEqual(new Map([['1.0', 'aaa']]));
    expect(failed).toEqual([2]);
  });
});
